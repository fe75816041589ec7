//! Selectors of pods by label, as names that the point's description has: `app=web,tier=db` for pods of the policy's own namespace, `{}` for
//! all of them, `team=a/app=web` for pods of the namespaces that a second selector selects, `team=a/` for all pods there.

use std::collections::BTreeSet;

use enforcer_packetset::AddressSet;
use enforcer_policy::diagnostic::nearest;

use crate::device_zones::DeviceZones;
use crate::target::ParseError;
use crate::tree::Field;

/// The pods that a policy is for.
pub(super) fn hosts(selector: Field<'_>, namespace: &str, zones: &DeviceZones) -> Result<AddressSet, ParseError> {
    peers(Some(selector), None, namespace, zones)
}

/// The pods that a peer is. Both selectors in one peer must match; without the second one only pods of the policy's own namespace do.
pub(super) fn peers(
    pods: Option<Field<'_>>,
    namespaces: Option<Field<'_>>,
    namespace: &str,
    zones: &DeviceZones,
) -> Result<AddressSet, ParseError> {
    let pod_words = pods.map(words).transpose()?.unwrap_or_default();
    let place = pods.or(namespaces);
    let name = match namespaces.map(words).transpose()? {
        Some(around) => format!("{}/{pod_words}", if around.is_empty() { "{}" } else { &around }),
        None if namespace.is_empty() => own(&pod_words),
        // The same labels may be on other pods in other namespaces.
        None => format!("{}/{}", own_namespace(namespace), pod_words),
    };
    let short = own(&pod_words);
    let found = zones.get(&name).or_else(|| zones.get(&short).filter(|_| namespaces.is_none() && !namespace.is_empty()));
    match (found, place) {
        (Some(set), _) => Ok(set.clone()),
        (None, Some(place)) => {
            let meant = nearest(&name, zones.iter().map(|(name, _)| name));
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let what = format!("`{name}` is not in `device_zones` of the point{meant}");
            Err(place.error(what, "say there which zones of the policy these pods are"))
        }
        (None, None) => Ok(AddressSet::empty()),
    }
}

/// Whether a name says of which namespaces its pods are. Keys of labels may have a `/` too, values have none.
pub(super) fn has_namespace(name: &str) -> bool {
    let is_selector = |words: &str| words == "{}" || words.contains('=');
    name.match_indices('/').any(|(at, _)| name.get(..at).is_some_and(is_selector))
}

fn own(pods: &str) -> String {
    if pods.is_empty() { "{}".to_owned() } else { pods.to_owned() }
}

/// The label that every namespace has.
fn own_namespace(name: &str) -> String {
    format!("kubernetes.io/metadata.name={name}")
}

/// `matchLabels` and expressions that say the same, sorted; empty for every object.
fn words(selector: Field<'_>) -> Result<String, ParseError> {
    if selector.is_null() {
        return Ok(String::new());
    }
    let mut members = selector.members()?;
    let mut labels = BTreeSet::new();
    if let Some(named) = members.take("matchLabels")?.filter(|field| !field.is_null()) {
        for (key, value) in named.members()?.entries() {
            labels.insert(format!("{key}={}", value.text()?));
        }
    }
    if let Some(expressions) = members.take("matchExpressions")?.filter(|field| !field.is_null()) {
        for expression in expressions.items()? {
            let mut members = expression.members()?;
            let (key, operator) = (members.need("key")?.text()?, members.need("operator")?);
            let values = members.take("values")?.map(|values| values.items().map(Iterator::collect::<Vec<_>>)).transpose()?;
            members.done("an expression has a key, an operator and values")?;
            match (operator.text()?, values.as_deref()) {
                ("In", Some([value])) => labels.insert(format!("{key}={}", value.text()?)),
                (other, _) => {
                    return Err(
                        operator.error(format!("labels by `{other}`"), "only `In` with one value is read: write `matchLabels`")
                    );
                }
            };
        }
    }
    members.done("a selector has `matchLabels` and `matchExpressions`")?;
    Ok(labels.into_iter().collect::<Vec<_>>().join(","))
}

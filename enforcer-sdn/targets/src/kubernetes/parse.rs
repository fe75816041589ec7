//! Reads policies as people write them or a cluster gives them back, and says what they do to the pods that they select.

use enforcer_packetset::{AddressSet, L4, Prefix, Selector, StateSet, Step};

use super::ADDRESSES;
use super::{labels, peers};
use crate::device_zones::DeviceZones;
use crate::isolated::{Allowed, Isolated};
use crate::selecting::{Chain, both_pass};
use crate::target::{ParseError, Parsed};
use crate::tree::{Field, Tree};

/// What the policies for one selection of pods allow to them and from them; None: nobody isolates them there.
struct Group<'a> {
    namespace: &'a str,
    selector: Field<'a>,
    isolated: Isolated,
}

/// What all policies of the text say.
struct Whole<'a, 'z> {
    zones: &'z DeviceZones,
    groups: Vec<Group<'a>>,
    last_line: usize,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    parse_with(text, &DeviceZones::default())
}

pub(super) fn parse_with(text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
    let trees = Tree::of_yaml(text)?;
    let mut whole = Whole { zones, groups: Vec::new(), last_line: 1 };
    for tree in &trees {
        document(tree.root(), &mut whole)?;
    }
    let Whole { groups, last_line, .. } = whole;
    if groups.is_empty() {
        let (what, advice) = ("the text has no policy".into(), "give a NetworkPolicy".into());
        return Err(ParseError { line: 1, column: 1, what, advice });
    }
    let mut parsed = Parsed::default();
    let note =
        "what becomes of protocols other than TCP, UDP and SCTP is left to the network plugin; read as isolated like these";
    parsed.notes.push(note.into());
    parsed.lines.push(last_line);
    parsed.steps.push(Step::allow(Selector { state: StateSet::Established, ..Selector::any() }));
    if let [group] = groups.as_slice() {
        group.isolated.steps(last_line, &mut parsed);
        return Ok(parsed);
    }
    // Whoever sends decides, and so does whoever receives; policies for one pod add up.
    let isolated = || groups.iter().map(|group| &group.isolated);
    let (sent, got) = (way(isolated(), last_line, true), way(isolated(), last_line, false));
    let Some(chain) = both_pass(&sent, &got) else {
        let advice = "give fewer of them".into();
        return Err(ParseError { line: last_line, column: 1, what: "too many policies to compare".into(), advice });
    };
    for (step, line) in chain {
        parsed.steps.push(step);
        parsed.lines.push(line);
    }
    Ok(parsed)
}

/// What the policies say about what their pods send, or get.
fn way<'i>(isolated: impl Iterator<Item = &'i Isolated> + Clone, last_line: usize, is_sent: bool) -> Chain {
    let side = |one: &'i Isolated| if is_sent { one.outgoing.as_ref() } else { one.incoming.as_ref() };
    let between = |hosts: &AddressSet, peers: &AddressSet, l4: L4| {
        let (source, destination) = if is_sent { (hosts, peers) } else { (peers, hosts) };
        Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() }
    };
    let mut chain = Chain::new();
    for one in isolated.clone() {
        for Allowed { line, peers, l4, .. } in side(one).into_iter().flatten() {
            chain.push((Step::allow(between(&one.hosts, peers, l4.clone())), *line));
        }
    }
    for one in isolated.filter(|one| side(one).is_some()) {
        chain.push((Step::deny(between(&one.hosts, &AddressSet::full(), L4::Any)), last_line));
    }
    chain
}

/// A policy, or a list of them.
fn document<'a>(field: Field<'a>, whole: &mut Whole<'a, '_>) -> Result<(), ParseError> {
    let mut members = field.members()?;
    let version = members.need("apiVersion")?;
    let kind = members.need("kind")?;
    match (version.text()?, kind.text()?) {
        ("networking.k8s.io/v1", "NetworkPolicy") => {
            let metadata = members.need("metadata")?;
            let spec = members.need("spec")?;
            // Conditions; the API has dropped them.
            members.take("status")?;
            members.done("a policy has `metadata` and `spec`")?;
            policy(field, metadata, spec, whole)
        }
        ("v1", "List") | ("networking.k8s.io/v1", "NetworkPolicyList") => {
            let items = members.need("items")?;
            members.take("metadata")?;
            members.done("a list has `items`")?;
            items.items()?.try_for_each(|item| document(item, whole))
        }
        (version, kind_text) => {
            let what = format!("`{kind_text}` of `{version}`");
            Err(kind.error(what, "give `NetworkPolicy` of `networking.k8s.io/v1` alone"))
        }
    }
}

fn policy<'a>(field: Field<'a>, metadata: Field<'a>, spec: Field<'a>, whole: &mut Whole<'a, '_>) -> Result<(), ParseError> {
    let mut metadata_members = metadata.members()?;
    let namespace = metadata_members.take("namespace")?.map_or(Ok(""), Field::text)?;
    metadata_members.take("name")?;
    let annotation = match metadata_members.take("annotations")?.filter(|field| !field.is_null()) {
        Some(annotations) => annotations.members()?.take(ADDRESSES)?,
        None => None,
    };
    let book = [
        "labels",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "ownerReferences",
        "generateName",
    ];
    for name in book {
        metadata_members.take(name)?;
    }
    metadata_members.done("`metadata` has the name, the namespace and `annotations`")?;
    let mut members = spec.members()?;
    let selector = members.need("podSelector")?;
    let hosts = match annotation {
        Some(annotation) => addresses(annotation, annotation.text()?)?,
        None if whole.zones.is_empty() => {
            let what = "the text does not say which addresses the selected pods have";
            let advice = format!(
                "say it in `device_zones` of the point, or add the annotation `{ADDRESSES}`, with their prefixes between blanks"
            );
            return Err(metadata.error(what, advice));
        }
        None => labels::hosts(selector, namespace, whole.zones)?,
    };
    let is_other = whole.groups.first().is_some_and(|first| first.namespace != namespace);
    if is_other && whole.zones.iter().any(|(name, _)| !labels::has_namespace(name)) {
        let advice = "name the namespace too, as `team=a/app=web`, in every name of `device_zones`";
        return Err(selector.error("policies of two namespaces, and names of pods without one", advice));
    }
    whole.last_line = field.line();
    let is_known = |group: &Group<'_>| group.namespace == namespace && group.selector.says_the_same(selector);
    let at = whole.groups.iter().position(is_known).unwrap_or_else(|| {
        let isolated = Isolated { hosts: hosts.clone(), ..Isolated::default() };
        whole.groups.push(Group { namespace, selector, isolated });
        whole.groups.len() - 1
    });
    let zones = whole.zones;
    let Some(group) = whole.groups.get_mut(at) else { return Ok(()) };
    if group.isolated.hosts != hosts {
        return Err(selector.error("other addresses for the pods of another policy", "write the same ones"));
    }
    let (ingress, egress) = (members.take("ingress")?, members.take("egress")?);
    let kinds = members.take("policyTypes")?;
    members.done("`spec` has `podSelector`, `policyTypes`, `ingress` and `egress`")?;
    let is_kind = |wanted: &str, unsaid: bool| -> Result<bool, ParseError> {
        let kinds = peers::list(kinds)?;
        let mut is_given = kinds.is_empty() && unsaid;
        for kind in kinds {
            match kind.text()? {
                "Ingress" | "Egress" => is_given |= kind.text()? == wanted,
                other => return Err(kind.error(format!("`{other}` is no policy type"), "write Ingress or Egress")),
            }
        }
        Ok(is_given)
    };
    let has_egress = !peers::list(egress)?.is_empty();
    let sides = [
        (is_kind("Ingress", true)?, ingress, "from", &mut group.isolated.incoming),
        (is_kind("Egress", has_egress)?, egress, "to", &mut group.isolated.outgoing),
    ];
    for (is_isolated, rules, peers_name, allowed) in sides {
        let rules = peers::list(rules)?;
        if !is_isolated {
            if let Some(rule) = rules.first() {
                return Err(rule.error("a rule of a type that `policyTypes` leaves out", "it would do nothing: add the type"));
            }
            continue;
        }
        let allowed = allowed.get_or_insert_default();
        for rule in rules {
            allowed.extend(peers::read(rule, peers_name, namespace, zones)?);
        }
    }
    Ok(())
}

fn addresses(field: Field<'_>, text: &str) -> Result<AddressSet, ParseError> {
    let prefixes: Option<AddressSet> = text.split_whitespace().map(|word| word.parse::<Prefix>().ok()).collect();
    let advice = "write prefixes between blanks";
    prefixes.filter(|set| !set.is_empty()).ok_or_else(|| field.error(format!("`{text}` is no set of addresses"), advice))
}

//! Reads policies as people write them or a cluster gives them back, and says what they do to the pods that they select.

use enforcer_packetset::{AddressSet, Prefix, Selector, StateSet, Step};

use super::peers;
use super::{ADDRESSES, POINT};
use crate::isolated::{Allowed, Isolated};
use crate::target::{ParseError, Parsed};
use crate::tree::{Field, Tree};

/// What all policies of the text together allow to the hosts and from them; None: nobody isolates them there.
#[derive(Default)]
struct Whole<'a> {
    hosts: Option<AddressSet>,
    /// `namespace`, `podSelector` and addresses of the first policy.
    selected: Option<(String, Field<'a>, String)>,
    incoming: Option<Vec<Allowed>>,
    outgoing: Option<Vec<Allowed>>,
    last_line: usize,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let trees = Tree::of_yaml(text)?;
    let mut whole = Whole::default();
    for tree in &trees {
        document(tree.root(), &mut whole)?;
    }
    let Whole { hosts: Some(hosts), incoming, outgoing, last_line, .. } = whole else {
        return Err(ParseError {
            line: 1,
            column: 1,
            what: "the text has no policy".into(),
            advice: "give a NetworkPolicy".into(),
        });
    };
    let mut parsed = Parsed::default();
    let note =
        "what becomes of protocols other than TCP, UDP and SCTP is left to the network plugin; read as isolated like these";
    parsed.notes.push(note.into());
    parsed.lines.push(last_line);
    parsed.steps.push(Step::allow(Selector { state: StateSet::Established, ..Selector::any() }));
    Isolated { hosts, incoming, outgoing }.steps(last_line, &mut parsed);
    Ok(parsed)
}

/// A policy, or a list of them.
fn document<'a>(field: Field<'a>, whole: &mut Whole<'a>) -> Result<(), ParseError> {
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

fn policy<'a>(field: Field<'a>, metadata: Field<'a>, spec: Field<'a>, whole: &mut Whole<'a>) -> Result<(), ParseError> {
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
    let Some(annotation) = annotation else {
        let what = "the text does not say which addresses the selected pods have";
        let advice = format!("add the annotation `{ADDRESSES}`, with their prefixes between blanks");
        return Err(metadata.error(what, advice));
    };
    let hosts = annotation.text()?;
    let mut members = spec.members()?;
    let selector = members.need("podSelector")?;
    whole.last_line = field.line();
    match &whole.selected {
        None => {
            whole.hosts = Some(addresses(annotation, hosts)?);
            whole.selected = Some((namespace.into(), selector, hosts.into()));
        }
        Some((known_namespace, known, known_hosts)) => {
            let is_one = known_namespace == namespace && known.says_the_same(selector) && known_hosts == hosts;
            if !is_one {
                let what = "a policy for other pods than the first policy's";
                return Err(selector.error(what, format!("give the policies of one point, with one `{POINT}`, alone")));
            }
        }
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
        (is_kind("Ingress", true)?, ingress, "from", &mut whole.incoming),
        (is_kind("Egress", has_egress)?, egress, "to", &mut whole.outgoing),
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
            allowed.extend(peers::read(rule, peers_name)?);
        }
    }
    Ok(())
}

fn addresses(field: Field<'_>, text: &str) -> Result<AddressSet, ParseError> {
    let prefixes: Option<AddressSet> = text.split_whitespace().map(|word| word.parse::<Prefix>().ok()).collect();
    let advice = "write prefixes between blanks";
    prefixes.filter(|set| !set.is_empty()).ok_or_else(|| field.error(format!("`{text}` is no set of addresses"), advice))
}

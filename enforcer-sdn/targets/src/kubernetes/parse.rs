//! Reads policies as people write them or a cluster gives them back, and says what they do to the pods that they select.

use enforcer_packetset::{AddressSet, L4, Prefix, Selector, StateSet, Step};

use super::peers::{self, Allowed};
use super::{ADDRESSES, POINT};
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
    let mut push = |line: usize, step: Step| {
        parsed.lines.push(line);
        parsed.steps.push(step);
    };
    push(last_line, Step::allow(Selector { state: StateSet::Established, ..Selector::any() }));
    let full = AddressSet::full();
    let between = |source: &AddressSet, destination: &AddressSet, l4: &L4| Selector {
        source: source.clone(),
        destination: destination.clone(),
        l4: l4.clone(),
        ..Selector::any()
    };
    // Between two of the hosts both ends decide, so these packets come first.
    if let (Some(incoming), Some(outgoing)) = (&incoming, &outgoing) {
        for from in outgoing {
            for to in incoming {
                let (sources, destinations) = (to.peers.intersection(&hosts), from.peers.intersection(&hosts));
                for l4 in from.services.iter().flat_map(|a| to.services.iter().filter_map(move |b| both(a, b))) {
                    push(from.line, Step::allow(between(&sources, &destinations, &l4)));
                }
            }
        }
        push(last_line, Step::deny(between(&hosts, &hosts, &L4::Any)));
    }
    for allowed in outgoing.iter().flatten() {
        for l4 in &allowed.services {
            push(allowed.line, Step::allow(between(&hosts, &allowed.peers, l4)));
        }
    }
    if outgoing.is_some() {
        push(last_line, Step::deny(between(&hosts, &full, &L4::Any)));
    }
    for allowed in incoming.iter().flatten() {
        for l4 in &allowed.services {
            push(allowed.line, Step::allow(between(&allowed.peers, &hosts, l4)));
        }
    }
    if incoming.is_some() {
        push(last_line, Step::deny(between(&full, &hosts, &L4::Any)));
    }
    Ok(parsed)
}

/// What both services select; None when nothing.
fn both(left: &L4, right: &L4) -> Option<L4> {
    match (left, right) {
        (L4::Any, other) | (other, L4::Any) => Some(other.clone()),
        (L4::Tcp { source, destination: a }, L4::Tcp { destination: b, .. }) => {
            Some(L4::Tcp { source: source.clone(), destination: a.intersection(b) })
        }
        (L4::Udp { source, destination: a }, L4::Udp { destination: b, .. }) => {
            Some(L4::Udp { source: source.clone(), destination: a.intersection(b) })
        }
        (L4::Sctp { source, destination: a }, L4::Sctp { destination: b, .. }) => {
            Some(L4::Sctp { source: source.clone(), destination: a.intersection(b) })
        }
        _ => None,
    }
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
            allowed.push(peers::read(rule, peers_name)?);
        }
    }
    Ok(())
}

fn addresses(field: Field<'_>, text: &str) -> Result<AddressSet, ParseError> {
    let prefixes: Option<AddressSet> = text.split_whitespace().map(|word| word.parse::<Prefix>().ok()).collect();
    let advice = "write prefixes between blanks";
    prefixes.filter(|set| !set.is_empty()).ok_or_else(|| field.error(format!("`{text}` is no set of addresses"), advice))
}

//! One access list as steps. Shares nothing with the renderer.

use enforcer_packetset::{Effect, RangeSet, Selector, Step, Verdict};

use super::document::{Field, read};
use crate::conjunction::{Conjunction, restrict};
use crate::target::{ParseError, Parsed};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const ARP: u16 = 0x0806;

/// Older names of fields.
const OLD_NAMES: [(&str, &str); 4] =
    [("dl_type", "eth_type"), ("nw_proto", "ip_proto"), ("nw_src", "ipv4_src"), ("nw_dst", "ipv4_dst")];

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let root = read(text)?;
    let list = the_list(Field::new(text, &root))?;
    let mut parsed = Parsed::default();
    let mut arp_passes = None;
    for item in rules(list)? {
        let rule = rule(item)?;
        if matches!(rule.eth_type, None | Some(ARP)) {
            arp_passes.get_or_insert(rule.allow);
        }
        let verdict = if rule.allow { Verdict::Allow } else { Verdict::Deny };
        for selector in rule.selectors {
            parsed.steps.push(Step { selector, effect: Effect { verdict: Some(verdict), log: false } });
            parsed.lines.push(item.line());
        }
    }
    // No flow of the table is left for what no rule matches, and OpenFlow 1.3 5.4 drops such a packet.
    parsed.steps.push(Step::deny(Selector::any()));
    parsed.lines.push(list.line());
    if arp_passes != Some(true) {
        parsed.notes.push("ARP is dropped, so that no IPv4 packet arrives".to_owned());
    }
    Ok(parsed)
}

/// The only list of the text.
fn the_list(root: Field<'_>) -> Result<Field<'_>, ParseError> {
    let mut lists = None;
    for (name, key, value) in root.members()? {
        if name != "acls" {
            return Err(key.error(format!("`{name}` beside the access list"), "give `acls:` with the list alone"));
        }
        lists = Some(value);
    }
    let Some(lists) = lists else { return Err(root.error("the text has no access list", "give `acls:` with one list")) };
    let all = lists.members()?;
    match all.as_slice() {
        [(_, _, list)] => Ok(*list),
        [] => Err(lists.error("no access list", "give one")),
        [_, (name, key, _), ..] => {
            Err(key.error(format!("a second list `{name}`"), "a port has lists of its own: give one alone"))
        }
    }
}

fn rules(list: Field<'_>) -> Result<Vec<Field<'_>>, ParseError> {
    let rules: Vec<Field<'_>> = match list.items() {
        Some(items) => items.collect(),
        None => {
            let mut rules = None;
            for (name, key, value) in list.members()? {
                match name {
                    "rules" => rules = value.items().map(Iterator::collect),
                    "exact_match" if !value.truth()? => {}
                    "exact_match" => {
                        return Err(value.error("`exact_match`", "rules of one priority have no order: leave it out"));
                    }
                    _ => {
                        return Err(key.error(format!("`{name}` is not understood here"), "a list has `rules` and `exact_match`"));
                    }
                }
            }
            rules.unwrap_or_default()
        }
    };
    if rules.is_empty() {
        return Err(list.error("a list without rules", "the controller refuses it: write one"));
    }
    Ok(rules)
}

struct Rule {
    eth_type: Option<u16>,
    /// None where it is not about IP.
    selectors: Vec<Selector>,
    allow: bool,
}

fn rule(item: Field<'_>) -> Result<Rule, ParseError> {
    let outer = item.members()?;
    let [("rule", _, content)] = outer.as_slice() else {
        return Err(item.error("an item that is no `rule`", "write `- rule: {...}`"));
    };
    let (mut fields, mut allow) = (Vec::<(&str, Field<'_>, Field<'_>)>::new(), None);
    for (given, key, value) in content.members()? {
        let name = OLD_NAMES.iter().find(|(old, _)| *old == given).map_or(given, |(_, name)| *name);
        match name {
            // A remark, and a number that says nothing about packets.
            "description" => drop(value.word()?),
            "cookie" => drop(value.number::<u16>()?),
            "actions" => allow = Some(actions(value)?),
            _ if fields.iter().any(|(known, ..)| *known == name) => {
                return Err(key.error(format!("`{given}` beside its other name"), "say it once"));
            }
            _ => fields.push((name, key, value)),
        }
    }
    let Some(allow) = allow else { return Err(content.error("a rule without actions", "write `actions: {allow: 1}`, or 0")) };
    let find = |wanted: &str| fields.iter().find(|(name, ..)| *name == wanted).map(|(_, _, value)| *value);
    let below = Below {
        eth_type: find("eth_type").map(Field::number).transpose()?,
        ip_proto: find("ip_proto").map(Field::number).transpose()?,
    };
    let mut selected = Conjunction::all(below.eth_type != Some(IPV6), below.eth_type != Some(IPV4));
    for (name, key, value) in fields {
        field(&mut selected, name, (key, value), &below)?;
    }
    let is_ip = matches!(below.eth_type, None | Some(IPV4 | IPV6));
    let selectors = if is_ip { selected.selectors() } else { Ok(Vec::new()) };
    let selectors = selectors.map_err(|_| item.error("ports of a protocol that has none", "use TCP, UDP or SCTP"))?;
    Ok(Rule { eth_type: below.eth_type, selectors, allow })
}

fn actions(value: Field<'_>) -> Result<bool, ParseError> {
    let mut allow = None;
    for (name, key, value) in value.members()? {
        if name != "allow" {
            return Err(key.error(format!("action `{name}` is not understood"), "only `allow` is: prove a list without it"));
        }
        allow = Some(value.truth()?);
    }
    allow.ok_or_else(|| value.error("actions without `allow`", "write `allow: 1` or `allow: 0`"))
}

/// What fields stand upon.
struct Below {
    eth_type: Option<u16>,
    ip_proto: Option<u8>,
}

impl Below {
    /// OpenFlow 1.3 7.2.3.8: a flow whose field lacks what it stands upon is refused.
    fn needs(&self, key: Field<'_>, name: &str, versions: &[u16], protocol: Option<u8>) -> Result<(), ParseError> {
        let has_version = self.eth_type.is_some_and(|eth_type| versions.contains(&eth_type));
        let has_protocol = protocol.is_none() || self.ip_proto == protocol;
        if has_version && has_protocol {
            return Ok(());
        }
        let advice = "write the `eth_type` and the `ip_proto` that it belongs to: the switch refuses the rule without";
        Err(key.error(format!("`{name}` without what it stands upon"), advice))
    }
}

fn field(selected: &mut Conjunction, name: &str, (key, value): (Field<'_>, Field<'_>), below: &Below) -> Result<(), ParseError> {
    const BOTH: &[u16] = &[IPV4, IPV6];
    match name {
        // The IP version is selected already.
        "eth_type" => {}
        "ip_proto" => {
            below.needs(key, name, BOTH, None)?;
            selected.restrict_protocols(&RangeSet::of(value.number()?));
        }
        "ipv4_src" | "ipv4_dst" => {
            below.needs(key, name, &[IPV4], None)?;
            let side = if name.ends_with("src") { &mut selected.source } else { &mut selected.destination };
            *side = side.intersection(&value.v4()?);
        }
        "ipv6_src" | "ipv6_dst" => {
            below.needs(key, name, &[IPV6], None)?;
            let side = if name.ends_with("src") { &mut selected.source } else { &mut selected.destination };
            *side = side.intersection(&value.v6()?);
        }
        "tcp_src" | "udp_src" | "sctp_src" => {
            below.needs(key, name, BOTH, protocol(name))?;
            restrict(&mut selected.source_ports, &value.ports()?);
        }
        "tcp_dst" | "udp_dst" | "sctp_dst" => {
            below.needs(key, name, BOTH, protocol(name))?;
            restrict(&mut selected.destination_ports, &value.ports()?);
        }
        "icmpv4_type" | "icmpv6_type" | "icmpv4_code" | "icmpv6_code" => {
            let version = if name.starts_with("icmpv4") { IPV4 } else { IPV6 };
            below.needs(key, name, &[version], protocol(name))?;
            let set = if name.ends_with("type") { &mut selected.types } else { &mut selected.codes };
            restrict(set, &RangeSet::of(value.number()?));
        }
        _ => {
            let advice = "packets are matched by IP version, address, protocol, ports and ICMP; prove a list without it";
            return Err(key.error(format!("`{name}` is not understood"), advice));
        }
    }
    Ok(())
}

/// The number of the protocol whose name a field begins with.
fn protocol(name: &str) -> Option<u8> {
    match name.split('_').next() {
        Some("tcp") => Some(6),
        Some("udp") => Some(17),
        Some("sctp") => Some(132),
        Some("icmpv4") => Some(1),
        _ => Some(58),
    }
}

//! A ruleset as flow routes in the words of ExaBGP, in the order in which a router asks them, the same text every time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, Effect, FlagSet, RangeSet, Verdict};
use enforcer_policy::{Action, PointRule, Ruleset};

use super::cells::{Block, Route, Wish, routes};
use super::regions::{NoService, Region, Service};
use crate::flag_cubes::cubes;
use crate::product::{Writing, has_version, of_version};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const TARGET: &str = "flowspec";
/// For one rule.
const MOST_ROUTES: usize = 1024;
/// Of one component; a route's length must stay below 4096 bytes (RFC 8955 4.1).
const MOST_TERMS: usize = 200;

pub(super) fn render(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    let mut out = Rendering {
        text: "# part of a neighbor's section; the order of the lines means nothing\nflow {\n".into(),
        lines: Vec::new(),
    };
    let mut line = 3;
    for is_ipv6 in [false, true] {
        let mut wishes = Vec::new();
        for rule in &ruleset.rules {
            if let Some(wish) = wish(rule, is_ipv6)? {
                wishes.push((rule, wish));
            }
        }
        let (rules, wishes): (Vec<&PointRule>, Vec<Wish>) = wishes.into_iter().unzip();
        let Some(routes) = routes(&wishes) else { return Err(too_many(&rules, &wishes)) };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for route in &routes {
            let Some(rule) = rules.get(route.wish) else { continue };
            let count = counts.entry(rule.id.as_str()).or_default();
            *count += 1;
            let writing = Writing { target: TARGET, rule };
            if *count > MOST_ROUTES {
                let advice = "each source stands with each destination: use prefixes, or split the rule";
                return Err(writing.cannot(format!("a rule of more than {MOST_ROUTES} routes"), advice));
            }
            let Some(matches) = matches(route, is_ipv6) else {
                return Err(writing.cannot("so many ranges of ports in one route", "use ranges, or split the rule"));
            };
            let _ = writeln!(out.text, "    route {} {{ match {{ {matches}}} then {{ {}}} }}", rule.id, actions(route.effect));
            out.lines.push(RenderedLine { line, rule: rule.id.clone() });
            line += 1;
        }
    }
    out.text.push_str("}\n");
    Ok(out)
}

/// The rule that has most pairs of prefixes is the one to be made smaller.
fn too_many(rules: &[&PointRule], wishes: &[Wish]) -> RenderError {
    let pairs = |wish: &Wish| wish.sources.len().saturating_mul(wish.destinations.len());
    let largest = rules.iter().zip(wishes).max_by_key(|(_, wish)| pairs(wish));
    let (rule, feature) = ("(ruleset)".to_owned(), "so many pairs of prefixes");
    RenderError {
        rule: largest.map_or(rule, |(rule, _)| rule.id.clone()),
        target: TARGET,
        feature: feature.into(),
        advice: "each destination stands with each source: use prefixes, or split the ruleset between points".into(),
    }
}

/// The rule as far as it is about one IP version; None where it is not.
fn wish(rule: &PointRule, is_ipv6: bool) -> Result<Option<Wish>, RenderError> {
    let writing = Writing { target: TARGET, rule };
    writing.check_stateless()?;
    let verdict = match rule.action {
        Action::Allow => Verdict::Allow,
        Action::Deny => Verdict::Deny,
        Action::Log => return Err(writing.cannot("a log without a verdict", "put the zone in another mode")),
    };
    let selector = &rule.selector;
    if !has_version(selector, is_ipv6) {
        return Ok(None);
    }
    let service = Service::of(&selector.l4, selector.flags, is_ipv6).map_err(|reason| match reason {
        NoService::Nothing => {
            writing.cannot("a rule that selects no packet", "a port, type or flag set of it is empty: leave it out")
        }
        NoService::SctpPorts => {
            writing.cannot("ports of SCTP", "routers look at ports of TCP and UDP only: name all of SCTP, or none")
        }
        NoService::ExtensionHeader => {
            writing.cannot("this protocol number over IPv6", "it is an extension header there: restrict the rule to IPv4")
        }
    })?;
    Ok(Some(Wish {
        sources: blocks(&selector.source, is_ipv6),
        destinations: blocks(&selector.destination, is_ipv6),
        service,
        effect: Effect { verdict: Some(verdict), log: rule.log },
    }))
}

fn blocks(set: &AddressSet, is_ipv6: bool) -> Vec<Block> {
    let block = |prefix: enforcer_packetset::Prefix| {
        let (first, width) = match prefix.network() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        let host_bits = width - u32::from(prefix.length());
        Block { first, last: first | u128::MAX.checked_shr(128 - host_bits).unwrap_or(0) }
    };
    of_version(set, is_ipv6).prefixes().into_iter().map(block).collect()
}

/// `10.0.0.0/8`; a host has its length too.
fn prefix(block: Block, is_ipv6: bool) -> String {
    let host_bits = (block.first ^ block.last).count_ones();
    if is_ipv6 {
        format!("{}/{}", Ipv6Addr::from_bits(block.first), 128 - host_bits)
    } else {
        format!("{}/{}", Ipv4Addr::from_bits(block.first as u32), 32 - host_bits)
    }
}

/// The destination is always said: routers that validate (RFC 8955 6) refuse routes without, and ExaBGP knows the IP version by it.
fn matches(route: &Route, is_ipv6: bool) -> Option<String> {
    let mut text = format!("destination {}; ", prefix(route.destination, is_ipv6));
    let everybody = if is_ipv6 { u128::MAX } else { u128::from(u32::MAX) };
    if (route.source.first, route.source.last) != (0, everybody) {
        let _ = write!(text, "source {}; ", prefix(route.source, is_ipv6));
    }
    let Service::One(protocol, Region { first, second, flags }) = &route.service else { return Some(text) };
    let _ = write!(text, "{} ={protocol}; ", if is_ipv6 { "next-header" } else { "protocol" });
    let whole = Region::whole(*protocol);
    let fields = if Region::has_ports(*protocol) {
        [("destination-port", second, &whole.second), ("source-port", first, &whole.first)]
    } else {
        [("icmp-type", first, &whole.first), ("icmp-code", second, &whole.second)]
    };
    for (name, set, all) in fields.into_iter().filter(|(_, set, all)| set != all) {
        let terms = ranges(set, all);
        if terms.len() > MOST_TERMS {
            return None;
        }
        let _ = write!(text, "{name} {}; ", list(&terms));
    }
    if !flags.is_full() {
        let _ = write!(text, "tcp-flags {}; ", list(&flag_terms(*flags)));
    }
    Some(text)
}

fn list(terms: &[String]) -> String {
    match terms {
        [one] => one.clone(),
        several => format!("[ {} ]", several.join(" ")),
    }
}

/// One term a range; the ends of the field need not be said.
fn ranges(set: &RangeSet<u16>, all: &RangeSet<u16>) -> Vec<String> {
    let largest = all.ranges().last().map_or(u16::MAX, |&(_, last)| last);
    let term = |&(first, last): &(u16, u16)| match (first, last) {
        (first, last) if first == last => format!("={first}"),
        (0, last) => format!("<={last}"),
        (first, last) if last == largest => format!(">={first}"),
        (first, last) => format!(">={first}&<={last}"),
    };
    set.ranges().iter().map(term).collect()
}

fn flag_terms(set: FlagSet) -> Vec<String> {
    if let Some(mask) = set.as_any_bit() {
        return vec![names(mask)];
    }
    let term = |(value, mask): (u8, u8)| match (value, mask & !value) {
        (set, 0) => format!("={}", names(set)),
        (0, unset) => format!("!{}", names(unset)),
        (set, unset) => format!("={}&!{}", names(set), names(unset)),
    };
    cubes(set).into_iter().map(term).collect()
}

fn names(bits: u8) -> String {
    const NAMES: [&str; 8] = ["fin", "syn", "rst", "push", "ack", "urg", "ece", "cwr"];
    let set: Vec<&str> = NAMES.into_iter().zip(0..8).filter(|(_, bit)| bits >> bit & 1 == 1).map(|(name, _)| name).collect();
    set.join("+")
}

fn actions(effect: Effect) -> &'static str {
    match (effect.verdict, effect.log) {
        (Some(Verdict::Deny), false) => "discard; ",
        (Some(Verdict::Deny), true) => "discard; action sample; ",
        (_, false) => "accept; ",
        (_, true) => "accept; action sample; ",
    }
}

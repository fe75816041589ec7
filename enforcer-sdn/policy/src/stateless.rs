//! Rules for a point that does not follow connections: what would be a reply has to be told from an opening by its looks.
//!
//! A packet is *answer-shaped* when it is TCP with ACK or RST, any UDP or SCTP packet, an ICMP reply (to echo, timestamp, information and
//! address mask requests; of ICMPv6 to echo and node information), or of another protocol that some rule names. Its *mirror* is the packet
//! that it would answer: addresses and ports changed over, reply type turned into request type, in the same minute. The rules made here
//! admit a packet
//!
//! - if it is answer-shaped and the policy allows its mirror as the first of a connection; like a stateful point's replies, without a log;
//! - if it is an ICMP error (RFC 792 and RFC 4443: unreachable, too big, time exceeded, parameter problem) to a host that some rule lets talk:
//!   routers on the way send them from addresses that nobody knows, and without them paths with a small MTU fail silently (RFC 4890 4.3.1);
//! - if it is IPv6 neighbour discovery (types 133 to 136), without which no IPv6 packet arrives at all (RFC 4890 4.4.1); only where the
//!   rules are about IPv6;
//! - otherwise as the policy decides on the first packet of a connection.
//!
//! A denial that is only logged (`simulate`) is a denial here: its answers are logged too, as they would be denied in `enforce`.
//!
//! A group (multicast, the limited broadcast) sends nothing: it is not answered for, and gets no error.
//!
//! So more passes than on a stateful point: every answer without its question. Each rule's share of that is a [`Gap`]. Less passes in one
//! case: of a rule for all protocols, the answers of protocols that no rule names.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, Selector};

use crate::compile;
use crate::near::Near;
use crate::point::Gap;
use crate::product::{covers, meet, trimmed, without};
use crate::ruleset::{Action, PointRule};

/// More products than this for one rule's answers: its exceptions should be rules of their own.
const MOST_PIECES: usize = 256;

/// Request and reply types: RFC 792, RFC 950.
const REPLIES: [(u8, u8); 4] = [(8, 0), (13, 14), (15, 16), (17, 18)];
/// RFC 4443, RFC 4620.
const REPLIES6: [(u8, u8); 2] = [(128, 129), (139, 140)];

/// Multicast and the limited broadcast (RFC 5771, RFC 919, RFC 4291 2.7).
static GROUPS: LazyLock<AddressSet> = LazyLock::new(|| {
    let prefixes = [
        (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4),
        (IpAddr::V4(Ipv4Addr::BROADCAST), 32),
        (IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8),
    ];
    prefixes.into_iter().filter_map(|(network, length)| Prefix::new(network, length)).collect()
});

/// A rule whose answers cannot be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswerable {
    /// Name of the policy's rule.
    pub rule: String,
    pub why: String,
}

/// The rules without states, and what they admit beyond or fall short of the stateful ones.
///
/// # Errors
/// Where a rule's answers are too many products.
pub fn without_states(rules: Vec<PointRule>) -> Result<(Vec<PointRule>, BTreeSet<Gap>), Unanswerable> {
    let mut build = Build {
        others: rules.iter().filter_map(|rule| other_protocol(&rule.selector.l4)).collect(),
        taken: rules.iter().map(|rule| rule.id.clone()).collect(),
        talkers: AddressSet::empty(),
        answers: Vec::new(),
        gaps: BTreeSet::new(),
    };
    let near = Near::of(&rules);
    for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.action == Action::Allow) {
        build.answers_to(rule, &Earlier { rules: &rules, near: &near, before: at })?;
    }
    build.errors();
    let Build { mut answers, gaps, .. } = build;
    answers.extend(rules);
    Ok((answers, gaps))
}

/// The rules before one of them.
struct Earlier<'a> {
    rules: &'a [PointRule],
    near: &'a Near,
    before: usize,
}

impl<'a> Earlier<'a> {
    /// Those whose packets and the selector's may come from the same address, in their order.
    fn around(&self, selector: &Selector) -> impl Iterator<Item = &'a PointRule> {
        self.near.meeting(&selector.source, self.before).into_iter().filter_map(|place| self.rules.get(place))
    }
}

struct Build {
    /// Protocols beside TCP, UDP, SCTP and ICMP that some rule names.
    others: BTreeSet<u8>,
    taken: HashSet<String>,
    /// Both ends of everything that is answered.
    talkers: AddressSet,
    answers: Vec<PointRule>,
    gaps: BTreeSet<Gap>,
}

impl Build {
    fn answers_to(&mut self, rule: &PointRule, earlier: &Earlier<'_>) -> Result<(), Unanswerable> {
        let name = rule.origin.first().unwrap_or(&rule.id).clone();
        let refused = |why: &str| Unanswerable { rule: name.clone(), why: why.to_owned() };
        if rule.log {
            self.gaps.insert(Gap::LogsEveryPacket { rule: name.clone() });
        }
        if rule.selector.l4 == L4::Any {
            self.gaps.insert(Gap::Unanswered { rule: name.clone(), answered: self.others.iter().copied().collect() });
        }
        let mut answers = Vec::new();
        for l4 in requests(&rule.selector.l4, &self.others) {
            let mut pieces: Vec<Selector> = trimmed(&Selector { l4, ..rule.selector.clone() }).into_iter().collect();
            let denials = earlier.around(&rule.selector).filter(|other| other.action != Action::Allow);
            for denial in denials.filter(|denial| meet(&rule.selector, &denial.selector)) {
                let left: Option<Vec<Vec<Selector>>> = pieces.iter().map(|piece| without(piece, &denial.selector)).collect();
                pieces = left.ok_or_else(|| refused("an earlier rule denies a part that cannot be taken out"))?.concat();
                if pieces.len() > MOST_PIECES {
                    return Err(refused("earlier rules cut too many exceptions out of it"));
                }
            }
            for piece in &pieces {
                self.talkers = self.talkers.union(&senders(&piece.source)).union(&senders(&piece.destination));
                let Some(answer) = trimmed(&mirror(piece)) else { continue };
                if !is_admitted_quietly(&answer, rule, earlier) {
                    answers.push(answer);
                }
            }
        }
        let is_one = answers.len() == 1;
        for selector in answers {
            let packets = describe(&selector);
            self.gaps.insert(Gap::Unasked { rule: name.clone(), packets });
            let ending = if is_one { String::new() } else { format!("-{}", compile::ending(&selector.l4)) };
            self.push(&format!("{}-answers{ending}", rule.id), selector, rule.origin.clone());
        }
        Ok(())
    }

    /// What IP itself needs, to everybody who talks.
    fn errors(&mut self) {
        let to = std::mem::take(&mut self.talkers);
        let icmp = L4::Icmp { types: RangeSet::from_ranges([(3, 3), (11, 12)]), codes: RangeSet::full() };
        let icmp6 = L4::Icmp6 { types: RangeSet::range(1, 4), codes: RangeSet::full() };
        for (id, l4) in [("icmp-errors", icmp), ("icmp6-errors", icmp6)] {
            if let Some(selector) = trimmed(&Selector { destination: to.clone(), l4, ..Selector::any() }) {
                self.gaps.insert(Gap::Errors { packets: describe(&selector) });
                self.push(id, selector, Vec::new());
            }
        }
        if !to.v6.is_empty() {
            let l4 = L4::Icmp6 { types: RangeSet::range(133, 136), codes: RangeSet::full() };
            if let Some(selector) = trimmed(&Selector { l4, ..Selector::any() }) {
                self.push("neighbour-discovery", selector, Vec::new());
            }
        }
    }

    fn push(&mut self, base: &str, selector: Selector, origin: Vec<String>) {
        let id = compile::unique(base, &mut self.taken);
        self.answers.push(PointRule { id, selector, action: Action::Allow, log: false, origin });
    }
}

/// Without the groups: nobody sends from their addresses (RFC 1122 3.2.1.3, RFC 4291 2.7), so nothing comes from there as an answer, and no
/// error goes there. Where they are a part of more, as of everybody, leaving them out would take more prefixes; nothing comes from them there
/// either.
fn senders(addresses: &AddressSet) -> AddressSet {
    let hosts = addresses.difference(&GROUPS);
    if hosts.prefixes().len() < addresses.prefixes().len() { hosts } else { addresses.clone() }
}

/// Whether the rule itself lets the answer pass as a first packet, and nothing before it looks at it: so within a zone that allows itself.
fn is_admitted_quietly(answer: &Selector, rule: &PointRule, earlier: &Earlier<'_>) -> bool {
    let bare = Selector { flags: FlagSet::full(), ..answer.clone() };
    !rule.log && covers(&rule.selector, &bare) && !earlier.around(&bare).any(|other| meet(&other.selector, &bare))
}

fn other_protocol(l4: &L4) -> Option<u8> {
    match l4 {
        L4::Protocol(6 | 17 | 132 | 1 | 58) => None,
        L4::Protocol(number) => Some(*number),
        _ => None,
    }
}

/// What of a protocol can be asked, so that there is an answer: each with fields of its own.
fn requests(l4: &L4, others: &BTreeSet<u8>) -> Vec<L4> {
    let full = PortSet::full;
    let asking = |replies: &[(u8, u8)], types: &RangeSet<u8>| {
        RangeSet::from_ranges(replies.iter().map(|&(request, _)| (request, request))).intersection(types)
    };
    let icmp = |types: &RangeSet<u8>, codes: &RangeSet<u8>| L4::Icmp { types: asking(&REPLIES, types), codes: codes.clone() };
    let icmp6 = |types: &RangeSet<u8>, codes: &RangeSet<u8>| L4::Icmp6 { types: asking(&REPLIES6, types), codes: codes.clone() };
    let every = RangeSet::full();
    match l4 {
        L4::Any => [6, 17, 132, 1, 58]
            .into_iter()
            .chain(others.iter().copied())
            .flat_map(|number| requests(&L4::Protocol(number), others))
            .collect(),
        L4::Protocol(6) => vec![L4::Tcp { source: full(), destination: full() }],
        L4::Protocol(17) => vec![L4::Udp { source: full(), destination: full() }],
        L4::Protocol(132) => vec![L4::Sctp { source: full(), destination: full() }],
        L4::Protocol(1) => vec![icmp(&every, &every)],
        L4::Protocol(58) => vec![icmp6(&every, &every)],
        L4::Icmp { types, codes } => vec![icmp(types, codes)],
        L4::Icmp6 { types, codes } => vec![icmp6(types, codes)],
        other => vec![other.clone()],
    }
}

/// The answers to what a request's selector selects.
fn mirror(request: &Selector) -> Selector {
    let replies = |pairs: &[(u8, u8)], types: &RangeSet<u8>| {
        let asked = pairs.iter().filter(|(kind, _)| types.contains(*kind));
        RangeSet::from_ranges(asked.map(|&(_, reply)| (reply, reply)))
    };
    let (mut flags, turn) = (FlagSet::full(), |a: &PortSet, b: &PortSet| (b.clone(), a.clone()));
    let l4 = match &request.l4 {
        L4::Tcp { source, destination } => {
            flags = FlagSet::ack_or_rst();
            let (source, destination) = turn(source, destination);
            L4::Tcp { source, destination }
        }
        L4::Udp { source, destination } => {
            let (source, destination) = turn(source, destination);
            L4::Udp { source, destination }
        }
        L4::Sctp { source, destination } => {
            let (source, destination) = turn(source, destination);
            L4::Sctp { source, destination }
        }
        L4::Icmp { types, codes } => L4::Icmp { types: replies(&REPLIES, types), codes: codes.clone() },
        L4::Icmp6 { types, codes } => L4::Icmp6 { types: replies(&REPLIES6, types), codes: codes.clone() },
        other => other.clone(),
    };
    Selector { source: senders(&request.destination), destination: request.source.clone(), l4, flags, ..request.clone() }
}

/// For people: `tcp with ACK or RST from port 502 of 10.0.0.1 to 10.0.1.0/24`.
fn describe(selector: &Selector) -> String {
    let numbers = |word: &str, ranges: Vec<(u16, u16)>| {
        let one = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
        let several = ranges.len() > 1 || ranges.iter().any(|(first, last)| first != last);
        let shown: Vec<String> = ranges.iter().take(4).map(one).collect();
        let more = if ranges.len() > 4 { format!(" and {} more", ranges.len() - 4) } else { String::new() };
        format!("{word}{} {}{more}", if several { "s" } else { "" }, shown.join(", "))
    };
    let ports = |set: &PortSet| if set.is_full() { String::new() } else { numbers("port", set.ranges().to_vec()) + " of " };
    let types = |set: &RangeSet<u8>| numbers("type", set.ranges().iter().map(|&(a, b)| (a.into(), b.into())).collect());
    let (what, from, to) = match &selector.l4 {
        L4::Any => ("every packet".to_owned(), String::new(), String::new()),
        L4::Tcp { source, destination } => ("tcp with ACK or RST".to_owned(), ports(source), ports(destination)),
        L4::Udp { source, destination } => ("udp".to_owned(), ports(source), ports(destination)),
        L4::Sctp { source, destination } => ("sctp".to_owned(), ports(source), ports(destination)),
        L4::Icmp { types: kinds, .. } => (format!("icmp {}", types(kinds)), String::new(), String::new()),
        L4::Icmp6 { types: kinds, .. } => (format!("icmp6 {}", types(kinds)), String::new(), String::new()),
        L4::Protocol(number) => (format!("ip protocol {number}"), String::new(), String::new()),
    };
    format!("{what} from {from}{} to {to}{}", hosts(&selector.source), hosts(&selector.destination))
}

/// The first prefixes of a set.
fn hosts(set: &AddressSet) -> String {
    if set.is_full() || (set.v6.is_empty() && set.v4.is_full()) || (set.v4.is_empty() && set.v6.is_full()) {
        return "anybody".into();
    }
    let prefixes = set.prefixes();
    let shown: Vec<String> = prefixes.iter().take(3).map(ToString::to_string).collect();
    let more = if prefixes.len() > 3 { format!(" and {} more prefixes", prefixes.len() - 3) } else { String::new() };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;
    use enforcer_packetset::Prefix;

    fn rule(id: &str, from: &str, to: &str, l4: L4, action: Action) -> PointRule {
        let set = |text: &str| AddressSet::from(text.parse::<Prefix>().unwrap());
        let selector = Selector { source: set(from), destination: set(to), l4, ..Selector::any() };
        PointRule { id: id.into(), selector, action, log: false, origin: vec![id.into()] }
    }

    fn tcp(port: u16) -> L4 {
        L4::Tcp { source: PortSet::full(), destination: PortSet::of(port) }
    }

    #[test]
    fn answers_come_first_with_ports_changed_over_and_are_a_gap() {
        let rules = vec![
            rule("poll", "10.0.1.0/24", "10.0.0.1", tcp(502), Action::Allow),
            rule("rest", "10.0.0.0/8", "10.0.0.0/8", L4::Any, Action::Deny),
        ];
        let (rules, gaps) = without_states(rules).unwrap();
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, ["poll-answers", "icmp-errors", "poll", "rest"]);
        assert_eq!(rules[0].selector.flags, FlagSet::ack_or_rst());
        assert_eq!(rules[0].selector.l4, L4::Tcp { source: PortSet::of(502), destination: PortSet::full() });
        let packets = "tcp with ACK or RST from port 502 of 10.0.0.1 to 10.0.1.0/24";
        assert!(gaps.contains(&Gap::Unasked { rule: "poll".into(), packets: packets.into() }), "{gaps:?}");
    }

    #[test]
    fn what_an_earlier_rule_denies_is_not_answered() {
        let rules = vec![
            rule("no-ssh", "10.0.1.7", "10.0.0.1", tcp(22), Action::Deny),
            rule("all", "10.0.1.0/24", "10.0.0.1", L4::Protocol(6), Action::Allow),
        ];
        let (rules, _) = without_states(rules).unwrap();
        let answers: Vec<&Selector> =
            rules.iter().filter(|rule| rule.id.contains("answers")).map(|rule| &rule.selector).collect();
        assert_eq!(answers.len(), 2);
        let denied =
            rule("x", "10.0.0.1", "10.0.1.7", L4::Tcp { source: PortSet::of(22), destination: PortSet::full() }, Action::Allow);
        assert!(answers.iter().all(|answer| !meet(answer, &denied.selector)));
    }

    #[test]
    fn a_zone_that_allows_itself_needs_no_answers() {
        let rules = vec![rule("zone-intra", "10.0.0.0/24", "10.0.0.0/24", L4::Any, Action::Allow)];
        let (rules, gaps) = without_states(rules).unwrap();
        assert!(rules.iter().all(|rule| !rule.id.contains("answers")), "{rules:?}");
        assert!(!gaps.iter().any(|gap| matches!(gap, Gap::Unasked { .. })), "{gaps:?}");
    }
}

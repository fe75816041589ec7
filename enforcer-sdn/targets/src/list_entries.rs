//! How a rule becomes `permit` and `deny` lines of the lists that look like Cisco's: each line one address pair and one port range,
//! the same text every time. What a dialect writes differently is a [`Style`]. Nothing here reads.

use std::fmt::Write as _;
use std::net::IpAddr;

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::list_times::{TimeWords, definitions, reference};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// Remarks and comments hold 100 characters everywhere.
const LONGEST_ID: usize = 48;

/// No switch holds more lines for one rule beside others; and every one of them is compared.
const MOST_LINES: usize = 1024;

/// How a dialect writes an entry.
pub(crate) struct Style {
    pub target: &'static str,
    /// The word for every protocol, in an IPv4 and in an IPv6 list.
    pub any: [&'static str; 2],
    /// ICMP's word in an IPv4 and in an IPv6 list.
    pub icmp: [&'static str; 2],
    pub address: fn(Prefix) -> String,
    /// A type, and a code if it is not every code.
    pub kind: fn(u8, Option<u8>) -> String,
    /// Whether SCTP's ports can be said.
    pub sctp_ports: bool,
    pub times: TimeWords,
}

/// A text that is written line by line.
pub(crate) struct Writer {
    rendering: Rendering,
    line: usize,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 }
    }

    pub(crate) fn line(&mut self, text: &str) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
    }

    pub(crate) fn rule_line(&mut self, rule: &PointRule, text: &str) {
        self.line(text);
        self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.id.clone() });
    }

    pub(crate) fn finish(self) -> Rendering {
        self.rendering
    }
}

/// Sequence numbers as devices give them: 10, 20 and so on.
#[derive(Default)]
pub(crate) struct Numbers(u32);

impl Numbers {
    pub(crate) const fn next(&mut self) -> u32 {
        self.0 = self.0.saturating_add(10);
        self.0
    }
}

/// How a dialect writes two lists, one for each IP version, whose lines all have numbers.
pub(crate) struct NumberedLists {
    pub style: Style,
    pub indent: &'static str,
    /// The line that asks for counters.
    pub counters: &'static str,
    /// The line after a list.
    pub end: Option<&'static str>,
}

impl NumberedLists {
    pub(crate) fn render(&self, ruleset: &Ruleset, name: &str) -> Result<Rendering, RenderError> {
        let Self { style, indent, counters, end } = self;
        let mut out = Writer::new();
        definitions(style.times, ruleset, &mut out);
        for (header, is_ipv6) in [(format!("ip access-list {name}-v4"), false), (format!("ipv6 access-list {name}-v6"), true)] {
            let mut numbers = Numbers::default();
            out.line(&header);
            out.line(&format!("{indent}{counters}"));
            for rule in &ruleset.rules {
                style.check_stateless(rule)?;
                let entries = style.entries(rule, is_ipv6)?;
                if entries.is_empty() {
                    continue;
                }
                out.line(&format!("{indent}{} remark {}", numbers.next(), rule.id));
                let log = if rule.log { " log" } else { "" };
                let times = reference(rule);
                for entry in entries {
                    out.rule_line(rule, &format!("{indent}{} {entry}{log}{times}", numbers.next()));
                }
            }
            // What no rule decides is allowed; unwritten, it would be denied.
            out.line(&format!("{indent}{} remark the policy has no opinion on the rest", numbers.next()));
            out.line(&format!("{indent}{} permit {} any any", numbers.next(), style.any[usize::from(is_ipv6)]));
            if let Some(end) = end {
                out.line(end);
            }
        }
        Ok(out.finish())
    }
}

/// `any`, `host ADDRESS` or a prefix with its length.
pub(crate) fn by_length(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (_, 0) => "any".into(),
        (IpAddr::V4(network), 32) => format!("host {network}"),
        (IpAddr::V6(network), 128) => format!("host {network}"),
        (network, length) => format!("{network}/{length}"),
    }
}

/// The name, if all of these devices take it for a list's: with a letter first, for a list named by a number is another kind of list.
pub(crate) fn list_name<'a>(options: &'a RenderOptions, target: &'static str, longest: usize) -> Result<&'a str, RenderError> {
    let name = &options.name;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= longest
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_name {
        return Ok(name);
    }
    Err(RenderError {
        rule: "(list)".into(),
        target,
        feature: format!("the list name `{name}`"),
        advice: format!("use letters, digits, `-` and `_`, at most {longest}, beginning with a letter"),
    })
}

impl Style {
    pub(crate) fn cannot(&self, rule: &PointRule, feature: impl Into<String>, advice: &str) -> RenderError {
        RenderError { rule: rule.id.clone(), target: self.target, feature: feature.into(), advice: advice.into() }
    }

    /// Refuses what no list of this kind can say, whatever its addresses are.
    pub(crate) fn check(&self, rule: &PointRule) -> Result<(), RenderError> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
            return Err(self.cannot(rule, "the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
        }
        if !rule.selector.week.is_always() && self.times == TimeWords::None {
            return Err(self.cannot(rule, "times", "leave the schedule to a point that has the policy's clock"));
        }
        if rule.selector.week.is_never() {
            return Err(self.cannot(rule, "a rule that selects no packet", "its schedule is never open: leave it out"));
        }
        if !rule.selector.link.is_any() {
            let advice = "bind the list where they are what they should be";
            return Err(self.cannot(rule, "VLANs, MAC addresses and directions", advice));
        }
        if rule.action == Action::Log {
            return Err(self.cannot(rule, "a log without a verdict", "put the zone in another mode"));
        }
        if !selects(rule, false) && !selects(rule, true) {
            return Err(self.cannot(rule, "a rule that selects no packet", "an address set of it is empty: leave it out"));
        }
        Ok(())
    }

    /// [`Self::check`], for a list that does not follow connections.
    pub(crate) fn check_stateless(&self, rule: &PointRule) -> Result<(), RenderError> {
        self.check(rule)?;
        if rule.selector.state != StateSet::Any {
            return Err(self.cannot(rule, "connection states", "compile for a stateless point, with rules for the way back"));
        }
        Ok(())
    }

    /// The rule's entries for one IP version, from the verb to the last field; none where it selects no packet of that version.
    pub(crate) fn entries(&self, rule: &PointRule, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
        let protocol = self.protocol(rule, is_ipv6)?;
        if !selects(rule, is_ipv6) {
            return Ok(Vec::new());
        }
        let sources = self.addresses(&rule.selector.source, is_ipv6);
        let destinations = self.addresses(&rule.selector.destination, is_ipv6);
        self.product(rule, &protocol, &sources, &destinations)
    }

    /// Entries with these words for the addresses.
    pub(crate) fn product(
        &self,
        rule: &PointRule,
        protocol: &Protocol,
        sources: &[String],
        destinations: &[String],
    ) -> Result<Vec<String>, RenderError> {
        let count = sources.len().saturating_mul(destinations.len()).saturating_mul(protocol.fields.len());
        if count > MOST_LINES {
            let advice = "without sets each source stands with each destination and port: use prefixes, or split the rule";
            return Err(self.cannot(rule, format!("a rule of {count} lines"), advice));
        }
        let verb = if rule.action == Action::Allow { "permit" } else { "deny" };
        let mut lines = Vec::with_capacity(count);
        let established = if rule.selector.flags.is_full() { "" } else { " established" };
        for source in sources {
            for destination in destinations {
                for (from, to) in &protocol.fields {
                    lines.push(format!("{verb} {} {source}{from} {destination}{to}{established}", protocol.name));
                }
            }
        }
        Ok(lines)
    }

    fn addresses(&self, set: &AddressSet, is_ipv6: bool) -> Vec<String> {
        let of_version = if is_ipv6 {
            AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }
        } else {
            AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }
        };
        of_version.prefixes().into_iter().map(self.address).collect()
    }

    pub(crate) fn protocol(&self, rule: &PointRule, is_ipv6: bool) -> Result<Protocol, RenderError> {
        let all = |name: &str| Protocol { name: name.into(), fields: vec![(String::new(), String::new())] };
        let version = usize::from(is_ipv6);
        let flags = rule.selector.flags;
        if !flags.is_full() && flags != FlagSet::ack_or_rst() {
            return Err(self.cannot(rule, "these TCP flags", "only ACK or RST (`established`) has a word in every release"));
        }
        match &rule.selector.l4 {
            L4::Any | L4::Protocol(6) if !flags.is_full() => Ok(all("tcp")),
            L4::Tcp { source, destination } => self.ports(rule, "tcp", source, destination),
            _ if !flags.is_full() => Err(self.cannot(rule, "a rule that selects no packet", "only TCP has flags: leave it out")),
            L4::Any => Ok(all(self.any[version])),
            L4::Protocol(0) => Err(self.cannot(rule, "protocol 0", "it is another word for every protocol")),
            // RFC 8200: in an IPv6 list these numbers are headers, which the list looks behind.
            L4::Protocol(43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) if selects(rule, true) => {
                let advice = "in IPv6 it is a header before what is carried: name IPv4 addresses only";
                Err(self.cannot(rule, "this protocol number", advice))
            }
            L4::Protocol(number) => Ok(all(match (number, is_ipv6) {
                (6, _) => "tcp",
                (17, _) => "udp",
                (1, false) | (58, true) => self.icmp[version],
                _ => return Ok(all(&number.to_string())),
            })),
            L4::Udp { source, destination } => self.ports(rule, "udp", source, destination),
            L4::Sctp { source, destination } if source.is_full() && destination.is_full() => Ok(all("132")),
            L4::Sctp { source, destination } if self.sctp_ports => self.ports(rule, "sctp", source, destination),
            L4::Sctp { .. } => Err(self.cannot(rule, "SCTP ports", "allow SCTP as a whole, or use a stateful point")),
            L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => self.kinds(rule, types, codes, version),
        }
    }

    fn ports(&self, rule: &PointRule, name: &str, source: &PortSet, destination: &PortSet) -> Result<Protocol, RenderError> {
        if source.is_empty() || destination.is_empty() {
            return Err(self.cannot(rule, "a rule that selects no packet", "a port set of it is empty: leave it out"));
        }
        let texts = |set: &PortSet| -> Vec<String> {
            if set.is_full() {
                return vec![String::new()];
            }
            let one = |&(first, last): &(u16, u16)| {
                if first == last { format!(" eq {first}") } else { format!(" range {first} {last}") }
            };
            set.ranges().iter().map(one).collect()
        };
        let to = texts(destination);
        let fields = texts(source).into_iter().flat_map(|from| to.iter().map(move |to| (from.clone(), to.clone()))).collect();
        Ok(Protocol { name: name.into(), fields })
    }

    fn kinds(
        &self,
        rule: &PointRule,
        types: &RangeSet<u8>,
        codes: &RangeSet<u8>,
        version: usize,
    ) -> Result<Protocol, RenderError> {
        let values = |set: &RangeSet<u8>| -> Vec<u8> { set.ranges().iter().flat_map(|&(first, last)| first..=last).collect() };
        if types.is_empty() || codes.is_empty() {
            return Err(self.cannot(rule, "a rule that selects no packet", "an ICMP set of it is empty: leave it out"));
        }
        let kind = self.kind;
        let suffixes: Vec<String> = match (types.is_full(), codes.is_full()) {
            (true, true) => vec![String::new()],
            (true, false) => return Err(self.cannot(rule, "ICMP codes of every type", "name the types")),
            (false, true) => values(types).into_iter().map(|of| kind(of, None)).collect(),
            (false, false) => {
                let codes = values(codes);
                values(types).into_iter().flat_map(|of| codes.iter().map(move |&code| kind(of, Some(code)))).collect()
            }
        };
        let fields = suffixes.into_iter().map(|to| (String::new(), to)).collect();
        Ok(Protocol { name: self.icmp[version].into(), fields })
    }
}

/// The protocol's word and the texts behind source and destination.
pub(crate) struct Protocol {
    name: String,
    fields: Vec<(String, String)>,
}

/// Whether the rule selects a packet of that IP version.
pub(crate) fn selects(rule: &PointRule, is_ipv6: bool) -> bool {
    let (source, destination) = (&rule.selector.source, &rule.selector.destination);
    if is_ipv6 {
        !matches!(rule.selector.l4, L4::Icmp { .. }) && !source.v6.is_empty() && !destination.v6.is_empty()
    } else {
        !matches!(rule.selector.l4, L4::Icmp6 { .. }) && !source.v4.is_empty() && !destination.v4.is_empty()
    }
}

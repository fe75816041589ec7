//! A ruleset as filter rules, one a line: the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{FlagSet, HeadingSet, L4, LinkFields, Number, PortSet, RangeSet, Selector};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::product::{Writing, has_version, of_version};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const TARGET: &str = "radius-nas-filter";
/// No access server holds more for one rule beside others.
const MOST: usize = 1024;

pub(super) fn render(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    let mut rendering = Rendering { text: String::new(), lines: Vec::new() };
    let mut line = 0;
    for rule in &ruleset.rules {
        let _ = writeln!(rendering.text, "# {}", rule.id);
        line += 1;
        for text in lines(rule)? {
            let _ = writeln!(rendering.text, "{text}");
            line += 1;
            rendering.lines.push(RenderedLine { line, rule: rule.id.clone() });
        }
    }
    // What no rule decides is allowed; unwritten, it would hang on the rule before.
    rendering.text.push_str("# the policy has no opinion on the rest\n");
    for way in ["in", "out"] {
        for all in ["0.0.0.0/0", "::/0"] {
            let _ = writeln!(rendering.text, "permit {way} ip from {all} to {all}");
        }
    }
    Ok(rendering)
}

fn lines(rule: &PointRule) -> Result<Vec<String>, RenderError> {
    let link = &rule.selector.link;
    let ways: &[&str] = match link.heading {
        HeadingSet::Any => &["in", "out"],
        HeadingSet::In => &["in"],
        HeadingSet::Out => &["out"],
    };
    let whole = Writing { target: TARGET, rule };
    let heading_alone = LinkFields { heading: link.heading, ..LinkFields::any() };
    if **link != heading_alone {
        return Err(whole.cannot("VLANs and MAC addresses", "the rules are for one port already"));
    }
    let open = PointRule { selector: Selector { link: LinkFields::any().into(), ..rule.selector.clone() }, ..rule.clone() };
    let writing = Writing { target: TARGET, rule: &open };
    writing.check_stateless()?;
    let verb = match rule.action {
        Action::Allow => "permit",
        Action::Deny => "deny",
        Action::Log => return Err(writing.cannot("a log without a verdict", "put the zone in another mode")),
    };
    if rule.log {
        return Err(writing.cannot("a log entry", "take the logs from another point, and leave them out here"));
    }
    let mut lines = Vec::new();
    for is_ipv6 in [false, true].into_iter().filter(|&is_ipv6| has_version(&rule.selector, is_ipv6)) {
        let service = service(writing, is_ipv6)?;
        let sources = of_version(&rule.selector.source, is_ipv6).prefixes();
        let destinations = of_version(&rule.selector.destination, is_ipv6).prefixes();
        if sources.len().saturating_mul(destinations.len()) > MOST {
            let advice = "each source stands with each destination: use prefixes, or split the rule";
            return Err(writing.cannot(format!("a rule of more than {MOST} lines"), advice));
        }
        let prefix = |prefix: enforcer_packetset::Prefix| {
            if prefix.length() == 0 { format!("{}/0", prefix.network()) } else { prefix.to_string() }
        };
        for way in ways {
            for &source in &sources {
                for &destination in &destinations {
                    let Service { protocol, from, to, options } = &service;
                    let (source, destination) = (prefix(source), prefix(destination));
                    lines.push(format!("{verb} {way} {protocol} from {source}{from} to {destination}{to}{options}"));
                }
            }
        }
    }
    Ok(lines)
}

/// The protocol's word, and what stands behind the two addresses and at the end.
struct Service {
    protocol: String,
    from: String,
    to: String,
    options: String,
}

fn service(writing: Writing<'_>, is_ipv6: bool) -> Result<Service, RenderError> {
    let selector = &writing.rule.selector;
    let options = options(writing, selector.flags)?;
    let plain =
        |protocol: &str| Service { protocol: protocol.into(), from: String::new(), to: String::new(), options: options.clone() };
    let ports = |number: u8, source: &PortSet, destination: &PortSet| {
        if source.is_empty() || destination.is_empty() {
            return Err(writing.cannot("a rule that selects no packet", "a port set of it is empty: leave it out"));
        }
        Ok(Service { from: list(source), to: list(destination), ..plain(&number.to_string()) })
    };
    if !options.is_empty() && !matches!(selector.l4, L4::Any | L4::Protocol(6) | L4::Tcp { .. }) {
        return Err(writing.cannot("a rule that selects no packet", "TCP flags of another protocol: leave it out"));
    }
    match &selector.l4 {
        L4::Any if options.is_empty() => Ok(plain("ip")),
        L4::Any => Ok(plain("6")),
        L4::Protocol(0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) if is_ipv6 => {
            Err(writing.cannot("this protocol number over IPv6", "it is an extension header there: restrict the rule to IPv4"))
        }
        L4::Protocol(0) => Err(writing.cannot("protocol 0", "some servers take it for every protocol")),
        L4::Protocol(number) => Ok(plain(&number.to_string())),
        L4::Tcp { source, destination } => ports(6, source, destination),
        L4::Udp { source, destination } => ports(17, source, destination),
        L4::Sctp { source, destination } => ports(132, source, destination),
        L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => {
            if types.is_empty() || codes.is_empty() {
                return Err(writing.cannot("a rule that selects no packet", "an ICMP set of it is empty: leave it out"));
            }
            if !codes.is_full() {
                return Err(writing.cannot("ICMP codes", "name the types alone"));
            }
            let number = if is_ipv6 { "58" } else { "1" };
            match types.is_full() {
                true => Ok(plain(number)),
                false if is_ipv6 => {
                    Err(writing.cannot("ICMPv6 types", "the types of RFC 6733 are IPv4's: allow ICMPv6 as a whole"))
                }
                false => Ok(Service { options: format!(" icmptypes{}", list(types)), ..plain(number) }),
            }
        }
    }
}

/// A blank and the ranges with commas between; nothing for every number.
fn list<T: Number + std::fmt::Display>(set: &RangeSet<T>) -> String {
    if set.is_full() {
        return String::new();
    }
    let one = |&(first, last): &(T, T)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    format!(" {}", set.ranges().iter().map(one).collect::<Vec<_>>().join(","))
}

fn options(writing: Writing<'_>, flags: FlagSet) -> Result<String, RenderError> {
    if flags.is_full() {
        return Ok(String::new());
    }
    if flags == FlagSet::ack_or_rst() {
        return Ok(" established".into());
    }
    let cannot = || writing.cannot("these TCP flags", "there are words for FIN, SYN, RST, PSH, ACK and URG, each set or not");
    let (value, mask) = flags.as_masked().filter(|(_, mask)| mask & (FlagSet::ECE | FlagSet::CWR) == 0).ok_or_else(cannot)?;
    let words = FlagSet::NAMES.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    let words: Vec<String> = words.map(|(bit, name)| format!("{}{name}", if value >> bit & 1 == 1 { "" } else { "!" })).collect();
    Ok(format!(" tcpflags {}", words.join(",")))
}

//! A ruleset as address lists and rules of the chain `forward`, for each IP version: the same text every time.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::device_zones::DeviceZones;
use crate::saying::{Families, Say, members, of_families, own_names};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const SAY: Say = Say { target: "routeros" };

const LONGEST_NAME: usize = 32;

/// A rule holds 15 ports, and a range takes two of them.
const PORTS_A_RULE: usize = 7;

/// More lines for one rule are refused: every one of them is compared.
const MOST_LINES: usize = 1024;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    SAY.name(&options.name, LONGEST_NAME)?;
    SAY.zone_names(&options.zones)?;
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    for (menu, is_ipv6) in [("/ip", false), ("/ipv6", true)] {
        let mut lists = Lists { name: &options.name, known: BTreeSet::new(), entries: Vec::new() };
        let mut rules = Vec::new();
        for rule in &ruleset.rules {
            for text in filter_rules(&mut lists, &options.zones, rule, is_ipv6)? {
                rules.push((text, rule));
            }
        }
        if !lists.entries.is_empty() {
            out.line(&format!("{menu} firewall address-list"), None);
            for (text, rule) in lists.entries {
                out.line(&text, Some(rule));
            }
        }
        if !rules.is_empty() {
            out.line(&format!("{menu} firewall filter"), None);
            for (text, rule) in rules {
                out.line(&text, Some(rule));
            }
        }
    }
    Ok(out.rendering)
}

struct Writer {
    rendering: Rendering,
    line: usize,
}

impl Writer {
    fn line(&mut self, text: &str, rule: Option<&PointRule>) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
        if let Some(rule) = rule {
            self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.id.clone() });
        }
    }
}

struct Lists<'a, 'r> {
    name: &'a str,
    known: BTreeSet<String>,
    entries: Vec<(String, &'r PointRule)>,
}

fn filter_rules<'r>(
    lists: &mut Lists<'_, 'r>,
    zones: &DeviceZones,
    rule: &'r PointRule,
    is_ipv6: bool,
) -> Result<Vec<String>, RenderError> {
    let families = SAY.families(rule)?;
    SAY.no_times(rule)?;
    let flags = flags(rule)?;
    let protocols = protocols(rule, is_ipv6 && families.v6)?;
    if protocols.len() > MOST_LINES {
        let advice = "a line has one ICMP type and few ports: name fewer, or split the rule";
        return Err(SAY.cannot(rule, format!("a rule of {} lines", protocols.len()), advice));
    }
    if !families.has(is_ipv6) {
        return Ok(Vec::new());
    }
    let verb = match rule.action {
        Action::Allow => "accept",
        Action::Deny => "drop",
        Action::Log => "log",
    };
    let state = match rule.selector.state {
        StateSet::Any => "",
        StateSet::New => " connection-state=invalid,new,untracked",
        StateSet::Established => " connection-state=established,related",
    };
    let source = addresses(lists, rule, "src", &rule.selector.source, is_ipv6);
    let destination = addresses(lists, rule, "dst", &rule.selector.destination, is_ipv6);
    // A condition names one list: where several are meant, the addresses alone say it.
    let version = Families { v4: !is_ipv6, v6: is_ipv6 };
    let at = |way: &str, set: &AddressSet| match own_names(zones, &of_families(set, version)).as_deref() {
        Some([name]) if name.contains(' ') => format!(" {way}-interface-list=\"{name}\""),
        Some([name]) => format!(" {way}-interface-list={name}"),
        _ => String::new(),
    };
    let places = at("in", &rule.selector.source) + &at("out", &rule.selector.destination);
    let log = if rule.log && rule.action != Action::Log { " log=yes" } else { "" };
    let prefix = if rule.log || rule.action == Action::Log { format!(" log-prefix={}", rule.id) } else { String::new() };
    let line = |protocol: &String| {
        let comment = format!(" comment={}", rule.id);
        format!("add action={verb} chain=forward{state}{places}{source}{destination}{protocol}{flags}{log}{comment}{prefix}")
    };
    Ok(protocols.iter().map(line).collect())
}

/// The condition on one side; a list is defined where it was not yet.
fn addresses<'r>(lists: &mut Lists<'_, 'r>, rule: &'r PointRule, side: &str, set: &AddressSet, is_ipv6: bool) -> String {
    let (of_version, is_full) = if is_ipv6 {
        (AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }, set.v6.is_full())
    } else {
        (AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }, set.v4.is_full())
    };
    if is_full {
        return String::new();
    }
    let texts: Vec<String> = of_version.prefixes().into_iter().map(address).collect();
    if let [one] = texts.as_slice() {
        return format!(" {side}-address={one}");
    }
    let name = format!("{}-{:016x}", lists.name, digest(&texts));
    if lists.known.insert(name.clone()) {
        lists.entries.extend(texts.iter().map(|text| (format!("add address={text} list={name}"), rule)));
    }
    format!(" {side}-address-list={name}")
}

/// As an export writes it.
fn address(prefix: Prefix) -> String {
    match (prefix.network(), prefix.length()) {
        (IpAddr::V4(network), 32) => network.to_string(),
        (network, length) => format!("{network}/{length}"),
    }
}

/// FNV-1a: names need no secrets, only the same result everywhere.
fn digest(texts: &[String]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([b' ']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Each is the condition of one line.
fn protocols(rule: &PointRule, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
    let one = |name: &str| vec![format!(" protocol={name}")];
    Ok(match &rule.selector.l4 {
        L4::Any if rule.selector.flags.is_full() => vec![String::new()],
        L4::Any | L4::Protocol(6) => one("tcp"),
        L4::Protocol(0) => return Err(SAY.cannot(rule, "protocol 0", "it may be read as every protocol")),
        // Headers before the protocol (RFC 8200), which the filter looks behind.
        L4::Protocol(43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) if is_ipv6 => {
            return Err(SAY.cannot(rule, "this protocol number in IPv6", "there it is a header before the protocol"));
        }
        L4::Protocol(17) => one("udp"),
        L4::Protocol(number) => one(&number.to_string()),
        L4::Tcp { source, destination } => ports("tcp", source, destination),
        L4::Udp { source, destination } => ports("udp", source, destination),
        L4::Sctp { source, destination } if source.is_full() && destination.is_full() => one("132"),
        L4::Sctp { .. } => return Err(SAY.cannot(rule, "SCTP ports", "allow SCTP as a whole, or use another point")),
        L4::Icmp { types, codes } => icmp(rule, "icmp", types, codes)?,
        L4::Icmp6 { types, codes } => icmp(rule, "icmpv6", types, codes)?,
    })
}

fn ports(protocol: &str, source: &PortSet, destination: &PortSet) -> Vec<String> {
    let text = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let texts = |keyword: &str, set: &PortSet| -> Vec<String> {
        if set.is_full() {
            return vec![String::new()];
        }
        let ranges: Vec<String> = set.ranges().iter().map(text).collect();
        ranges.chunks(PORTS_A_RULE).map(|chunk| format!(" {keyword}={}", chunk.join(","))).collect()
    };
    let to = texts("dst-port", destination);
    let from = texts("src-port", source);
    from.iter().flat_map(|from| to.iter().map(move |to| format!(" protocol={protocol}{from}{to}"))).collect()
}

fn icmp(rule: &PointRule, name: &str, types: &RangeSet<u8>, codes: &RangeSet<u8>) -> Result<Vec<String>, RenderError> {
    if types.is_full() && codes.is_full() {
        return Ok(vec![format!(" protocol={name}")]);
    }
    if types.is_full() {
        return Err(SAY.cannot(rule, "ICMP codes of every type", "name the types"));
    }
    if types.contains(255) {
        return Err(SAY.cannot(rule, "ICMP type 255", "it stands for every type there; nobody uses it: leave it out"));
    }
    let text = |&(first, last): &(u8, u8)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let codes: Vec<String> = codes.ranges().iter().map(text).collect();
    let line = |kind: u8| codes.iter().map(move |code| format!(" protocol={name} icmp-options={kind}:{code}"));
    Ok(members(types).into_iter().flat_map(line).collect())
}

/// In the order of the bits.
const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

fn flags(rule: &PointRule) -> Result<String, RenderError> {
    if rule.selector.flags.is_full() {
        return Ok(String::new());
    }
    let Some((value, mask)) = rule.selector.flags.as_masked() else {
        return Err(SAY.cannot(rule, "this set of TCP flags", "it knows a mask and a value"));
    };
    let asked = FLAGS.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    let texts: Vec<String> =
        asked.map(|(bit, name)| if value >> bit & 1 == 1 { (*name).to_owned() } else { format!("!{name}") }).collect();
    Ok(format!(" tcp-flags={}", texts.join(",")))
}

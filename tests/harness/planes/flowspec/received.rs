//! What BIRD has received, as it lists it, as rules of an nftables chain in the order of RFC 8955 5.1. What is not understood is an error.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::IpAddr;

use anyhow::{Context, Result, bail};

/// One rule or several for each route, the first to be asked first.
pub(super) fn rules(listing: &str) -> Result<String> {
    let mut flows: Vec<Flow> = Vec::new();
    for line in listing.lines() {
        if is_flow(line) {
            flows.push(Flow::read(line).with_context(|| format!("BIRD lists `{line}`"))?);
        } else if let Some(communities) = line.trim_start().strip_prefix("BGP.ext_community:") {
            let flow = flows.last_mut().context("communities of nothing")?;
            flow.verdict = verdict(communities)?;
        } else if !(line.starts_with('\t') || line.starts_with("BIRD ") || line.starts_with("Table ")) {
            bail!("BIRD lists `{line}`, which is not understood");
        }
    }
    flows.sort_by(|left, right| precedence(&left.parts, &right.parts));
    let mut text = String::new();
    for flow in &flows {
        flow.write(&mut text);
    }
    Ok(text)
}

fn is_flow(line: &str) -> bool {
    line.starts_with("flow4 {") || line.starts_with("flow6 {")
}

/// RFC 8955 7: a rate of 0 drops (type 0x8006); a sample bit changes nothing for the packet (0x8007); without a word it is accepted.
fn verdict(communities: &str) -> Result<&'static str> {
    let mut verdict = "accept";
    for community in communities.split(") (") {
        match community.trim().trim_matches(['(', ')']) {
            "generic, 0x80060000, 0x0" => verdict = "drop",
            "generic, 0x80070000, 0x2" => {}
            other => bail!("BIRD lists a community `{other}`, which is not understood"),
        }
    }
    Ok(verdict)
}

struct Flow {
    is_ipv6: bool,
    /// By ascending type.
    parts: Vec<(u8, Part)>,
    verdict: &'static str,
}

enum Part {
    Prefix {
        text: String,
        bits: u128,
        length: u32,
    },
    Numbers {
        bytes: Vec<u8>,
        ranges: Vec<(u32, u32)>,
    },
    /// Alternatives of conditions that hold together, as nft says them.
    Flags {
        bytes: Vec<u8>,
        any: Vec<Vec<String>>,
    },
}

/// `Less`: the left one is asked first.
fn precedence(left: &[(u8, Part)], right: &[(u8, Part)]) -> Ordering {
    for at in 0..left.len().max(right.len()) {
        let (Some((a, one)), Some((b, other))) = (left.get(at), right.get(at)) else {
            // The one that has a component more.
            return right.len().cmp(&left.len());
        };
        let order = a.cmp(b).then_with(|| match (one, other) {
            (Part::Prefix { bits: a, length: m, .. }, Part::Prefix { bits: b, length: n, .. }) => {
                let apart = (a ^ b).leading_zeros();
                if apart < *m.min(n) { a.cmp(b) } else { n.cmp(m) }
            }
            (
                Part::Numbers { bytes: a, .. } | Part::Flags { bytes: a, .. },
                Part::Numbers { bytes: b, .. } | Part::Flags { bytes: b, .. },
            ) => {
                let differs = a.iter().zip(b).find(|(a, b)| a != b);
                differs.map_or_else(|| b.len().cmp(&a.len()), |(a, b)| a.cmp(b))
            }
            _ => Ordering::Equal,
        });
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

impl Flow {
    fn read(line: &str) -> Result<Self> {
        let (body, _) = line[7..].split_once('}').context("no end")?;
        let mut flow = Self { is_ipv6: line.starts_with("flow6"), parts: Vec::new(), verdict: "accept" };
        for part in body.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            const KEYS: [(&str, u8); 10] = [
                ("dst ", 1),
                ("src ", 2),
                ("proto ", 3),
                ("next header ", 3),
                ("port ", 4),
                ("dport ", 5),
                ("sport ", 6),
                ("icmp type ", 7),
                ("icmp code ", 8),
                ("tcp flags ", 9),
            ];
            let found = KEYS.iter().find_map(|(key, number)| Some((*number, part.strip_prefix(key)?)));
            let (number, value) = found.with_context(|| format!("`{part}` is not understood"))?;
            let read = match number {
                1 | 2 => prefix(value)?,
                9 => flags(value)?,
                4 => bail!("ports of either side are nothing that is announced here"),
                _ => numbers(value, if number == 5 || number == 6 { 65_535 } else { 255 })?,
            };
            flow.parts.push((number, read));
        }
        Ok(flow)
    }

    /// A rule for each choice of values, without sets: the kernel looks for a name for each nameless set among all those before it, so the
    /// 36,000 of a policy took it minutes.
    fn write(&self, text: &mut String) {
        let (version, icmp) = if self.is_ipv6 { ("ip6", "icmpv6") } else { ("ip", "icmp") };
        let mut choices: Vec<Vec<String>> = Vec::new();
        for (number, part) in &self.parts {
            match (number, part) {
                (_, Part::Prefix { length: 0, .. }) => {}
                (1, Part::Prefix { text, .. }) => choices.push(vec![format!("{version} daddr {text}")]),
                (_, Part::Prefix { text, .. }) => choices.push(vec![format!("{version} saddr {text}")]),
                (_, Part::Numbers { ranges, .. }) => {
                    let field = match number {
                        3 => "meta l4proto".to_owned(),
                        5 => "th dport".to_owned(),
                        6 => "th sport".to_owned(),
                        7 => format!("{icmp} type"),
                        _ => format!("{icmp} code"),
                    };
                    choices.push(ranges.iter().map(|range| format!("{field} {}", value(*range))).collect());
                }
                (_, Part::Flags { any, .. }) => choices.push(any.iter().map(|together| together.join(" ")).collect()),
            }
        }
        // Only TCP and UDP have ports here (RFC 8955 4.2.2.5), and only TCP flags.
        let has = |wanted: fn(&(u8, Part)) -> bool| self.parts.iter().any(wanted);
        let has_flags = has(|(_, part)| matches!(part, Part::Flags { .. }));
        if has_flags || has(|(number, _)| [5, 6].contains(number)) {
            let with_ports: &[&str] = if has_flags { &["meta l4proto 6"] } else { &["meta l4proto 6", "meta l4proto 17"] };
            // In front, since nft asks for it before it speaks of ports.
            choices.insert(0, with_ports.iter().map(|&protocol| protocol.to_owned()).collect());
        }
        let mut rules = vec![String::new()];
        for any in choices {
            rules = rules.iter().flat_map(|rule| any.iter().map(move |one| format!("{rule}{one} "))).collect();
        }
        for rule in rules {
            let _ = writeln!(text, "{rule}{}", self.verdict);
        }
    }
}

/// A range as nft says it.
fn value((first, last): (u32, u32)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn prefix(value: &str) -> Result<Part> {
    let (network, length) = value.split_once('/').context("a prefix without a length")?;
    let bits = match network.parse()? {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    Ok(Part::Prefix { text: value.to_owned(), bits, length: length.parse()? })
}

/// `80,443..450,>= 4840`
fn numbers(value: &str, largest: u32) -> Result<Part> {
    let (mut terms, mut ranges) = (Vec::new(), Vec::new());
    for one in value.split(',').map(str::trim) {
        if let Some((first, last)) = one.split_once("..") {
            let (first, last) = (first.parse()?, last.parse()?);
            terms.extend([(3, first), (0x45, last)]);
            ranges.push((first, last));
            continue;
        }
        let (sign, number) = one.split_once(' ').unwrap_or(("=", one));
        let number: u32 = number.parse().with_context(|| format!("`{one}` is not understood"))?;
        let (bits, range) = match sign {
            "=" => (1, (number, number)),
            ">=" => (3, (number, largest)),
            "<=" => (5, (0, number)),
            _ => bail!("`{one}` is not understood"),
        };
        terms.push((bits, number));
        ranges.push(range);
    }
    Ok(Part::Numbers { bytes: bytes(&terms), ranges })
}

/// `0x2/0x2 && 0x0/0x10 || !0x0/0x14`: values under masks.
fn flags(value: &str) -> Result<Part> {
    let (mut terms, mut any) = (Vec::new(), Vec::new());
    for alternative in value.split("||") {
        let mut together = Vec::new();
        for (at, one) in alternative.split("&&").map(str::trim).enumerate() {
            let (is_not, pair) = one.strip_prefix('!').map_or((false, one), |pair| (true, pair));
            let hex = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16);
            let (value, mask) = pair.split_once('/').context("flags without a mask")?;
            let (value, mask) = (hex(value)?, hex(mask)?);
            let bits = match (is_not, value) {
                (false, 0) => 2,
                (true, 0) => 0,
                (false, all) if all == mask => 1,
                (true, all) if all == mask => 3,
                _ => bail!("flags `{one}`, which nobody can announce"),
            };
            terms.push((bits | if at > 0 { 0x40 } else { 0 }, mask));
            together.push(format!("tcp flags & {mask:#x} {} {value:#x}", if is_not { "!=" } else { "==" }));
        }
        any.push(together);
    }
    Ok(Part::Flags { bytes: bytes(&terms), any })
}

/// As they are announced: the last one has the end bit, numbers above 255 two bytes.
fn bytes(terms: &[(u8, u32)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (at, (bits, value)) in terms.iter().enumerate() {
        let end = if at + 1 == terms.len() { 0x80 } else { 0 };
        match (u8::try_from(*value), u16::try_from(*value)) {
            (Ok(short), _) => all.extend([bits | end, short]),
            (_, long) => {
                all.push(bits | end | 0x10);
                all.extend(long.unwrap_or(u16::MAX).to_be_bytes());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As BIRD 2.0.12 lists it.
    const LISTING: &str = "BIRD 2.0.12 ready.
Table flows4:
flow4 { dst 0.0.0.0/0; }  [speaker 20:32:07.792 from 10.66.0.1] * (100) [AS65001i]
\tType: BGP univ
\tBGP.ext_community: (generic, 0x80060000, 0x0)
flow4 { dst 10.20.0.0/24; proto 1,6,100..130; }  [speaker 20:32:07.792 from 10.66.0.1] * (100) [AS65001i]
\tBGP.ext_community: (generic, 0x80060000, 0x0) (generic, 0x80070000, 0x2)
flow4 { dst 10.20.0.0/24; src 10.10.0.0/16; proto 6; dport 80,443..450,>= 4840; tcp flags 0x2/0x2 && 0x0/0x10 || !0x0/0x4; }  [s]
\tBGP.local_pref: 100
";

    #[test]
    fn a_listing_is_rules_in_the_order_in_which_routers_ask() {
        let pair = "ip daddr 10.20.0.0/24 ip saddr 10.10.0.0/16 meta l4proto 6";
        let ports = ["80", "443-450", "4840-65535"].map(|port| format!("meta l4proto 6 {pair} th dport {port}"));
        let flags = ["tcp flags & 0x2 == 0x2 tcp flags & 0x10 == 0x0", "tcp flags & 0x4 != 0x0"];
        let mut wanted: String =
            ports.iter().flat_map(|port| flags.iter().map(move |flags| format!("{port} {flags} accept\n"))).collect();
        for protocol in ["1", "6", "100-130"] {
            wanted.push_str(&format!("ip daddr 10.20.0.0/24 meta l4proto {protocol} drop\n"));
        }
        wanted.push_str("drop\n");
        assert_eq!(rules(LISTING).unwrap(), wanted);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (from, to) in [
            ("dst 0.0.0.0/0", "dscp 3"),
            ("0x80060000, 0x0)\nflow4 { dst 10", "0x80060000, 0x461c4000)\nflow4 { dst 10"),
            ("0x80070000, 0x2", "0x80080000, 0x2"),
            ("100..130", "> 3 && < 5"),
            ("Table", "Route"),
        ] {
            assert!(LISTING.contains(from) && rules(&LISTING.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}

//! What ExaBGP lists as announced, in the words of its configuration. What is not understood is an error.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

/// How ExaBGP lists ICMP types, which are IPv4's names for IPv6 too; others are `unknown icmp type type 200`.
const TYPES: &[(&str, u8)] = &[
    ("echo-reply", 0),
    ("unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicit", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("mask-request", 17),
    ("mask-reply", 18),
    ("traceroute", 30),
    ("experimental-mobility", 41),
    ("extended-echo-request", 42),
    ("extended-echo-reply", 43),
    ("experimental-one", 253),
    ("experimental-two", 254),
];

/// What ExaBGP announces, in the words of its configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) neighbor: Option<String>,
    /// Empty without routes.
    pub(super) text: String,
}

impl Listed {
    pub(super) fn read(listing: &str) -> Result<Self> {
        let mut neighbors = BTreeSet::new();
        let mut text = String::new();
        for (line, number) in listing.lines().filter(|line| !line.trim().is_empty()).zip(1..) {
            let said = || format!("ExaBGP lists `{line}`, which is not understood");
            let neighbor = line.strip_prefix("neighbor ").and_then(|rest| rest.split(' ').next()).with_context(said)?;
            // What is no flow route is not about packets.
            let Some((_, route)) = line.split_once(" ipv4 flow flow ").or_else(|| line.split_once(" ipv6 flow flow ")) else {
                continue;
            };
            neighbors.insert(neighbor.to_owned());
            let _ = writeln!(text, "    {}", statement(route, number).with_context(said)?);
        }
        if neighbors.len() > 1 {
            let all: Vec<String> = neighbors.into_iter().collect();
            bail!("ExaBGP speaks with several neighbors ({}); give each a process of its own", all.join(", "));
        }
        if !text.is_empty() {
            text = format!("flow {{\n{text}}}\n");
        }
        Ok(Self { neighbor: neighbors.into_iter().next(), text })
    }
}

/// `destination-ipv4 10.0.0.0/8 protocol [ =tcp =udp ] extended-community rate-limit:0` as a route of the configuration.
fn statement(route: &str, number: u32) -> Result<String> {
    let route = route.replace("unknown protocol type ", "").replace("unknown icmp type type ", "");
    let mut words = route.split_ascii_whitespace().peekable();
    let (mut matches, mut actions) = (String::new(), "accept; ".to_owned());
    while let Some(key) = words.next() {
        let mut value = vec![words.next().with_context(|| format!("`{key}` without a value"))?];
        if value == ["["] {
            value = words.by_ref().take_while(|word| *word != "]").collect();
        } else if value == ["action"] {
            value.extend(words.next());
        }
        match key {
            "extended-community" => actions = self::actions(&value)?,
            "destination-ipv4" | "destination-ipv6" | "source-ipv4" | "source-ipv6" => {
                let prefix = value.concat();
                // The offset of RFC 8956 3.1.
                let whole = if key.ends_with("ipv6") { prefix.strip_suffix("/0").unwrap_or(&prefix) } else { &prefix };
                let _ = write!(matches, "{} {whole}; ", key.split('-').next().unwrap_or(key));
            }
            "icmp-type" => {
                let numbers: Vec<String> = value.iter().map(|term| numbered(term)).collect();
                let _ = write!(matches, "{key} [ {} ]; ", numbers.join(" "));
            }
            _ => drop(write!(matches, "{key} [ {} ]; ", value.join(" "))),
        }
    }
    Ok(format!("route listed-{number} {{ match {{ {matches}}} then {{ {actions}}} }}"))
}

/// Names of ICMP types in a term as numbers: `>=echo-request&<=11`.
fn numbered(term: &str) -> String {
    let one = |part: &str| {
        let name = part.trim_start_matches(['=', '<', '>', '!']);
        let number = TYPES.iter().find(|(known, _)| *known == name).map(|(_, number)| number.to_string());
        number.map_or_else(|| part.to_owned(), |number| part.replace(name, &number))
    };
    term.split('&').map(one).collect::<Vec<_>>().join("&")
}

/// A rate of 0 discards (RFC 8955 7.3). Any other word is nothing that we announce.
fn actions(words: &[&str]) -> Result<String> {
    let (mut verdict, mut sample) = ("accept; ", "");
    let mut rest = words;
    while let [first, others @ ..] = rest {
        rest = match (*first, others) {
            ("rate-limit:0", _) => {
                verdict = "discard; ";
                others
            }
            ("action", ["sample", others @ ..]) => {
                sample = "action sample; ";
                others
            }
            _ => bail!("`{first}` is no action of ours"),
        };
    }
    Ok(format!("{verdict}{sample}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::exabgp::steps;

    /// As ExaBGP 4.2.21 lists what stands in [`CONFIGURED`].
    const LISTED: &str = "neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv4 flow flow destination-ipv4 10.20.0.0/24 source-ipv4 10.10.0.0/24 protocol =tcp destination-port [ =80 =443 >=1000&<=2000 <=3 ] source-port >=1024 tcp-flags [ !rst+ack =syn&!ack =syn+push ] extended-community rate-limit:0
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv4 flow flow destination-ipv4 0.0.0.0/0 source-ipv4 10.10.0.0/24 protocol =icmp icmp-type [ =echo-reply =echo-request =unreachable =unknown icmp type type 200 ] icmp-code [ =0 >=10 ] extended-community [ rate-limit:0 action sample ]
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv4 flow flow destination-ipv4 10.20.0.0/24 protocol =udp
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv6 flow flow destination-ipv6 fd20::/64/0 source-ipv6 fd10::/64/0 next-header =unknown protocol type 58 icmp-type [ =unknown icmp type type 1 =unreachable >=unknown icmp type type 128&<=unknown icmp type type 200 ] icmp-code <=3 extended-community action sample
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv6 flow flow destination-ipv6 ::/0/0 next-header [ =tcp =udp ] destination-port !=7 extended-community rate-limit:0
";
    const CONFIGURED: &str = "flow {
 route a1 { match { destination 10.20.0.0/24; source 10.10.0.0/24; protocol =tcp; destination-port [ =80 =443 >=1000&<=2000 <=3 ]; source-port >=1024; tcp-flags [ !ack+rst =syn&!ack =syn+push ]; } then { discard; } }
 route a2 { match { destination 10.20.0.0/24; protocol =17; } then { accept; } }
 route a3 { match { destination fd20::/64; source fd10::/64; next-header =58; icmp-type [ =1 =3 >=128&<=200 ]; icmp-code <=3; } then { accept; action sample; } }
 route a4 { match { destination 0.0.0.0/0; source 10.10.0.0/24; protocol =1; icmp-type [ =0 =8 =3 =200 ]; icmp-code [ =0 >=10 ]; } then { discard; action sample; } }
 route a5 { match { destination ::/0; next-header [ =6 =17 ]; destination-port !=7; } then { discard; } }
}
";

    #[test]
    fn a_listing_is_the_routes_that_were_configured() {
        let listed = Listed::read(LISTED).unwrap();
        assert_eq!(listed.neighbor.as_deref(), Some("198.51.100.1"));
        assert_eq!(steps(&listed.text).unwrap(), steps(CONFIGURED).unwrap(), "{}", listed.text);
        assert_ne!(steps(&listed.text).unwrap(), steps(&CONFIGURED.replace("!=7", "!=8")).unwrap());
    }

    #[test]
    fn nothing_announced_is_nothing() {
        let unicast =
            "neighbor 198.51.100.1 local-ip 198.51.100.2 family-allowed in-open ipv4 unicast 10.0.0.0/24 next-hop self\n";
        for listing in ["", "\n", unicast] {
            assert_eq!(Listed::read(listing).unwrap(), Listed { neighbor: None, text: String::new() });
        }
        assert_eq!(steps("  \n").unwrap(), Vec::new());
    }

    #[test]
    fn what_is_not_ours_to_announce_is_an_error() {
        for (from, to) in [
            ("rate-limit:0 action sample", "rate-limit:9600"),
            ("rate-limit:0", "redirect:65001:1"),
            ("destination-port !=7", "packet-length <=100"),
            ("fd20::/64/0", "fd20::/64/8"),
            (
                "neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv6",
                "neighbor 198.51.100.9 x ipv6",
            ),
            ("neighbor ", "peer "),
        ] {
            assert!(LISTED.contains(from), "{from}");
            let read = Listed::read(&LISTED.replacen(from, to, 1));
            assert!(read.and_then(|listed| steps(&listed.text)).is_err(), "{to}");
        }
    }
}

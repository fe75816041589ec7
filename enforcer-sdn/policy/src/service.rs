//! Services as text (`tcp/502`, `icmp/echo-request`, `modbus`) to protocol and ports that stay together.

use enforcer_packetset::{L4, PortSet, RangeSet};

use sensor_model::IpProtocol;

use crate::diagnostic::nearest;
use crate::document::Policy;

/// Names that need no definition (IANA service registry; vendor manuals where IANA has none).
pub const BUILT_IN: &[(&str, &[&str])] = &[
    ("any", &["any"]),
    ("bacnet", &["udp/47808"]),
    ("dhcp", &["udp/67"]),
    ("dhcpv6", &["udp/547"]),
    ("dnp3", &["tcp/20000", "udp/20000"]),
    ("dns", &["tcp/53", "udp/53"]),
    ("ethernet-ip", &["tcp/44818", "udp/44818"]),
    ("ethernet-ip-io", &["udp/2222"]),
    ("ftp", &["tcp/21"]),
    ("http", &["tcp/80"]),
    ("https", &["tcp/443"]),
    ("iec-104", &["tcp/2404"]),
    ("imap", &["tcp/143"]),
    ("imaps", &["tcp/993"]),
    ("ipp", &["tcp/631"]),
    ("jetdirect", &["tcp/9100"]),
    ("kerberos", &["tcp/88", "udp/88"]),
    ("ldap", &["tcp/389", "udp/389"]),
    ("ldaps", &["tcp/636"]),
    ("lpd", &["tcp/515"]),
    ("mdns", &["udp/5353"]),
    ("modbus", &["tcp/502"]),
    ("mqtt", &["tcp/1883"]),
    ("mqtts", &["tcp/8883"]),
    ("mssql", &["tcp/1433"]),
    ("mysql", &["tcp/3306"]),
    ("nfs", &["tcp/2049"]),
    ("ntp", &["udp/123"]),
    ("opc-ua", &["tcp/4840"]),
    ("ping", &["icmp/echo-request", "icmp6/echo-request"]),
    ("postgresql", &["tcp/5432"]),
    ("profinet-cm", &["udp/34964"]),
    ("rdp", &["tcp/3389", "udp/3389"]),
    ("rsync", &["tcp/873"]),
    ("s7comm", &["tcp/102"]),
    ("sip", &["tcp/5060", "udp/5060"]),
    ("smb", &["tcp/445"]),
    ("smtp", &["tcp/25"]),
    ("snmp", &["udp/161"]),
    ("snmp-trap", &["udp/162"]),
    ("ssh", &["tcp/22"]),
    ("submission", &["tcp/587"]),
    ("syslog", &["udp/514"]),
    ("syslog-tls", &["tcp/6514"]),
    ("telnet", &["tcp/23"]),
    ("tftp", &["udp/69"]),
    ("vnc", &["tcp/5900"]),
    ("winrm", &["tcp/5985-5986"]),
];

/// The protocol number and ICMP types that have names (IANA ICMP and ICMPv6 parameters).
const ICMP_TYPES: &[(&str, u8)] = &[
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
];
const ICMP6_TYPES: &[(&str, u8)] = &[
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("listener-query", 130),
    ("listener-report", 131),
    ("listener-done", 132),
    ("router-solicitation", 133),
    ("router-advertisement", 134),
    ("neighbor-solicitation", 135),
    ("neighbor-advertisement", 136),
    ("redirect", 137),
    ("listener-report-v2", 143),
];

/// Why a service cannot be read, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
    pub help: String,
}

const FORMS: &str = "write tcp/502, udp/1024-2048, sctp/2905, icmp/echo-request, icmp6/echo-request, ip/47, or any";

/// What a built-in name stands for.
#[must_use]
pub fn built_in(name: &str) -> Option<Vec<L4>> {
    let (_, terms) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    Some(merged(terms.iter().filter_map(|term| parse(term).ok())))
}

/// What a word in `services:` means: a service of the policy, a built-in name, or a term such as `tcp/502`.
///
/// # Errors
/// A word that is none of these.
pub fn meant(policy: &Policy, word: &str) -> Result<Vec<L4>, Refused> {
    let own = policy.services.iter().find(|service| service.name.value == word).map(|service| service.l4.clone());
    own.or_else(|| built_in(word)).map_or_else(
        || {
            parse(word).map(|term| vec![term]).map_err(|refused| {
                let names = policy.services.iter().map(|service| service.name.value.as_str());
                match nearest(word, names.chain(BUILT_IN.iter().map(|(name, _)| *name))) {
                    Some(meant) if !word.contains('/') => {
                        Refused { message: format!("unknown service `{word}`; did you mean `{meant}`?"), ..refused }
                    }
                    _ => refused,
                }
            })
        },
        Ok,
    )
}

/// The built-in name that means exactly this one protocol and port, if there is one.
#[must_use]
pub fn name_of(term: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(_, terms)| *terms == [term]).map(|(name, _)| *name)
}

/// The term of one observed service: `tcp/502`, `icmp/echo-request`, `ip/47`.
#[must_use]
pub fn term_of(protocol: IpProtocol, port: u16, is_ipv4: bool) -> String {
    let icmp = |word: &str, names: &[(&str, u8)]| match names.iter().find(|(_, number)| u16::from(*number) == port) {
        Some((name, _)) => format!("{word}/{name}"),
        None => format!("{word}/{port}"),
    };
    match protocol {
        IpProtocol::Icmp if is_ipv4 => icmp("icmp", ICMP_TYPES),
        IpProtocol::Icmp => icmp("icmp6", ICMP6_TYPES),
        IpProtocol::Other(number) => format!("ip/{number}"),
        ported => format!("{ported}/{port}"),
    }
}

/// One term such as `tcp/502`. Without a slash only `any`, `tcp`, `udp`, `sctp`, `icmp`, `icmp6` have a meaning here.
pub fn parse(text: &str) -> Result<L4, Refused> {
    let lower = text.trim().to_lowercase();
    let (protocol, rest) = lower.split_once('/').map_or((lower.as_str(), None), |(protocol, rest)| (protocol, Some(rest)));
    let refused = |message: String| Refused { message, help: FORMS.to_owned() };
    // Zeek, nft and many tools write the port first.
    if protocol.parse::<u16>().is_ok() && rest.is_some_and(|rest| matches!(rest, "tcp" | "udp" | "sctp")) {
        let turned = format!("{}/{protocol}", rest.unwrap_or_default());
        return Err(Refused { message: format!("`{text}` has the port first"), help: format!("write `{turned}`") });
    }
    match (protocol, rest) {
        ("any", None) => Ok(L4::Any),
        ("tcp", None | Some("*")) => Ok(L4::Protocol(6)),
        ("udp", None | Some("*")) => Ok(L4::Protocol(17)),
        ("sctp", None | Some("*")) => Ok(L4::Protocol(132)),
        ("icmp", None | Some("*")) => Ok(L4::Icmp { types: RangeSet::full(), codes: RangeSet::full() }),
        ("icmp6" | "icmpv6", None | Some("*")) => Ok(L4::Icmp6 { types: RangeSet::full(), codes: RangeSet::full() }),
        ("tcp", Some(ports)) => Ok(L4::Tcp { source: PortSet::full(), destination: port_range(text, ports)? }),
        ("udp", Some(ports)) => Ok(L4::Udp { source: PortSet::full(), destination: port_range(text, ports)? }),
        ("sctp", Some(ports)) => Ok(L4::Sctp { source: PortSet::full(), destination: port_range(text, ports)? }),
        ("icmp", Some(rest)) => icmp(text, rest, ICMP_TYPES).map(|(types, codes)| L4::Icmp { types, codes }),
        ("icmp6" | "icmpv6", Some(rest)) => icmp(text, rest, ICMP6_TYPES).map(|(types, codes)| L4::Icmp6 { types, codes }),
        ("ip", Some(number)) => match number.parse::<u8>() {
            // Said with their own words, so that one set of packets has one spelling.
            Ok(1) => parse("icmp"),
            Ok(58) => parse("icmp6"),
            Ok(number) => Ok(L4::Protocol(number)),
            Err(_) => Err(refused(format!("`{number}` in `{text}` is not an IP protocol number (0 to 255)"))),
        },
        (other, Some(_)) => Err(refused(match nearest(other, ["tcp", "udp", "sctp", "icmp", "icmp6", "ip"]) {
            Some(meant) => format!("unknown protocol `{other}` in `{text}`; did you mean `{meant}`?"),
            None => format!("unknown protocol `{other}` in `{text}`"),
        })),
        (_, None) => Err(refused(format!("`{text}` is not a protocol and port"))),
    }
}

fn port_range(text: &str, ports: &str) -> Result<PortSet, Refused> {
    let refused = |message: String| Refused { message, help: FORMS.to_owned() };
    let port = |digits: &str| {
        digits
            .parse::<u16>()
            .ok()
            .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| refused(format!("`{digits}` in `{text}` is not a port (0 to 65535)")))
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        let help = format!("write the smaller port first: {last}-{first}");
        return Err(Refused { message: format!("the range in `{text}` runs backwards"), help });
    }
    Ok(PortSet::range(first, last))
}

fn icmp(text: &str, rest: &str, names: &[(&str, u8)]) -> Result<(RangeSet<u8>, RangeSet<u8>), Refused> {
    let (kind, code) = rest.split_once('/').map_or((rest, None), |(kind, code)| (kind, Some(code)));
    let number = names.iter().find(|(name, _)| *name == kind).map_or_else(|| kind.parse().ok(), |(_, number)| Some(*number));
    let Some(number) = number else {
        let message = match nearest(kind, names.iter().map(|(name, _)| *name)) {
            Some(meant) => format!("unknown ICMP type `{kind}` in `{text}`; did you mean `{meant}`?"),
            None => format!("unknown ICMP type `{kind}` in `{text}`"),
        };
        let known = names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(Refused { message, help: format!("write a number from 0 to 255 or one of {known}") });
    };
    let codes = match code {
        None | Some("*") => RangeSet::full(),
        Some(code) => code.parse().map(RangeSet::of).map_err(|_| Refused {
            message: format!("`{code}` in `{text}` is not an ICMP code (0 to 255)"),
            help: FORMS.to_owned(),
        })?,
    };
    Ok((RangeSet::of(number), codes))
}

/// The same packets in as few entries as their protocols allow: ports of one protocol become one set. Exact.
#[must_use]
pub fn merged(terms: impl IntoIterator<Item = L4>) -> Vec<L4> {
    let mut sorted: Vec<L4> = terms.into_iter().collect();
    if sorted.contains(&L4::Any) {
        return vec![L4::Any];
    }
    sorted.sort_unstable();
    sorted.dedup();
    let whole: Vec<u8> =
        sorted.iter().filter_map(|l4| if let L4::Protocol(number) = l4 { Some(*number) } else { None }).collect();
    let mut out: Vec<L4> = Vec::new();
    for l4 in sorted {
        if !matches!(l4, L4::Protocol(_)) && number(&l4).is_some_and(|number| whole.contains(&number)) {
            continue;
        }
        let same = out.iter_mut().find_map(|earlier| joined(earlier, &l4).map(|joined| (earlier, joined)));
        match same {
            Some((earlier, joined)) => *earlier = joined,
            None => out.push(l4),
        }
    }
    out
}

/// The union where one entry can say it.
fn joined(a: &L4, b: &L4) -> Option<L4> {
    match (a, b) {
        (L4::Tcp { source: s, destination: d }, L4::Tcp { source, destination }) if s == source => {
            Some(L4::Tcp { source: s.clone(), destination: d.union(destination) })
        }
        (L4::Udp { source: s, destination: d }, L4::Udp { source, destination }) if s == source => {
            Some(L4::Udp { source: s.clone(), destination: d.union(destination) })
        }
        (L4::Sctp { source: s, destination: d }, L4::Sctp { source, destination }) if s == source => {
            Some(L4::Sctp { source: s.clone(), destination: d.union(destination) })
        }
        (L4::Icmp { types: t, codes: c }, L4::Icmp { types, codes }) if c == codes => {
            Some(L4::Icmp { types: t.union(types), codes: c.clone() })
        }
        (L4::Icmp6 { types: t, codes: c }, L4::Icmp6 { types, codes }) if c == codes => {
            Some(L4::Icmp6 { types: t.union(types), codes: c.clone() })
        }
        _ => None,
    }
}

/// The IP protocol number, None for every protocol.
#[must_use]
pub const fn number(l4: &L4) -> Option<u8> {
    match l4 {
        L4::Any => None,
        L4::Protocol(number) => Some(*number),
        L4::Tcp { .. } => Some(6),
        L4::Udp { .. } => Some(17),
        L4::Sctp { .. } => Some(132),
        L4::Icmp { .. } => Some(1),
        L4::Icmp6 { .. } => Some(58),
    }
}

/// Whether the protocol exists in the family: ICMP is IPv4's own, ICMPv6 is IPv6's own (RFC 792, RFC 4443).
#[must_use]
pub const fn speaks(l4: &L4, is_ipv4: bool) -> bool {
    match l4 {
        L4::Icmp { .. } => is_ipv4,
        L4::Icmp6 { .. } => !is_ipv4,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_term_parses_and_names_are_sorted() {
        for (name, terms) in BUILT_IN {
            for term in *terms {
                assert!(parse(term).is_ok(), "{name}: {term}");
            }
        }
        assert!(BUILT_IN.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn ports_stay_with_their_protocol() {
        let terms = ["tcp/10123", "udp/10456", "tcp/10124"].map(|term| parse(term).unwrap());
        assert_eq!(
            merged(terms),
            [
                L4::Tcp { source: PortSet::full(), destination: PortSet::range(10123, 10124) },
                L4::Udp { source: PortSet::full(), destination: PortSet::of(10456) },
            ]
        );
    }

    #[test]
    fn a_whole_protocol_swallows_its_ports() {
        assert_eq!(merged(["tcp/5", "tcp", "udp/1"].map(|term| parse(term).unwrap())).len(), 2);
        assert_eq!(merged(["tcp/5", "any"].map(|term| parse(term).unwrap())), [L4::Any]);
    }

    #[test]
    fn refusals_say_what_to_write() {
        for (text, message) in [
            ("502/tcp", "`502/tcp` has the port first"),
            ("tpc/502", "unknown protocol `tpc` in `tpc/502`; did you mean `tcp`?"),
            ("tcp/70000", "`70000` in `tcp/70000` is not a port (0 to 65535)"),
            ("tcp/+5", "`+5` in `tcp/+5` is not a port (0 to 65535)"),
            ("tcp/9-5", "the range in `tcp/9-5` runs backwards"),
            ("icmp/echo-requst", "unknown ICMP type `echo-requst` in `icmp/echo-requst`; did you mean `echo-request`?"),
            ("ip/300", "`300` in `ip/300` is not an IP protocol number (0 to 255)"),
        ] {
            assert_eq!(parse(text).unwrap_err().message, message);
        }
    }
}

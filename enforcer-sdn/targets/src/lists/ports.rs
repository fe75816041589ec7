//! Port comparisons and port names.

use enforcer_packetset::{PortSet, RangeSet};

use crate::target::ParseError;
use crate::words::{Words, number};

/// A port name's number, for a protocol: `syslog` is UDP 514, `cmd` TCP 514.
pub(crate) type Named = fn(u8, &str) -> Option<u16>;

/// What a dialect's port comparisons look like.
#[derive(Clone, Copy)]
pub(crate) struct Comparisons {
    pub operators: &'static [&'static str],
    pub named: Named,
    /// How many ports may stand after `eq` and `neq`.
    pub most: usize,
}

/// `eq 80`, `range 1 9`, `gt 1023` and so on; None where none of the operators stands.
pub(crate) fn comparison(words: &mut Words<'_>, protocol: u8, with: &Comparisons) -> Result<Option<PortSet>, ParseError> {
    let operator = words.peek();
    if !with.operators.contains(&operator) {
        return Ok(None);
    }
    words.next();
    let first = port(words, protocol, with.named)?;
    Ok(Some(match operator {
        "eq" | "neq" => {
            let mut set = RangeSet::of(first);
            let mut count = 1;
            while let Some(port) = number(words.peek()).or_else(|| (with.named)(protocol, words.peek())) {
                words.next();
                count += 1;
                if count > with.most {
                    return Err(words.error(format!("more than {} ports after `{operator}`", with.most), "write further entries"));
                }
                set = set.union(&RangeSet::of(port));
            }
            if operator == "eq" { set } else { set.complement() }
        }
        "gt" if first < u16::MAX => RangeSet::range(first + 1, u16::MAX),
        "lt" if first > 0 => RangeSet::range(0, first - 1),
        "range" => {
            let last = port(words, protocol, with.named)?;
            if last < first {
                return Err(words.error("a descending port range", "write the lower port first"));
            }
            RangeSet::range(first, last)
        }
        _ => return Err(words.error("a port comparison that nothing meets", "leave the entry out")),
    }))
}

fn port(words: &mut Words<'_>, protocol: u8, named: Named) -> Result<u16, ParseError> {
    let word = words.some("a port")?;
    number(word).or_else(|| named(protocol, word)).ok_or_else(|| {
        let other = if protocol == 6 { 17 } else { 6 };
        let advice = match named(other, word) {
            Some(port) => format!("the name belongs to another protocol; write its number, {port}, if that is meant"),
            None => "write its number".into(),
        };
        words.error(format!("port `{word}` is not understood"), advice)
    })
}

/// The names that IOS and NX-OS write (Cisco IOS Security Command Reference, `permit (IP)`; Nexus 9000 Security Configuration Guide).
pub(crate) fn ios(protocol: u8, word: &str) -> Option<u16> {
    Some(match (protocol, word) {
        (6 | 17, "echo") => 7,
        (6 | 17, "discard") => 9,
        (6, "daytime") => 13,
        (6, "chargen") => 19,
        (6, "ftp-data") => 20,
        (6, "ftp") => 21,
        (6, "telnet") => 23,
        (6, "smtp") => 25,
        (6 | 17, "time") => 37,
        (17, "nameserver") => 42,
        (6, "whois") => 43,
        (6 | 17, "tacacs") => 49,
        (6 | 17, "domain") => 53,
        (17, "bootps") => 67,
        (17, "bootpc") => 68,
        (17, "tftp") => 69,
        (6, "gopher") => 70,
        (6, "finger") => 79,
        (6, "www") => 80,
        (6, "hostname") => 101,
        (6, "pop2") => 109,
        (6, "pop3") => 110,
        (6 | 17, "sunrpc") => 111,
        (6, "ident") => 113,
        (6, "nntp") => 119,
        (17, "ntp") => 123,
        (6, "msrpc") => 135,
        (17, "netbios-ns") => 137,
        (17, "netbios-dgm") => 138,
        (17, "netbios-ss") => 139,
        (17, "snmp") => 161,
        (17, "snmptrap") => 162,
        (17, "xdmcp") => 177,
        (6, "bgp") => 179,
        (6, "irc") => 194,
        (17, "dnsix") => 195,
        (17, "mobile-ip") => 434,
        (6 | 17, "pim-auto-rp") => 496,
        (17, "isakmp") => 500,
        (6, "exec") => 512,
        (17, "biff") => 512,
        (6, "login") => 513,
        (17, "who") => 513,
        (6, "cmd") => 514,
        (17, "syslog") => 514,
        (6, "lpd") => 515,
        (6 | 17, "talk") => 517,
        (17, "rip") => 520,
        (17, "ripv6") => 521,
        (6, "uucp") => 540,
        (6, "klogin") => 543,
        (6, "kshell") => 544,
        (6, "drip") => 3949,
        (17, "non500-isakmp") => 4500,
        _ => return None,
    })
}

/// No names: numbers only.
pub(crate) const fn none(_: u8, _: &str) -> Option<u16> {
    None
}

//! The ASA's names of ports and of ICMP types (Firewall CLI Configuration Guide, appendix "Addresses, Protocols, and Ports").

use crate::lists::ports::ios;

/// A port's number, for TCP, UDP and SCTP: the names of IOS, and those that only an ASA lists. `kerberos` and `sqlnet` are other numbers in
/// other releases, so they are left out.
pub(super) fn port(protocol: u8, word: &str) -> Option<u16> {
    Some(match (protocol, word) {
        // IOS alone has these.
        (6, "time" | "msrpc" | "drip") | (17, "netbios-ss" | "ripv6" | "non500-isakmp") => return None,
        (6, "ssh") => 22,
        (6 | 17, "http") | (17, "www") => 80,
        (6, "netbios-ssn") => 139,
        (6, "imap4") => 143,
        (6, "ldap") => 389,
        (6, "https") => 443,
        (6, "rsh") => 514,
        (6, "rtsp") => 554,
        (6, "ldaps") => 636,
        (6, "lotusnotes") => 1352,
        (6, "citrix-ica") => 1494,
        (17, "radius") => 1645,
        (17, "radius-acct") => 1646,
        (6, "h323") => 1720,
        (6, "pptp") => 1723,
        (6 | 17, "nfs") => 2049,
        (6, "ctiqbe") => 2748,
        (6 | 17, "sip") => 5060,
        (6, "aol") => 5190,
        (17, "secureid-udp") => 5510,
        (6, "pcanywhere-data") => 5631,
        (17, "pcanywhere-status") => 5632,
        _ => return ios(protocol, word),
    })
}

pub(super) fn icmp(word: &str) -> Option<(u8, Option<u8>)> {
    let kind = match word {
        "echo-reply" => 0,
        "unreachable" => 3,
        "source-quench" => 4,
        "redirect" => 5,
        "alternate-address" => 6,
        "echo" => 8,
        "router-advertisement" => 9,
        "router-solicitation" => 10,
        "time-exceeded" => 11,
        "parameter-problem" => 12,
        "timestamp-request" => 13,
        "timestamp-reply" => 14,
        "information-request" => 15,
        "information-reply" => 16,
        "mask-request" => 17,
        "mask-reply" => 18,
        "traceroute" => 30,
        "conversion-error" => 31,
        "mobile-redirect" => 32,
        _ => return None,
    };
    Some((kind, None))
}

pub(super) fn icmp6(word: &str) -> Option<(u8, Option<u8>)> {
    let kind = match word {
        "unreachable" => 1,
        "packet-too-big" => 2,
        "time-exceeded" => 3,
        "parameter-problem" => 4,
        "echo" => 128,
        "echo-reply" => 129,
        "membership-query" => 130,
        "membership-report" => 131,
        "membership-reduction" => 132,
        "router-solicitation" => 133,
        "router-advertisement" => 134,
        "neighbor-solicitation" => 135,
        "neighbor-advertisement" => 136,
        "neighbor-redirect" => 137,
        "router-renumbering" => 138,
        _ => return None,
    };
    Some((kind, None))
}

/// Protocol numbers by the ASA's names.
pub(super) fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "icmp" => 1,
        "igmp" => 2,
        "ipinip" => 4,
        "tcp" => 6,
        "igrp" => 9,
        "udp" => 17,
        "gre" | "pptp" => 47,
        "esp" | "ipsec" => 50,
        "ah" => 51,
        "icmp6" => 58,
        "eigrp" => 88,
        "ospf" => 89,
        "nos" => 94,
        "pim" => 103,
        "pcp" => 108,
        "snp" => 109,
        "sctp" => 132,
        // 0 is `ip`.
        _ => return crate::words::number::<u8>(word).filter(|&number| number != 0),
    })
}

//! Predefined applications ("Predefined Policy Applications") that are protocols with ports, as `junos-defaults` has them; others are to be
//! defined in the text.
//!
//! `junos-ping` is all of ICMP there and `junos-pingv6` all of ICMPv6, whatever their names say.

use enforcer_packetset::{L4, PortSet, RangeSet};

/// What the name means; whether a gateway reads what is said and opens the further connections that it asks for.
pub(super) fn application(name: &str) -> Option<(Vec<L4>, bool)> {
    let one = |protocol: fn(u16, u16) -> L4, port| vec![protocol(port, port)];
    let name = name.strip_prefix("junos-")?;
    let opens = ["ftp", "tftp", "pptp", "rsh", "rtsp", "realaudio", "sqlnet-v2"].contains(&name);
    let l4s = match name {
        "aol" => vec![tcp(5190, 5193)],
        "bgp" => one(tcp, 179),
        "biff" => one(udp, 512),
        "bootpc" | "dhcp-client" => one(udp, 68),
        "bootps" | "dhcp-relay" | "dhcp-server" => one(udp, 67),
        "chargen" => one(udp, 19),
        "cvspserver" => one(tcp, 2401),
        "discard" => one(udp, 9),
        "dns-tcp" => one(tcp, 53),
        "dns-udp" => one(udp, 53),
        "echo" => one(udp, 7),
        "finger" => one(tcp, 79),
        "ftp" => one(tcp, 21),
        "ftp-data" => one(tcp, 20),
        "gnutella" => vec![udp(6346, 6347)],
        "gopher" => one(tcp, 70),
        "gre" => vec![L4::Protocol(47)],
        "http" => one(tcp, 80),
        "http-ext" => one(tcp, 7001),
        "https" => one(tcp, 443),
        "icmp-ping" => vec![L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() }],
        "icmp-all" | "ping" => vec![L4::Protocol(1)],
        "icmp6-all" | "pingv6" => vec![L4::Protocol(58)],
        "ident" => one(tcp, 113),
        "ike" => one(udp, 500),
        "ike-nat" => one(udp, 4500),
        "imap" => one(tcp, 143),
        "imaps" => one(tcp, 993),
        "internet-locator-service" | "ldap" => one(tcp, 389),
        "irc" => vec![tcp(6660, 6669)],
        "l2tp" => one(udp, 1701),
        "ldp-tcp" => one(tcp, 646),
        "ldp-udp" => one(udp, 646),
        "lpr" | "printer" => one(tcp, 515),
        "mail" | "smtp" => one(tcp, 25),
        "ms-sql" => one(tcp, 1433),
        "msn" => one(tcp, 1863),
        "nbds" => one(udp, 138),
        "nbname" => one(udp, 137),
        "netbios-session" => one(tcp, 139),
        "nfs" => one(udp, 111),
        "nfsd-tcp" => one(tcp, 2049),
        "nfsd-udp" => one(udp, 2049),
        "nntp" => one(tcp, 119),
        "ntp" => one(udp, 123),
        "ospf" => vec![L4::Protocol(89)],
        "pc-anywhere" => one(udp, 5632),
        "pop3" => one(tcp, 110),
        "pptp" => one(tcp, 1723),
        "radacct" => one(udp, 1813),
        "radius" => one(udp, 1812),
        "rdp" => one(tcp, 3389),
        "rip" => one(udp, 520),
        "rsh" => one(tcp, 514),
        "rtsp" | "realaudio" => one(tcp, 554),
        "sctp-any" => vec![L4::Protocol(132)],
        "smb" => vec![tcp(139, 139), tcp(445, 445)],
        "smb-session" => one(tcp, 445),
        "snmp-agentx" => one(tcp, 705),
        "snpp" => one(tcp, 444),
        "sql-monitor" => one(udp, 1434),
        "sqlnet-v1" => one(tcp, 1525),
        "sqlnet-v2" => one(tcp, 1521),
        "ssh" => one(tcp, 22),
        "stun" => vec![tcp(3478, 3479), udp(3478, 3479)],
        "syslog" => one(udp, 514),
        "tacacs" => one(tcp, 49),
        "tacacs-ds" => one(tcp, 65),
        "tcp-any" => vec![L4::Protocol(6)],
        "telnet" => one(tcp, 23),
        "tftp" => one(udp, 69),
        "udp-any" => vec![L4::Protocol(17)],
        "uucp" => one(udp, 540),
        "vnc" => one(tcp, 5800),
        "wais" => one(tcp, 210),
        "who" => one(udp, 513),
        "whois" => one(tcp, 43),
        "winframe" => one(tcp, 1494),
        "wxcontrol" => one(tcp, 3578),
        "x-windows" => vec![tcp(6000, 6063)],
        "xnm-clear-text" => one(tcp, 3221),
        "xnm-ssl" => one(tcp, 3220),
        _ => return None,
    };
    Some((l4s, opens))
}

fn tcp(first: u16, last: u16) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: PortSet::range(first, last) }
}

fn udp(first: u16, last: u16) -> L4 {
    L4::Udp { source: PortSet::full(), destination: PortSet::range(first, last) }
}

/// Predefined applications that are several others.
pub(super) fn set(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "junos-cifs" => &["junos-netbios-session", "junos-smb-session"],
        "junos-routing-inbound" => &["junos-bgp", "junos-rip", "junos-ldp-tcp", "junos-ldp-udp"],
        _ => return None,
    })
}

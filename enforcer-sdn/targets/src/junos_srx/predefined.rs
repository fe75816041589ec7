//! Predefined applications that are nothing but a protocol and its port or type; others are to be defined in the text.

use enforcer_packetset::{L4, PortSet};

pub(super) fn application(name: &str) -> Option<L4> {
    let tcp = |port| L4::Tcp { source: PortSet::full(), destination: PortSet::of(port) };
    let udp = |port| L4::Udp { source: PortSet::full(), destination: PortSet::of(port) };
    Some(match name.strip_prefix("junos-")? {
        "bgp" => tcp(179),
        "dns-tcp" => tcp(53),
        "dns-udp" => udp(53),
        "http" => tcp(80),
        "https" => tcp(443),
        "imap" => tcp(143),
        "imaps" => tcp(993),
        "ldap" => tcp(389),
        "ntp" => udp(123),
        "pop3" => tcp(110),
        "radius" => udp(1812),
        "radacct" => udp(1813),
        "smtp" => tcp(25),
        "ssh" => tcp(22),
        "syslog" => udp(514),
        "telnet" => tcp(23),
        "gre" => L4::Protocol(47),
        "icmp-all" => L4::Protocol(1),
        "icmp6-all" => L4::Protocol(58),
        "tcp-any" => L4::Protocol(6),
        "udp-any" => L4::Protocol(17),
        _ => return None,
    })
}

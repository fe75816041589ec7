//! Lines of a running configuration, and counters of a listing, that decide about no packet, for the dialects that look like Cisco's. What
//! stands here is known to be harmless; anything else stays an error.

use crate::words::{Words, number};

/// In an interface: addresses, names and physical settings. Not here, and so refused, is what drops, changes or turns packets:
/// `ip verify`, `ip nat`, `ip policy`, `service-policy`, `zone-member`, `mac access-group`, `switchport port-security` and the like.
const OF_INTERFACES: &[&str] = &[
    "description",
    "ip address",
    "no ip address",
    "ipv6 address",
    "ipv6 enable",
    "shutdown",
    "no shutdown",
    "switchport mode",
    "switchport access vlan",
    "switchport trunk",
    "switchport nonegotiate",
    "no switchport",
    "mtu",
    "ip mtu",
    "speed",
    "duplex",
    "negotiation auto",
    "no negotiation auto",
    "bandwidth",
    "load-interval",
    "vrf forwarding",
    "vrf member",
    "ip vrf forwarding",
    "encapsulation dot1Q",
    "encapsulation dot1q",
    "channel-group",
    "spanning-tree",
    "cdp enable",
    "no cdp enable",
    "lldp",
    "no lldp",
    "ip ospf",
    "ip helper-address",
    "no ip redirects",
    "no ip proxy-arp",
    "no ip unreachables",
    "standby",
    "logging event",
    "no routing",
    "vlan access",
    "vlan trunk",
];

/// Of the device as a whole: the head and the foot of a listing.
const OF_DEVICES: &[&str] = &[
    "Building configuration...",
    "Current configuration :",
    "version",
    "hostname",
    "service timestamps",
    "no service",
    "service password-encryption",
    "boot-start-marker",
    "boot-end-marker",
    "vrf context",
];

/// Whether the line of an interface decides about no packet.
pub(crate) fn is_of_interface(words: &Words<'_>) -> bool {
    OF_INTERFACES.iter().any(|start| starts(words.rest(), start))
}

/// Whether the line decides about no packet, and ends what stands before it.
pub(crate) fn is_of_device(words: &Words<'_>) -> bool {
    OF_DEVICES.iter().any(|start| starts(words.rest(), start))
}

fn starts(line: &str, start: &str) -> bool {
    line.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// How often an entry was met, at its end: IOS lists `(12 matches)`, NX-OS `[match=12]`, EOS `[match 12 packets, 0:00:05 ago]`.
pub(crate) fn take_counters(words: &mut Words<'_>) {
    let line = words.rest().trim_end();
    let inside = |open, close| line.strip_prefix(open).and_then(|line: &str| line.strip_suffix(close));
    let is_count = |word: &str| number::<u64>(word).is_some();
    let parts: Vec<&str> = inside('(', ')').or_else(|| inside('[', ']')).unwrap_or("").split(' ').collect();
    let is_known = match parts.as_slice() {
        [count, "match" | "matches"] => line.starts_with('(') && is_count(count),
        ["match", count, "packets," | "packet,", _, "ago"] => line.starts_with('[') && is_count(count),
        [one] => line.starts_with('[') && one.strip_prefix("match=").is_some_and(is_count),
        _ => false,
    };
    while is_known && !words.peek().is_empty() {
        words.next();
    }
}

//! Where an address lives, and which network it shares with others.

use std::net::{IpAddr, Ipv4Addr};

use sensor_model::Scope;

/// Private (RFC 1918), shared (RFC 6598), link-local, unique-local (RFC 4193), loopback or configured is internal.
#[must_use]
pub fn scope_of(ip: IpAddr, internal: &[(IpAddr, u8)]) -> Scope {
    if is_group(ip) {
        return Scope::Group;
    }
    let private = match ip {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || is_shared(v4),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback(),
    };
    let configured = || internal.iter().any(|(network, len)| contains(*network, *len, ip));
    if private || is_link_local(ip) || configured() { Scope::Internal } else { Scope::External }
}

/// Multicast, limited broadcast, or the address of nobody yet: never one host.
#[must_use]
pub fn is_group(ip: IpAddr) -> bool {
    ip.is_multicast() || ip.is_unspecified() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// Never forwarded (RFC 3927 2.7, RFC 4291 2.5.6), so its sender is on this link.
pub(crate) const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

const fn is_shared(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a == 100 && b & 0xc0 == 64
}

fn contains(network: IpAddr, len: u8, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let shift = 32_u32.saturating_sub(u32::from(len));
            (network.to_bits() ^ ip.to_bits()).checked_shr(shift).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let shift = 128_u32.saturating_sub(u32::from(len));
            (network.to_bits() ^ ip.to_bits()).checked_shr(shift).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// The address with its host part cleared: /24 and /64, the usual sizes of a segment. All external addresses are one network: the far side.
pub(crate) fn network_of(ip: IpAddr, scope: Scope) -> IpAddr {
    match ip {
        _ if scope == Scope::External => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_scope() {
        let ours = [("203.0.113.0".parse().unwrap(), 24), ("2001:db8::".parse().unwrap(), 32)];
        for (text, scope) in [
            ("10.1.2.3", Scope::Internal),
            ("172.32.0.1", Scope::External),
            ("100.64.0.1", Scope::Internal),
            ("169.254.9.9", Scope::Internal),
            ("fe80::1", Scope::Internal),
            ("fd00::1", Scope::Internal),
            ("203.0.113.9", Scope::Internal),
            ("203.0.114.9", Scope::External),
            ("2001:db8:5::1", Scope::Internal),
            ("2001:db9::1", Scope::External),
            ("224.0.0.251", Scope::Group),
            ("255.255.255.255", Scope::Group),
            ("0.0.0.0", Scope::Group),
            ("ff02::fb", Scope::Group),
        ] {
            assert_eq!(scope_of(text.parse().unwrap(), &ours), scope, "{text}");
        }
    }

    #[test]
    fn a_prefix_of_length_zero_contains_its_family_only() {
        let all = [("0.0.0.0".parse().unwrap(), 0)];
        assert_eq!(scope_of("8.8.8.8".parse().unwrap(), &all), Scope::Internal);
        assert_eq!(scope_of("2001:db9::1".parse().unwrap(), &all), Scope::External);
    }
}

//! Whether an address is ours, as far as the address alone tells.

use std::net::IpAddr;

use sensor_model::Scope;

/// Private, link-local and loopback addresses are ours, and whatever lies in `internal`.
#[must_use]
pub fn scope_of(ip: IpAddr, internal: &[(IpAddr, u8)]) -> Scope {
    let (group, ours) = match ip {
        IpAddr::V4(v4) => (
            v4.is_multicast() || v4.is_broadcast(),
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || v4.is_unspecified(),
        ),
        IpAddr::V6(v6) => {
            (v6.is_multicast(), v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback() || v6.is_unspecified())
        }
    };
    match (group, ours || internal.iter().any(|prefix| covers(*prefix, ip))) {
        (true, _) => Scope::Group,
        (false, true) => Scope::Internal,
        (false, false) => Scope::External,
    }
}

fn covers((network, length): (IpAddr, u8), ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => same_start(network.to_bits().into(), ip.to_bits().into(), 32, length),
        (IpAddr::V6(network), IpAddr::V6(ip)) => same_start(network.to_bits(), ip.to_bits(), 128, length),
        _ => false,
    }
}

fn same_start(network: u128, ip: u128, width: u8, length: u8) -> bool {
    let ignored = u32::from(width.saturating_sub(length));
    (network ^ ip).checked_shr(ignored).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_prefixes_are_ours_besides_the_private_ones() {
        let internal = [("203.0.113.0".parse().unwrap(), 24), ("2001:db8::".parse().unwrap(), 32)];
        let scopes: Vec<_> =
            ["10.1.1.1", "203.0.113.9", "203.0.114.9", "2001:db8::1", "2001:db9::1", "ff02::1", "255.255.255.255"]
                .iter()
                .map(|ip| scope_of(ip.parse().unwrap(), &internal))
                .collect();
        use Scope::{External, Group, Internal};
        assert_eq!(scopes, [Internal, Internal, External, Internal, External, Group, Group]);
    }

    #[test]
    fn a_prefix_of_length_zero_covers_its_family_only() {
        let all_v4 = [("0.0.0.0".parse().unwrap(), 0)];
        assert_eq!(scope_of("8.8.8.8".parse().unwrap(), &all_v4), Scope::Internal);
        assert_eq!(scope_of("2001:db8::1".parse().unwrap(), &all_v4), Scope::External);
    }
}

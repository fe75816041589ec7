//! Which MAC an IP address belongs to, and which MACs forward for others.
//!
//! 1. A binding that ARP, NDP or DHCP made is certain; the latest counts.
//! 2. A link-local address, or an IPv6 address formed from the MAC itself (RFC 4291 appendix A), is certain for its sender: nothing
//!    forwards the first, nobody else makes the second.
//! 3. Otherwise an *internal* address is likely its sender's when the sender has no other address of that family, bound or seen. With two
//!    or more, the MAC may be a router's, and a wrong merge is worse than a missing one: each address stays an asset of its own.
//! 4. Of several MACs that rule 3 allows, the first one heard is taken: a router forwards after it has received.
//!
//! A MAC is a router when it sends for too many networks: addresses that are not its own from two IPv4 networks (/24 each; everything
//! external counts as one) or from three IPv6 /64, more addresses than are remembered, or, when its own address is known, for an address of
//! another network that is external, bound to another MAC, or one of several.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use sensor_model::{MacAddr, Scope, Timestamp};

use crate::record::{IpRecord, MacNumber, MacRecord, Owner};
use crate::scope::{is_link_local, network_of};

pub(crate) fn owner_of<'a>(
    ip: IpAddr,
    record: &IpRecord,
    mac_record: impl Fn(MacNumber) -> Option<(MacAddr, &'a MacRecord)>,
) -> Owner {
    if record.scope == Scope::Group {
        return Owner::Itself;
    }
    if let Some(binding) = record.bindings.last() {
        return Owner::Certain(binding.mac);
    }
    let senders = || {
        record.sightings.iter().filter_map(|(number, first_seen)| {
            let (mac, sender) = mac_record(*number)?;
            Some((*first_seen, mac, *number, sender))
        })
    };
    let first = |(first_seen, mac, ..): &(Timestamp, MacAddr, MacNumber, &MacRecord)| (*first_seen, *mac);
    if let Some((_, _, number, _)) =
        senders().filter(|(_, mac, ..)| is_link_local(ip) || is_formed_from(ip, *mac)).min_by_key(first)
    {
        return Owner::Certain(number);
    }
    if record.scope != Scope::Internal {
        return Owner::Itself;
    }
    let likely = senders().filter(|(.., sender)| has_only(sender, ip)).min_by_key(first);
    likely.map_or(Owner::Itself, |(_, _, number, _)| Owner::Likely(number))
}

/// No other address of the family, as far as rule 3 counts them.
fn has_only(record: &MacRecord, ip: IpAddr) -> bool {
    let others = || record.sighted.iter().chain(&record.bound).filter(|other| other.is_ipv4() == ip.is_ipv4());
    !record.is_crowded && others().all(|other| *other == ip || is_link_local(*other))
}

/// The interface identifier is the MAC with `ff:fe` in the middle and the universal bit turned (RFC 4291 appendix A).
pub(crate) fn is_formed_from(ip: IpAddr, mac: MacAddr) -> bool {
    let [a, b, c, d, e, f] = mac.0;
    let identifier = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    matches!(ip, IpAddr::V6(v6) if low_half(v6) == identifier)
}

fn low_half(ip: Ipv6Addr) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = ip.octets();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// How many addresses of others a MAC sends for, when that makes it a router.
pub(crate) fn forwards_for<'a>(
    mac: MacAddr,
    record: &MacRecord,
    ip_record: impl Fn(IpAddr) -> Option<&'a IpRecord>,
) -> Option<usize> {
    let scope = |ip: IpAddr| ip_record(ip).map_or(Scope::External, |record| record.scope);
    let is_foreign = |ip: &&IpAddr| !record.bound.contains(ip) && !is_link_local(**ip) && !is_formed_from(**ip, mac);
    let foreign: Vec<IpAddr> = record.sighted.iter().filter(is_foreign).copied().collect();
    let networks = |v4: bool, ips: &mut dyn Iterator<Item = IpAddr>| -> BTreeSet<IpAddr> {
        let of_family = ips.filter(|ip| ip.is_ipv4() == v4);
        // Hosts have global and unique-local IPv6 addresses side by side, so for that family only the prefix counts.
        of_family.map(|ip| network_of(ip, if v4 { scope(ip) } else { Scope::Internal })).collect()
    };
    let foreign_v4 = networks(true, &mut foreign.iter().copied());
    let many = record.is_crowded || foreign_v4.len() >= 2 || networks(false, &mut foreign.iter().copied()).len() >= 3;

    let own = networks(true, &mut record.bound.iter().copied());
    let beyond: Vec<IpAddr> =
        foreign.iter().copied().filter(|ip| ip.is_ipv4() && !own.contains(&network_of(*ip, scope(*ip)))).collect();
    let bound_elsewhere = |ip: &IpAddr| ip_record(*ip).is_some_and(|record| !record.bindings.is_empty());
    let is_gateway = !own.is_empty()
        && !beyond.is_empty()
        && (beyond.len() >= 2 || beyond.iter().any(|ip| scope(*ip) == Scope::External || bound_elsewhere(ip)));
    (many || is_gateway).then_some(foreign.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_formed_from_its_mac_is_recognised() {
        let mac = "00:0b:82:01:fc:42".parse().unwrap();
        assert!(is_formed_from("2001:db8::20b:82ff:fe01:fc42".parse().unwrap(), mac));
        assert!(!is_formed_from("2001:db8::20b:82ff:fe01:fc43".parse().unwrap(), mac));
    }
}

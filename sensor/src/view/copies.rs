//! What copies of packets say about mirrors and routers, in words.

use sensor_model::{Change, DuplicatePath, LinkSide};

/// One line a path.
#[must_use]
pub fn lines<'a>(paths: impl IntoIterator<Item = &'a DuplicatePath>) -> String {
    paths.into_iter().map(line).collect()
}

fn line(path: &DuplicatePath) -> String {
    let DuplicatePath { sources, destinations, packets, .. } = path;
    let (from, to) = (tags(&path.from), tags(&path.to));
    let what = match path.change {
        Change::SameHop => format!("come several times from the same hop in {from}"),
        Change::Routed => {
            format!("cross router {} ({from} -> {to}, TTL -{})", macs(path), path.ttl_lower_by)
        }
        Change::OtherVlan => format!("are seen in {from} and in {to}"),
        Change::OtherMacs => format!("pass {}, which counts no hop ({from} -> {to})", macs(path)),
    };
    format!("copies: {sources} -> {destinations} {what}, {packets} packets left out\n")
}

/// Of a router: its address on either side, once where they are the same.
fn macs(path: &DuplicatePath) -> String {
    match (path.from.mac, path.to.mac) {
        (Some(from), Some(to)) if from != to => format!("{from} / {to}"),
        (Some(mac), _) | (None, Some(mac)) => mac.to_string(),
        (None, None) => "without an address".to_owned(),
    }
}

fn tags(side: &LinkSide) -> String {
    match (side.vlan, side.inner_vlan) {
        (None, _) => "no VLAN".to_owned(),
        (Some(vlan), None) => format!("VLAN {}", vlan.get()),
        (Some(vlan), Some(inner)) => format!("VLAN {}.{}", vlan.get(), inner.get()),
    }
}

#[cfg(test)]
mod tests {
    use sensor_model::{MacAddr, Timestamp, VlanId};

    use super::*;

    fn path(change: Change) -> DuplicatePath {
        let side = |mac, vlan| LinkSide { mac: Some(MacAddr([2, 0, 0, 0, 0, mac])), vlan: VlanId::new(vlan), inner_vlan: None };
        DuplicatePath {
            change,
            from: side(1, 10),
            to: side(2, 20),
            ttl_lower_by: 1,
            sources: "10.0.0.0/24".parse().unwrap(),
            destinations: "0.0.0.0/0".parse().unwrap(),
            packets: 1_234,
            first_seen: Timestamp::ZERO,
            last_seen: Timestamp::ZERO,
        }
    }

    #[test]
    fn a_crossing_names_its_router_its_vlans_and_its_hops() {
        assert_eq!(
            lines([&path(Change::Routed)]),
            "copies: 10.0.0.0/24 -> 0.0.0.0/0 cross router 02:00:00:00:00:01 / 02:00:00:00:00:02 (VLAN 10 -> VLAN 20, TTL -1), 1234 packets left out\n"
        );
    }

    #[test]
    fn a_doubled_hop_names_its_vlan() {
        let untagged = DuplicatePath { from: LinkSide::default(), ..path(Change::SameHop) };
        assert!(lines([&path(Change::SameHop)]).contains("several times from the same hop in VLAN 10,"));
        assert!(lines([&untagged]).contains("from the same hop in no VLAN,"));
    }
}

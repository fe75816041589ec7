//! The packet that stands for a set is one that a reader would have chosen.

use enforcer_packetset::{AddressSet, L4, PacketSet, PortSet, Prefix, Selector, StateSet};

fn shown(selector: &Selector) -> String {
    PacketSet::any_of([selector]).unwrap().witness().unwrap().to_string()
}

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

#[test]
fn an_ordinary_packet_is_preferred() {
    let any = Selector::any();
    assert_eq!(shown(&any), "tcp 10.0.0.1 port 49152 -> 10.0.0.2 port 80 (new, Mon 12:00 UTC)");
    let l4 = L4::Udp { source: PortSet::full(), destination: PortSet::of(161) };
    let network = Selector { destination: addresses(&["224.0.0.0/4", "192.0.2.0/24"]), l4, ..any.clone() };
    assert_eq!(shown(&network), "udp 10.0.0.1 port 49152 -> 192.0.2.1 port 161 (new, Mon 12:00 UTC)");
    let v6 = Selector { source: addresses(&["fd00:1::/64"]), state: StateSet::Established, ..any };
    assert_eq!(shown(&v6), "tcp fd00:1::1 port 49152 -> 2001:db8::2 port 80 (established, Mon 12:00 UTC)");
}

#[test]
fn what_is_left_is_taken_where_nothing_ordinary_is() {
    let only_multicast = Selector { destination: addresses(&["224.0.0.5"]), l4: L4::Protocol(89), ..Selector::any() };
    assert_eq!(shown(&only_multicast), "ip protocol 89 10.0.0.1 -> 224.0.0.5 (new, Mon 12:00 UTC)");
    assert!(PacketSet::empty().witness().is_none());
}

//! The packet that stands for a set is one that a reader would have chosen.

use enforcer_packetset::{
    AddressSet, FlagSet, HeadingSet, L4, LinkFields, Mac, Number, PacketSet, PortSet, Prefix, RangeSet, Selector, StateSet,
    VlanId,
};

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

#[test]
fn flags_and_frames_are_said_where_they_are_not_ordinary() {
    let any = Selector::any();
    let answers = Selector { flags: FlagSet::ack_or_rst(), ..any.clone() };
    assert_eq!(shown(&answers), "tcp 10.0.0.1 port 49152 -> 10.0.0.2 port 80 flags syn,ack (new, Mon 12:00 UTC)");
    let openings = Selector { flags: FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK), ..any.clone() };
    assert_eq!(shown(&openings), "tcp 10.0.0.1 port 49152 -> 10.0.0.2 port 80 (new, Mon 12:00 UTC)");
    let ten = VlanId::new(10).unwrap();
    let printer = "00:00:5e:00:53:07".parse().unwrap();
    let link = LinkFields {
        vlan: RangeSet::of(ten),
        source_mac: RangeSet::of(printer),
        destination_mac: RangeSet::range(Mac::from_octets([2, 0, 0, 0, 0, 0]), Mac::MAX),
        heading: HeadingSet::Out,
    };
    let wanted = "tcp 10.0.0.1 port 49152 -> 10.0.0.2 port 80 vlan 10 from mac 00:00:5e:00:53:07 going out (new, Mon 12:00 UTC)";
    assert_eq!(shown(&Selector { link: link.into(), ..any }), wanted);
}

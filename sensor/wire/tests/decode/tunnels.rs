//! Every tunnel leads to the packet inside, keeps its identifier, and gives way to the packet around it when the guess is wrong.

use sensor_wire::{LinkType, Options, Outcome, Packet, TunnelKind, decode};

use crate::build::{ARP_REQUEST, eth, ip4, ip4_with, ip6, tagged, tcp, udp};

fn packet(bytes: &[u8], decap: bool) -> Packet {
    match decode(LinkType::Ethernet, bytes, 0, Options { decap, ..Options::default() }) {
        Outcome::Packet(packet) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

fn inner_ip() -> Vec<u8> {
    ip4(6, &tcp(1111, 502, 0x10, b"in"))
}

fn inner_frame() -> Vec<u8> {
    eth(0x0800, &inner_ip())
}

fn over_udp(port: u16, header: &[u8], inside: &[u8]) -> Vec<u8> {
    eth(0x0800, &ip4(17, &udp(40000, port, &[header, inside].concat())))
}

fn over_ip(protocol: u8, header: &[u8], inside: &[u8]) -> Vec<u8> {
    eth(0x0800, &ip4(protocol, &[header, inside].concat()))
}

fn ppp(inside: &[u8]) -> Vec<u8> {
    [&[0x00, 0x21][..], inside].concat()
}

/// Name, frame, kind, id: all hold TCP 1111 -> 502.
fn cases() -> Vec<(&'static str, Vec<u8>, TunnelKind, u32)> {
    use TunnelKind::*;
    let (ip, frame) = (inner_ip(), inner_frame());
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat();
    let wlan_swapped = [&[0x01, 0x08][..], &[0; 22], &snap].concat();
    let subframe_len = u8::try_from(snap.len()).unwrap();
    let aggregate = [&[0x88, 2][..], &[0; 22], &[0x80, 0], &[2; 12], &[0, subframe_len], &snap].concat();
    let ppp_len = u8::try_from(ip.len() + 2).unwrap();
    let gtp_len = u8::try_from(ip.len()).unwrap();
    let six = ip6(6, &tcp(1111, 502, 0x10, b"in"));
    vec![
        ("4 in 4", over_ip(4, &[], &ip), IpInIp, 0),
        ("6 in 4", over_ip(41, &[], &six), SixInFour, 0),
        ("4 in 6", eth(0x86dd, &ip6(4, &ip)), IpInIp, 0),
        ("6 in 6", eth(0x86dd, &ip6(41, &six)), IpInIp, 0),
        ("gre", over_ip(47, &[0, 0, 8, 0], &ip), Gre, 0),
        ("gre with everything", over_ip(47, &[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], &ip), Gre, 9),
        ("gre with routes", over_ip(47, &[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0], &ip), Gre, 0),
        ("gretap with a small key", over_ip(47, &[0x20, 0, 0x65, 0x58, 0, 0, 0, 9], &frame), Gre, 9),
        ("nvgre", over_ip(47, &[0x20, 0, 0x65, 0x58, 0x01, 0x23, 0x45, 0x67], &frame), Nvgre, 0x012345),
        ("pptp", over_ip(47, &[0x30, 1, 0x88, 0x0b, 0, ppp_len, 0, 7, 0, 0, 0, 1], &ppp(&ip)), Gre, 7),
        ("erspan I", over_ip(47, &[0, 0, 0x88, 0xbe], &frame), Erspan, 0),
        ("erspan II", over_ip(47, &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 0x65, 0, 0, 0, 3], &frame), Erspan, 0x65),
        (
            "erspan III with platform",
            over_ip(
                47,
                &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 0x65, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
                &frame,
            ),
            Erspan,
            0x65,
        ),
        ("vxlan", over_udp(4789, &[8, 0, 0, 0, 0, 0x12, 0x34, 0], &frame), Vxlan, 0x1234),
        ("vxlan of linux", over_udp(8472, &[8, 0, 0, 0, 0, 0, 7, 0], &frame), Vxlan, 7),
        ("vxlan with a group", over_udp(4789, &[0x88, 0, 1, 2, 0, 0, 7, 0], &frame), Vxlan, 7),
        ("vxlan-gpe", over_udp(4790, &[0x0c, 0, 0, 1, 0, 0, 7, 0], &ip), Vxlan, 7),
        ("vxlan with reserved bits", over_udp(4789, &[0x4c, 1, 2, 3, 0, 0, 7, 9], &frame), Vxlan, 7),
        ("geneve with reserved bits", over_udp(6081, &[0, 3, 8, 0, 0, 0, 9, 1], &ip), Geneve, 9),
        ("gre in udp", over_udp(4754, &[0x20, 0, 8, 0, 0, 0, 0, 9], &ip), Gre, 9),
        ("geneve with options", over_udp(6081, &[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4], &frame), Geneve, 9),
        ("gtp-u", over_udp(2152, &[0x30, 0xff, 0, gtp_len, 0, 0, 1, 2], &ip), GtpU, 0x0102),
        ("gtp-u with its spare bit", over_udp(2152, &[0x38, 0xff, 0, gtp_len, 0, 0, 1, 2], &ip), GtpU, 0x0102),
        ("gtp-u with ethernet", over_udp(2152, &[0x30, 0xff, 0, gtp_len + 14, 0, 0, 1, 2], &frame), GtpU, 0x0102),
        (
            "gtp-u with an extension",
            over_udp(2152, &[0x34, 0xff, 0, gtp_len + 8, 0, 0, 1, 2, 0, 0, 0, 0x85, 1, 0, 9, 0], &ip),
            GtpU,
            0x0102,
        ),
        ("teredo", over_udp(3544, &[], &six), Teredo, 0),
        (
            "teredo with indications",
            over_udp(3544, &[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6], &six),
            Teredo,
            0,
        ),
        ("l2tp v2", over_udp(1701, &[0, 2, 0, 3, 0, 4, 0xff, 3], &ppp(&ip)), L2tp, 0x0003_0004),
        (
            "l2tp v2 with length and offset",
            over_udp(1701, &[0x42, 2, 0, ppp_len + 12, 0, 3, 0, 4, 0, 2, 0xaa, 0xaa], &ppp(&ip)),
            L2tp,
            0x0003_0004,
        ),
        ("l2tp v3 with cookie", over_udp(1701, &[0, 3, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4], &frame), L2tp, 9),
        ("l2tp v3 over ip", over_ip(115, &[0, 0, 0, 9], &frame), L2tp, 9),
        ("nsh", eth(0x894f, &[&[0x0f, 0xc2, 2, 1, 0, 0, 5, 255][..], &ip].concat()), Nsh, 5),
        ("mpls", eth(0x8847, &[&[0, 1, 0x00, 64, 0, 2, 0x01, 64][..], &ip].concat()), Mpls, 0x20),
        (
            "mpls with an entropy label",
            eth(0x8847, &[&[0, 2, 0, 64, 0, 0, 0x70, 64, 0x12, 0x34, 0x51, 64][..], &ip].concat()),
            Mpls,
            0x20,
        ),
        ("mpls pseudowire", eth(0x8847, &[&[0, 2, 0x01, 64][..], &frame].concat()), Mpls, 0x20),
        ("mpls pseudowire with control word", eth(0x8847, &[&[0, 2, 0x01, 64, 0, 0, 0, 0][..], &frame].concat()), Mpls, 0x20),
        ("mpls in udp", over_udp(6635, &[0, 2, 0x01, 64], &ip), Mpls, 0x20),
        ("pppoe", eth(0x8864, &[&[0x11, 0, 0, 6, 0, ppp_len][..], &ppp(&ip)].concat()), Pppoe, 6),
        ("802.1ah", eth(0x88e7, &[&[0, 1, 2, 3][..], &frame].concat()), Pbb, 0x0001_0203),
        ("etherip", over_ip(97, &[0x30, 0], &frame), EtherIp, 0),
        ("etherip of bsd", over_ip(97, &[0x03, 0], &frame), EtherIp, 0),
        ("capwap of cisco", over_udp(5247, &[0, 0x10, 3, 0, 0, 0, 0, 0], &wlan_swapped), Capwap, 0),
        ("vxlan-gpe without its flag", over_udp(4790, &[8, 0, 0, 1, 0, 0, 7, 0], &ip), Vxlan, 7),
        ("gre of aruba", over_ip(47, &[0, 0, 0x82, 0x40], &wlan_swapped), Gre, 0),
        ("gre of aruba with an aggregate", over_ip(47, &[0, 0, 0x90, 0], &aggregate), Gre, 0),
        ("fabricpath", eth(0x8903, &[&[0x04, 0x5f][..], &frame].concat()), FabricPath, 0x11),
        ("trill with options", eth(0x22f3, &[&[0x00, 0x7f, 0, 9, 0, 1, 1, 2, 3, 4][..], &frame].concat()), Trill, 9),
        ("lisp", over_udp(4341, &[0xc0, 0, 0, 1, 0, 0, 0, 1], &ip), Lisp, 0),
        ("lisp with an instance", over_udp(4341, &[0x08, 0, 0, 0, 0, 0, 7, 0], &six), Lisp, 7),
        ("lisp control", over_udp(4342, &[0x80, 0, 0, 0], &ip), Lisp, 0),
        ("pim register", over_ip(103, &[0x21, 0, 0xde, 0xff, 0, 0, 0, 0], &ip), PimRegister, 0),
        ("ayiya", over_udp(5072, &[&[0x11, 0x12, 0x11, 41, 0, 0, 0, 1][..], &[9; 6]].concat(), &six), Ayiya, 0),
        ("tzsp", over_udp(37008, &[1, 0, 0, 1, 0, 10, 1, 0xc4, 1], &frame), Tzsp, 0),
        ("tzsp with 802.11", over_udp(37008, &[1, 0, 0, 18, 1], &wlan_swapped), Tzsp, 0),
        ("capwap with ethernet", over_udp(5247, &[0, 0x10, 2, 0, 0, 0, 0, 0], &frame), Capwap, 0),
    ]
}

#[test]
fn every_tunnel_leads_to_the_packet_inside() {
    for (name, bytes, kind, id) in cases() {
        let packet = packet(&bytes, true);
        assert_eq!((packet.protocol, packet.source_port, packet.destination_port), (6, 1111, 502), "{name}");
        assert_eq!(packet.tunnel.map(|tunnel| (tunnel.kind, tunnel.id)), Some((kind, id)), "{name}");
        assert_eq!(packet.payload(&bytes), b"in", "{name}");
        assert_eq!(packet.wire_len as usize, bytes.len(), "{name}");
    }
}

#[test]
fn every_kind_of_tunnel_has_a_case() {
    let cases = cases();
    for kind in TunnelKind::ALL {
        assert!(cases.iter().any(|(_, _, tested, _)| tested == kind), "{}", kind.as_str());
    }
}

#[test]
fn without_decapsulation_the_first_transport_counts() {
    for (name, bytes, ..) in cases() {
        let packet = packet(&bytes, false);
        let is_udp = bytes[12..14] == [8, 0] && bytes[23] == 17;
        let expected = if is_udp { (17, 40000) } else { (6, 1111) };
        assert_eq!((packet.protocol, packet.source_port), expected, "{name}");
    }
}

#[test]
fn a_tunnel_cut_anywhere_still_counts_for_the_packet_around_it() {
    for (name, bytes, ..) in cases().into_iter().filter(|(_, bytes, ..)| bytes[12..14] == [8, 0] && bytes[23] == 17) {
        for len in 42..bytes.len() {
            let outcome = decode(LinkType::Ethernet, &bytes[..len], bytes.len() as u32, Options::default());
            assert!(matches!(outcome, Outcome::Packet(_)), "{name} cut to {len}: {outcome:?}");
        }
    }
}

#[test]
fn a_frame_cut_anywhere_ends_in_a_packet_or_a_named_reason() {
    for (name, bytes, ..) in cases() {
        for len in 0..bytes.len() {
            for (wire_len, options) in [(bytes.len(), Options::default()), (len, Options { decap: true, verify_checksums: true })]
            {
                let outcome = decode(LinkType::Ethernet, &bytes[..len], wire_len as u32, options);
                let is_told = matches!(outcome, Outcome::Packet(_) | Outcome::Skip(_) | Outcome::NonIp { .. });
                assert!(is_told, "{name} cut to {len}: {outcome:?}");
            }
        }
    }
}

#[test]
fn a_null_register_carries_nothing() {
    let packet = packet(&eth(0x0800, &ip4(103, &[&[0x21, 0, 0, 0, 0x40, 0, 0, 0][..], &ip4(17, b"")].concat())), true);
    assert_eq!((packet.protocol, packet.tunnel), (103, None));
}

#[test]
fn bytes_on_a_tunnel_port_that_are_no_tunnel_stay_udp() {
    for port in [4754, 4789, 4790, 8472, 6081, 2152, 3386, 3544, 1701, 6635, 5247, 4341, 4342, 5072, 37008] {
        for payload in [&b""[..], b"\0", b"hello, this is no tunnel at all, not even close to one", &[0xff; 60], &[0; 60]] {
            let packet = packet(&eth(0x0800, &ip4(17, &udp(40000, port, payload))), true);
            assert_eq!(
                (packet.protocol, packet.source_port, packet.destination_port, packet.tunnel),
                (17, 40000, port, None),
                "{payload:?}"
            );
        }
    }
}

#[test]
fn what_is_no_flow_inside_counts_for_the_transport_around_it() {
    let header = [8, 0, 0, 0, 0, 0, 7, 0];
    let later = eth(0x0800, &ip4_with(6, 0x0010, &[0; 40]));
    for inside in [eth(0x0806, &ARP_REQUEST), eth(0x88cc, &[0; 40]), later] {
        let packet = packet(&over_udp(4789, &header, &inside), true);
        assert_eq!((packet.protocol, packet.destination_port), (17, 4789));
    }
}

#[test]
fn arp_in_a_mirror_is_arp() {
    let bytes = over_ip(47, &[0, 0, 0x88, 0xbe], &eth(0x0806, &ARP_REQUEST));
    assert!(matches!(decode(LinkType::Ethernet, &bytes, 0, Options::default()), Outcome::Arp(arp) if arp.request));
}

#[test]
fn a_mirrored_frame_keeps_its_own_addresses_tags_and_ethertype() {
    let mut frame = tagged(&[(0x8100, 30)], 0x0800, &inner_ip());
    frame[..12].copy_from_slice(&[4, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 2]);
    let mirrored = |frame: &[u8]| {
        tagged(
            &[(0x8100, 20)],
            0x0800,
            &ip4(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 0x65, 0, 0, 0, 3][..], frame].concat()),
        )
    };
    let inside = packet(&mirrored(&frame), true);
    assert_eq!(
        (inside.source_mac.to_string(), inside.vlan.map(|id| id.get()), inside.inner_vlan),
        ("04:00:00:00:00:02".into(), Some(30), None)
    );
    frame[16..18].copy_from_slice(&[0x88, 0x92]);
    let outcome = decode(LinkType::Ethernet, &mirrored(&frame), 0, Options::default());
    let Outcome::NonIp { source, ethertype, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((source.to_string(), ethertype), ("04:00:00:00:00:02".into(), 0x8892));
    // Cut inside of the mirrored header there is only the packet around it, with the tag of its own network.
    let cut = packet(&mirrored(&frame)[..60], true);
    assert_eq!((cut.protocol, cut.vlan.map(|id| id.get())), (47, Some(20)));
}

#[test]
fn tunnels_without_end_end_in_the_packet_that_is_there() {
    let mut bytes = inner_ip();
    for _ in 0..40 {
        bytes = ip4(4, &bytes);
    }
    let nested = packet(&eth(0x0800, &bytes), true);
    assert_eq!(nested.protocol, 4);
}

#[test]
fn tags_inside_a_tunnel_follow_those_outside() {
    let inside = tagged(&[(0x8100, 30)], 0x0800, &inner_ip());
    let udp = udp(40000, 4789, &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &inside].concat());
    let packet = packet(&tagged(&[(0x8100, 20)], 0x0800, &ip4(17, &udp)), true);
    assert_eq!((packet.vlan.map(|id| id.get()), packet.inner_vlan.map(|id| id.get())), (Some(20), Some(30)));
}

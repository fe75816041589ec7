//! Layers 2 to 4, one header at a time, with packets built by hand.

use sensor_wire::{Anomalies, Fragment, LinkType, Options, Outcome, Packet, SkipReason, TcpFlags, decode};

use crate::build::{ARP_REQUEST, IP4_A, IP4_B, eth, ip4, ip4_with, ip6, tagged, tcp, udp, udp_with_right_sums};

fn outcome(bytes: &[u8]) -> Outcome {
    decode(LinkType::Ethernet, bytes, 0, Options::default())
}

fn packet(bytes: &[u8]) -> Packet {
    match outcome(bytes) {
        Outcome::Packet(packet) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

fn ports(packet: &Packet) -> (u16, u16) {
    (packet.source_port, packet.destination_port)
}

#[test]
fn a_tcp_segment_gives_addresses_ports_and_state_fields() {
    let bytes = eth(0x0800, &ip4(6, &tcp(1234, 502, TcpFlags::SYN | TcpFlags::ACK, b"abc")));
    let packet = packet(&bytes);
    assert_eq!((packet.source_address(), packet.destination_address()), (IP4_A.into(), IP4_B.into()));
    assert_eq!((packet.protocol, ports(&packet), packet.ttl, packet.ip_len), (6, (1234, 502), 64, 43));
    let segment = packet.tcp.expect("TCP");
    assert_eq!((segment.sequence, segment.acknowledgment, segment.window), (0x0102_0304, 0x0506_0708, 0x2000));
    assert!(segment.flags.has(TcpFlags::SYN | TcpFlags::ACK) && !segment.flags.has(TcpFlags::FIN));
    assert_eq!(packet.payload(&bytes), b"abc");
    assert_eq!(
        (packet.source_mac.to_string(), packet.destination_mac.to_string()),
        ("02:00:00:00:00:02".into(), "02:00:00:00:00:01".into())
    );
}

#[test]
fn padding_is_no_payload_but_counts_on_the_wire() {
    let mut bytes = eth(0x0800, &ip4(17, &udp(5, 6, b"xy")));
    bytes.resize(60, 0xaa);
    let packet = packet(&bytes);
    assert_eq!(
        (packet.payload(&bytes), packet.payload_len, packet.wire_len, packet.anomalies),
        (&b"xy"[..], 2, 60, Anomalies::default())
    );
}

#[test]
fn a_cut_capture_still_counts_and_knows_the_true_lengths() {
    let bytes = eth(0x0800, &ip4(6, &tcp(1, 2, 0, &[7; 1000])));
    let Outcome::Packet(packet) = decode(LinkType::Ethernet, &bytes[..96], 1054, Options::default()) else { panic!() };
    assert_eq!((packet.payload_captured, packet.payload_len, packet.wire_len, packet.ip_len), (42, 1000, 1054, 1040));
    // Ports are enough for a flow, less is not.
    let Outcome::Packet(partial) = decode(LinkType::Ethernet, &bytes[..40], 1054, Options::default()) else { panic!() };
    assert_eq!((ports(&partial), partial.tcp), ((1, 2), None));
    assert!(partial.anomalies.has(Anomalies::PARTIAL_TRANSPORT));
    for len in [0, 13, 14, 20, 33, 34, 37] {
        assert_eq!(
            decode(LinkType::Ethernet, &bytes[..len], 1054, Options::default()),
            Outcome::Skip(SkipReason::Truncated),
            "{len}"
        );
    }
}

#[test]
fn offloaded_segments_take_their_length_from_the_frame() {
    for claimed in [0_u16, 9000] {
        let mut bytes = eth(0x0800, &ip4(6, &tcp(1, 2, 0, &[7; 100])));
        bytes[16..18].copy_from_slice(&claimed.to_be_bytes());
        let packet = packet(&bytes);
        assert_eq!((packet.payload_len, packet.ip_len), (100, 140), "{claimed}");
        assert!(packet.anomalies.has(Anomalies::LENGTH_FROM_FRAME));
    }
}

#[test]
fn padding_behind_an_empty_packet_is_no_offloaded_segment() {
    for (padding, len) in [(6, 40), (20, 60)] {
        let mut bytes = eth(0x86dd, &ip6(253, &vec![0; padding]));
        bytes[18..20].copy_from_slice(&[0, 0]);
        assert_eq!(packet(&bytes).ip_len, len, "{padding}");
    }
}

#[test]
fn lengths_that_cannot_be_true_are_refused_by_name() {
    let whole = eth(0x0800, &ip4(6, &tcp(1, 2, 0, b"")));
    let with = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        outcome(&bytes)
    };
    assert_eq!(with(14, 0x44), Outcome::Skip(SkipReason::BadLength), "header length 16");
    assert_eq!(with(17, 19), Outcome::Skip(SkipReason::BadLength), "total length 19");
    assert_eq!(with(17, 22), Outcome::Skip(SkipReason::BadLength), "no room for ports");
    assert_eq!(with(14, 0x55), Outcome::Skip(SkipReason::BadHeader), "version 5");
    let Outcome::Packet(packet) = with(46, 0x30) else { panic!() };
    assert!(packet.anomalies.has(Anomalies::TRANSPORT_LENGTH), "data offset 12 is below the TCP header");
}

#[test]
fn udp_lengths_that_disagree_are_told_and_the_shorter_one_believed() {
    let mut bytes = eth(0x0800, &ip4(17, &udp(5, 6, b"abcdef")));
    bytes[39] = 11;
    let shorter = packet(&bytes);
    assert_eq!(shorter.payload(&bytes), b"abc");
    assert!(shorter.anomalies.has(Anomalies::TRANSPORT_LENGTH));
    bytes[39] = 200;
    let longer = packet(&bytes);
    assert_eq!(longer.payload(&bytes), b"abcdef");
    assert!(longer.anomalies.has(Anomalies::TRANSPORT_LENGTH));
}

#[test]
fn ipv4_options_are_skipped() {
    let mut bytes = ip4_with(17, 0, &[&[1, 1, 1, 0][..], &udp(5, 6, b"x")].concat());
    bytes[0] = 0x46;
    assert_eq!(ports(&packet(&eth(0x0800, &bytes))), (5, 6));
}

#[test]
fn first_fragments_have_ports_and_later_ones_only_addresses() {
    let first = packet(&eth(0x0800, &ip4_with(17, 0x2000, &udp(5, 6, &[0; 32]))));
    assert_eq!((first.fragment, ports(&first), first.ip_id), (Fragment::First, (5, 6), 0x1234));
    let Outcome::Fragment(later) = outcome(&eth(0x0800, &ip4_with(17, 0x2005, &[9; 32]))) else { panic!() };
    assert_eq!(
        (later.fragment, ports(&later), later.ip_id, later.protocol),
        (Fragment::Later { offset: 40 }, (0, 0), 0x1234, 17)
    );
}

#[test]
fn ipv6_extension_headers_lead_to_the_transport() {
    // Hop-by-hop, routing, destination options, authentication.
    let chain = [
        &[43, 0, 1, 4, 0, 0, 0, 0][..],
        &[60, 0, 0, 0, 0, 0, 0, 0],
        &[51, 0, 1, 4, 0, 0, 0, 0],
        &[17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2],
        &udp(5, 6, b"deep"),
    ]
    .concat();
    let bytes = eth(0x86dd, &ip6(0, &chain));
    let packet = packet(&bytes);
    assert_eq!((packet.protocol, ports(&packet), packet.payload(&bytes)), (17, (5, 6), &b"deep"[..]));
    assert_eq!(packet.ip_len as usize, 40 + chain.len());
}

#[test]
fn ipv6_fragments_are_told_by_their_header() {
    let piece = |field: [u8; 2]| [&[17, 0, field[0], field[1], 0, 0, 0x12, 0x34][..], &udp(5, 6, b"x")].concat();
    let first = packet(&eth(0x86dd, &ip6(44, &piece([0, 1]))));
    assert_eq!((first.fragment, first.ip_id, ports(&first)), (Fragment::First, 0x1234, (5, 6)));
    assert_eq!(packet(&eth(0x86dd, &ip6(44, &piece([0, 0])))).fragment, Fragment::Whole, "RFC 6946");
    let Outcome::Fragment(later) = outcome(&eth(0x86dd, &ip6(44, &piece([0, 0x11])))) else { panic!() };
    assert_eq!(later.fragment, Fragment::Later { offset: 16 });
}

#[test]
fn a_jumbogram_says_its_length_in_an_option() {
    // RFC 2675: padding, then the option; the payload length is zero, and so is the length of UDP.
    let data = vec![7; 70_000];
    let udp = [&[0, 5, 0, 6, 0, 0, 0, 0][..], &data].concat();
    let hop_by_hop = |len: u32| [&[17, 1, 1, 2, 0, 0, 0xc2, 4][..], &len.to_be_bytes(), &[1, 2, 0, 0]].concat();
    let claimed = u32::try_from(udp.len() + 16).unwrap();
    for (len, anomaly) in [(claimed, 0), (claimed + 100, Anomalies::LENGTH_FROM_FRAME), (9, Anomalies::LENGTH_FROM_FRAME)] {
        let mut bytes = ip6(0, &[]);
        bytes.extend_from_slice(&hop_by_hop(len));
        bytes.extend_from_slice(&udp);
        let packet = packet(&eth(0x86dd, &bytes));
        assert_eq!((packet.ip_len, packet.payload_len, packet.anomalies), (70_064, 70_000, Anomalies(anomaly)), "{len}");
    }
}

#[test]
fn an_extension_header_longer_than_its_packet_is_a_bad_length() {
    let bytes = eth(0x86dd, &ip6(0, &[&[17, 255, 1, 4, 0, 0, 0, 0][..], &udp(5, 6, b"")].concat()));
    assert_eq!(outcome(&bytes), Outcome::Skip(SkipReason::BadLength));
    let cut = decode(LinkType::Ethernet, &bytes[..60], 4000, Options::default());
    assert_eq!(cut, Outcome::Skip(SkipReason::Truncated), "the capture ends before the packet does");
}

#[test]
fn signalling_and_encrypted_headers_end_the_walk_by_name() {
    // Mobility, HIP and Shim6 with nothing behind them; ESP, whose inside nobody can read; no next header.
    for (protocol, payload) in
        [(135, [59, 0, 0, 0]), (139, [59, 0, 0, 0]), (140, [59, 0, 0, 0]), (50, [0, 0, 0, 1]), (59, [0; 4])]
    {
        let packet = packet(&eth(0x86dd, &ip6(protocol, &[&payload[..], &[0; 12]].concat())));
        assert_eq!((packet.protocol, ports(&packet)), (protocol, (0, 0)));
    }
}

#[test]
fn endless_extension_headers_end() {
    let chain = [60, 0, 1, 4, 0, 0, 0, 0].repeat(40);
    assert_eq!(outcome(&eth(0x86dd, &ip6(60, &chain))), Outcome::Skip(SkipReason::TooDeep));
}

#[test]
fn icmp_type_and_code_stand_in_for_ports_and_its_quote_does_not_count() {
    let quote = ip4(6, &tcp(1, 2, 0, b""));
    let packet = packet(&eth(0x0800, &ip4(1, &[&[3, 13, 0, 0, 0, 0, 0, 0][..], &quote].concat())));
    assert_eq!((packet.protocol, ports(&packet), packet.payload_len), (1, (3, 13), 40));
}

#[test]
fn sctp_has_ports_and_other_protocols_have_none() {
    assert_eq!(ports(&packet(&eth(0x0800, &ip4(132, &[0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1])))), (7, 8));
    let ospf = packet(&eth(0x0800, &ip4(89, &[2, 1, 0, 44])));
    assert_eq!((ospf.protocol, ports(&ospf), ospf.payload_len), (89, (0, 0), 4));
}

#[test]
fn tags_are_crossed_and_the_outer_two_kept() {
    let ip = ip4(17, &udp(5, 6, b""));
    let qinq = packet(&tagged(&[(0x88a8, 0x6007), (0x8100, 8), (0x8100, 9)], 0x0800, &ip));
    assert_eq!((qinq.vlan.map(|id| id.get()), qinq.inner_vlan.map(|id| id.get()), ports(&qinq)), (Some(7), Some(8), (5, 6)));
    // HSR: four bytes, then the ethertype.
    let hsr = packet(&eth(0x892f, &[&[0, 60, 0, 1, 8, 0][..], &ip].concat()));
    assert_eq!((hsr.vlan, ports(&hsr)), (None, (5, 6)));
    let vn_tag = packet(&eth(0x8926, &[&[0, 1, 0, 2, 0x81, 0, 0, 7, 8, 0][..], &ip].concat()));
    assert_eq!((vn_tag.vlan.map(|id| id.get()), ports(&vn_tag)), (Some(7), (5, 6)));
    let e_tag = packet(&eth(0x893f, &[&[0, 0, 0, 1, 0, 0, 8, 0][..], &ip].concat()));
    assert_eq!(ports(&e_tag), (5, 6));
    let tags = vec![(0x8100, 1); 100];
    assert_eq!(outcome(&tagged(&tags, 0x0800, &ip)), Outcome::Skip(SkipReason::TooDeep));
}

#[test]
fn an_ethertype_below_0x0600_is_a_length() {
    let ip = ip4(17, &udp(5, 6, b"x"));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat();
    assert_eq!(ports(&packet(&eth(u16::try_from(snap.len()).unwrap(), &snap))), (5, 6));
    let Outcome::NonIp { ethertype, .. } = outcome(&eth(39, &[[0x42, 0x42, 3].to_vec(), vec![0; 36]].concat())) else { panic!() };
    assert_eq!(ethertype, 39, "spanning tree");
}

#[test]
fn arp_is_read_and_other_frames_are_named_by_ethertype() {
    let Outcome::Arp(arp) = outcome(&eth(0x0806, &ARP_REQUEST)) else { panic!() };
    assert_eq!((arp.request, arp.sender_ip, arp.target_ip), (true, IP4_A, IP4_B));
    assert_eq!(outcome(&eth(0x0806, &ARP_REQUEST[..20])), Outcome::Skip(SkipReason::Truncated));
    for ethertype in [0x88cc, 0x88e5, 0x8892] {
        assert!(matches!(outcome(&eth(ethertype, &[0; 40])), Outcome::NonIp { ethertype: named, .. } if named == ethertype));
    }
}

#[test]
fn checksums_are_verified_only_when_asked_and_whole() {
    let verify = Options { verify_checksums: true, ..Options::default() };
    let mut bytes = udp_with_right_sums();
    assert!(matches!(decode(LinkType::Ethernet, &bytes, 0, verify), Outcome::Packet(_)));
    assert!(matches!(decode(LinkType::Ethernet, &bytes[..44], 46, verify), Outcome::Packet(_)), "cut: cannot know");
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(decode(LinkType::Ethernet, &bytes, 0, verify), Outcome::Skip(SkipReason::BadChecksum));
    assert!(matches!(outcome(&bytes), Outcome::Packet(_)), "not asked");
    bytes[40..42].copy_from_slice(&[0, 0]);
    assert!(matches!(decode(LinkType::Ethernet, &bytes, 0, verify), Outcome::Packet(_)), "zero is no checksum");
    bytes[22] ^= 1;
    assert_eq!(decode(LinkType::Ethernet, &bytes, 0, verify), Outcome::Skip(SkipReason::BadChecksum), "IPv4 header");
}

#[test]
fn every_link_type_leads_to_the_packet() {
    let ip = ip4(17, &udp(5, 6, b"x"));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat();
    let wlan = [&[0x08, 0x01][..], &[0; 22], &snap].concat();
    let qos = [&[0x88, 0x01][..], &[0; 24], &snap].concat();
    let cases: [(u32, Vec<u8>); 46] = [
        (101, ip.clone()),
        (0, [&[2, 0, 0, 0][..], &ip].concat()),
        (0, [&[0, 0, 0, 2][..], &ip].concat()),
        (108, [&[0, 0, 0, 2][..], &ip].concat()),
        (113, [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0][..], &ip].concat()),
        (276, [&[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0][..], &ip].concat()),
        (9, [&[0xff, 0x03, 0x00, 0x21][..], &ip].concat()),
        (9, [&[0x21][..], &ip].concat()),
        (51, [&[0x11, 0, 0, 1, 0, 31, 0x00, 0x21][..], &ip].concat()),
        (104, [&[0x0f, 0, 8, 0][..], &ip].concat()),
        (105, wlan.clone()),
        (105, qos),
        // Radiotap with a timestamp, flags that announce a checksum, and the checksum.
        (127, [&[0, 0, 17, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10][..], &wlan, &[1, 2, 3, 4]].concat()),
        (192, [&[0, 0, 8, 0, 105, 0, 0, 0][..], &wlan].concat()),
        (109, [&[2, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0][..], &ip].concat()),
        (117, [&[61, 2][..], &[0; 62], &ip].concat()),
        (119, [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136], &wlan].concat()),
        (119, [&[0, 0, 0, 0x44, 0, 0, 0, 144][..], &[0; 136], &wlan].concat()),
        (163, [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &wlan].concat()),
        (129, [&[0xbe, 0x50, 0xab, 8, 0xf0][..], &ip].concat()),
        (129, [&[0xbe, 0x50, 0xab, 8, 0xd4, 0, 0, 1][..], &ip].concat()),
        (242, [&[0; 40][..], &[8, 0, 0, 0], &ip].concat()),
        (281, [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x2c, 0, 0, 0x80, 8, 0][..], &ip].concat()),
        (282, [&[0x2c, 0, 0, 0x80][..], &eth(0x0800, &ip)].concat()),
        (284, [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0xc0, 0x0a, 0, 0, 8, 0][..], &ip].concat()),
        (285, [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0xda, 0xda, 0, 0, 0xc0, 0x0a, 0, 0, 8, 0][..], &ip].concat()),
        // LLC behind a switch's tag.
        (284, [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0xc0, 0x0a, 0, 0, 0, 37][..], &snap].concat()),
        // An ethertype in the place of the address family.
        (0, [&[0x0f, 0, 8, 0][..], &ip].concat()),
        (10, [&[0x50][..], &[2; 12], &snap].concat()),
        (6, [&[0x10, 0x40][..], &[2; 12], &snap].concat()),
        // With a source route of six bytes.
        (6, [&[0x10, 0x40][..], &[2; 6], &[0x82, 2, 2, 2, 2, 2], &[6, 0x30, 1, 2, 3, 4], &snap].concat()),
        (122, [&[0; 16][..], &snap].concat()),
        (100, snap.clone()),
        (106, snap.clone()),
        (106, ip.clone()),
        (123, [&[0x82, 0, 0, 5][..], &snap].concat()),
        (123, [&[0x01, 0, 0, 5, 0, 9][..], &eth(0x0800, &ip)].concat()),
        (107, [&[0x18, 0x41, 0x03, 0xcc][..], &ip].concat()),
        (107, [&[0x18, 0x40, 0x00, 0x41, 0x03, 0x00, 0x80, 0, 0, 0, 8, 0][..], &ip].concat()),
        (107, [&[0x18, 0x41, 0x03, 0x80, 0, 0x80, 0xc2, 0, 7][..], &eth(0x0800, &ip)].concat()),
        (107, [&[0x18, 0x41, 8, 0][..], &ip].concat()),
        (206, [&[1, 0x18, 0x41, 0x03, 0xcc][..], &ip].concat()),
        (204, [&[1, 0xff, 0x03, 0x00, 0x21][..], &ip].concat()),
        (166, [&[1, 0x03, 0x00, 0x21][..], &ip].concat()),
        (240, [&[0, 0, 0, 0][..], &eth(0x0800, &ip), &[1, 2, 3, 4]].concat()),
        (241, [&[0, 0, 0, 0, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5][..], &eth(0x0800, &ip)].concat()),
    ];
    for (number, bytes) in cases {
        let link = LinkType::from_number(number).expect("known");
        let Outcome::Packet(packet) = decode(link, &bytes, 0, Options::default()) else { panic!("{number}") };
        assert_eq!((ports(&packet), packet.payload(&bytes)), ((5, 6), &b"x"[..]), "{number}");
    }
    assert_eq!(LinkType::from_number(147), None);
}

#[test]
fn what_the_capture_put_before_a_frame_was_not_on_the_wire() {
    let ip = ip4(17, &udp(5, 6, b"x"));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &ip].concat();
    let framed = [&[0x0f, 0, 8, 0][..], &ip].concat();
    for (number, header, frame) in [(205, &[1][..], &framed), (123, &[2, 0, 0, 5], &snap)] {
        let bytes = [header, frame].concat();
        let link = LinkType::from_number(number).expect("known");
        let Outcome::Packet(packet) = decode(link, &bytes, 0, Options::default()) else { panic!("{number}") };
        assert_eq!((ports(&packet), packet.wire_len as usize), ((5, 6), frame.len()), "{number}");
    }
}

#[test]
fn the_vlan_that_a_switch_tag_replaced_is_kept() {
    let ip = ip4(17, &udp(5, 6, b"x"));
    let dsa = LinkType::from_number(284).expect("known");
    for (modes, vlan) in [(0xe0, Some(0x123)), (0xc0, None)] {
        let bytes = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, modes, 0x0a, 0x61, 0x23, 8, 0][..], &ip].concat();
        let Outcome::Packet(packet) = decode(dsa, &bytes, 0, Options::default()) else { panic!("{modes}") };
        assert_eq!((packet.vlan.map(|id| id.get()), packet.source_mac.to_string().as_str()), (vlan, "02:00:00:00:00:02"));
    }
}

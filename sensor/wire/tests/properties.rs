//! What must hold for any bytes: no panic, one outcome, views inside the frame; the short way equals the long way; etherparse agrees.
#![expect(clippy::unwrap_used, reason = "a test stops where its material is not as described")]

use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};
use proptest::prelude::*;
use sensor_wire::{Family, Fragment, LinkType, Options, Outcome, addresses_of_ordinary, decode};

const LINKS: [u32; 26] =
    [0, 1, 8, 9, 12, 50, 51, 101, 104, 105, 109, 113, 117, 119, 127, 129, 163, 192, 239, 242, 258, 276, 281, 282, 284, 285];
/// Ethertypes, protocols and ports that lead somewhere: random numbers seldom do.
const ETHERTYPES: [u16; 18] = [
    0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8847, 0x8848, 0x8864, 0x88e7, 0x88e5, 0x894f, 0x892f, 0xf1c1, 0x88be, 0x22eb,
    0x0020, 0x6558, 0x8909,
];
const PROTOCOLS: [u8; 20] = [0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 97, 115, 132, 135, 137];
const PORTS: [u16; 14] = [53, 80, 1701, 2152, 3386, 3544, 4789, 4790, 5247, 6081, 6635, 8472, 9, 65535];

fn options() -> impl Strategy<Value = Options> {
    (any::<bool>(), any::<bool>()).prop_map(|(decap, verify_checksums)| Options { decap, verify_checksums })
}

/// Random bytes behind headers that lead deep, some of them damaged.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let ethertype = prop::sample::select(ETHERTYPES.to_vec());
    let protocol = prop::sample::select(PROTOCOLS.to_vec());
    let port = prop::sample::select(PORTS.to_vec());
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        prop::collection::vec(prop::sample::select(vec![0_u8, 1, 4, 6, 8, 0x11, 0x40, 0x45, 0x60, 0xff, 0x30, 47, 41]), 0..160),
    ];
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (ethertype, protocol, port, body, damage, any::<bool>(), 0..200_usize).prop_map(
        |(ethertype, protocol, port, body, damage, v6, cut)| {
            let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
            bytes.extend_from_slice(&ethertype.to_be_bytes());
            let len = u16::try_from(body.len()).unwrap() + 8;
            match (ethertype, v6) {
                (0x0800, _) => {
                    bytes.extend_from_slice(&[0x45, 0]);
                    bytes.extend_from_slice(&(len + 20).to_be_bytes());
                    bytes.extend_from_slice(&[0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
                }
                (0x86dd, _) => {
                    bytes.extend_from_slice(&[0x60, 0, 0, 0]);
                    bytes.extend_from_slice(&len.to_be_bytes());
                    bytes.extend_from_slice(&[protocol, 64]);
                    bytes.extend_from_slice(&[0x20; 32]);
                }
                _ => {}
            }
            bytes.extend_from_slice(&port.to_be_bytes());
            bytes.extend_from_slice(&port.to_be_bytes());
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(&[0, 0]);
            bytes.extend_from_slice(&body);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(bytes.len().saturating_sub(cut.saturating_sub(120)));
            bytes
        },
    )
}

fn assert_inside(outcome: &Outcome, frame: &[u8]) {
    if let Outcome::Packet(packet) | Outcome::Fragment(packet) = outcome {
        assert!(packet.payload_offset as usize + packet.payload_captured as usize <= frame.len(), "{packet:?}");
        assert!(packet.payload_captured <= packet.payload_len, "{packet:?}");
        assert_eq!(packet.payload(frame).len(), packet.payload_captured as usize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_ordinary_frame_is_a_whole_packet_between_the_addresses_read_first_or_none(frame in frame(), options in options()) {
        if let Some((source, destination)) = addresses_of_ordinary(LinkType::Ethernet, &frame) {
            match decode(LinkType::Ethernet, &frame, frame.len() as u32, options) {
                Outcome::Packet(packet) => {
                    prop_assert_eq!((packet.source, packet.destination, packet.fragment), (source, destination, Fragment::Whole));
                }
                Outcome::Skip(_) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn any_bytes_end_in_an_outcome_inside_the_frame(bytes in prop::collection::vec(any::<u8>(), 0..200), options in options()) {
        for link in LINKS {
            let link = LinkType::from_number(link).unwrap();
            assert_inside(&decode(link, &bytes, 0, options), &bytes);
        }
    }

    #[test]
    fn deep_and_damaged_frames_end_in_an_outcome_inside_the_frame(bytes in frame(), options in options(), wire_len in 0..300_u32) {
        assert_inside(&decode(LinkType::Ethernet, &bytes, wire_len, options), &bytes);
        let ip = bytes.get(14..).unwrap_or_default();
        for link in LINKS {
            assert_inside(&decode(LinkType::from_number(link).unwrap(), ip, wire_len, options), ip);
        }
    }

    #[test]
    fn the_short_way_equals_the_long_way(bytes in frame(), decap in any::<bool>(), more in 0..50_u32) {
        let options = Options { decap, verify_checksums: false };
        let wire_len = u32::try_from(bytes.len()).unwrap() + more;
        // A PPI header sends the same Ethernet frame the long way.
        let mut wrapped = vec![0, 0, 8, 0, 1, 0, 0, 0];
        wrapped.extend_from_slice(&bytes);
        let short = decode(LinkType::Ethernet, &bytes, wire_len, options);
        let long = match decode(LinkType::Ppi, &wrapped, wire_len + 8, options) {
            Outcome::Packet(mut packet) => {
                packet.wire_len -= 8;
                packet.payload_offset -= 8;
                Outcome::Packet(packet)
            }
            Outcome::Fragment(mut packet) => {
                packet.wire_len -= 8;
                packet.payload_offset -= 8;
                Outcome::Fragment(packet)
            }
            other => other,
        };
        prop_assert_eq!(short, long);
    }

    #[test]
    fn etherparse_agrees_on_plain_frames(
        v6 in any::<bool>(), tcp in any::<bool>(), vlan in prop::option::of(0..4096_u16), ports in (1..1000_u16, 20000..60000_u16),
        payload in prop::collection::vec(any::<u8>(), 0..100), pad in 0..20_usize,
    ) {
        let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let ip = match (vlan, v6) {
            (None, false) => ethernet.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64),
            (None, true) => ethernet.ipv6([1; 16], [2; 16], 64),
            (Some(id), false) => ethernet.single_vlan(id.try_into().unwrap()).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64),
            (Some(id), true) => ethernet.single_vlan(id.try_into().unwrap()).ipv6([1; 16], [2; 16], 64),
        };
        let mut bytes = Vec::new();
        if tcp {
            ip.tcp(ports.0, ports.1, 7, 1000).ack(9).write(&mut bytes, &payload).unwrap();
        } else {
            ip.udp(ports.0, ports.1).write(&mut bytes, &payload).unwrap();
        }
        let theirs = SlicedPacket::from_ethernet(&bytes).unwrap();
        let (their_ports, their_payload) = match &theirs.transport {
            Some(TransportSlice::Tcp(tcp)) => ((tcp.source_port(), tcp.destination_port()), tcp.payload()),
            Some(TransportSlice::Udp(udp)) => ((udp.source_port(), udp.destination_port()), udp.payload()),
            other => panic!("{other:?}"),
        };
        let padded = [bytes.clone(), vec![0xaa; pad]].concat();
        // Checksums are verified too: etherparse wrote right ones.
        let ours = decode(LinkType::Ethernet, &padded, 0, Options { decap: true, verify_checksums: true });
        let Outcome::Packet(packet) = ours else { panic!("{ours:?}") };
        prop_assert_eq!((packet.source_port, packet.destination_port), their_ports);
        prop_assert_eq!(packet.payload(&padded), their_payload);
        prop_assert_eq!(packet.vlan.map(|id| id.get()), vlan);
        prop_assert_eq!(packet.family == Family::V6, v6);
        prop_assert_eq!(packet.tcp.map(|tcp| (tcp.sequence, tcp.acknowledgment, tcp.window)), tcp.then_some((7, 9, 1000)));
        prop_assert_eq!(packet.wire_len as usize, padded.len());

        // One damaged payload byte is found; UDP and TCP sums cannot miss a single one.
        if let Some(last) = their_payload.len().checked_sub(1) {
            let mut damaged = bytes.clone();
            let at = packet.payload_offset as usize + last;
            damaged[at] ^= 0x10;
            let verdict = decode(LinkType::Ethernet, &damaged, 0, Options { decap: true, verify_checksums: true });
            prop_assert_eq!(verdict, Outcome::Skip(sensor_wire::SkipReason::BadChecksum));
        }
    }
}

//! Any frame of any link type, cut anywhere: one outcome, no panic, the payload inside the frame; the same into a packet that was used
//! before; and the short way for Ethernet says what the long way does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sensor_wire::{Found, LinkType, Options, Outcome, Packet, decode, decode_into};

/// Behind 0 and 1 Ethernet comes more often: most of the code is there.
const LINKS: [u32; 28] = [
    1, 1, 0, 1, 8, 9, 12, 50, 51, 101, 104, 105, 113, 127, 192, 239, 258, 276, 109, 117, 119, 129, 163, 242, 281, 282, 284, 285,
];
/// A PPI header around Ethernet: the same frame, the long way.
const WRAPPER: [u8; 8] = [0, 0, 8, 0, 1, 0, 0, 0];

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, extra], frame)) = bytes.split_first_chunk::<2>() else { return };
    let options = Options { decap: choice & 1 == 0, verify_checksums: choice & 2 != 0 };
    let number = LINKS[usize::from(choice >> 2) % LINKS.len()];
    let link = LinkType::from_number(number).expect("listed");
    let wire_len = u32::try_from(frame.len()).expect("short").saturating_add(u32::from(extra));

    let outcome = decode(link, frame, wire_len, options);
    if let Outcome::Packet(packet) | Outcome::Fragment(packet) = &outcome {
        assert_eq!(packet.payload(frame).len(), packet.payload_captured as usize);
        assert!(packet.payload_captured <= packet.payload_len);
        assert_eq!(matches!(packet.fragment, sensor_wire::Fragment::Whole), packet.fragment_id == 0);
    }

    let mut used = Packet::EMPTY;
    let _ = decode_into(LinkType::Ethernet, &USED, 200, Options::default(), &mut used);
    assert_eq!(outcome, as_outcome(decode_into(link, frame, wire_len, options, &mut used), &used));

    if number == 1 {
        let wrapped = [&WRAPPER[..], frame].concat();
        let mut long = used;
        let found = decode_into(LinkType::Ppi, &wrapped, wire_len + 8, options, &mut long);
        if matches!(found, Found::Packet | Found::Fragment) {
            long.wire_len -= 8;
            long.payload_offset -= 8;
        }
        assert_eq!(outcome, as_outcome(found, &long));
    }
});

/// A TCP segment in IPv6 in two VLANs: it leaves something in every field.
const USED: [u8; 82] = {
    let mut bytes = [7; 82];
    (bytes[12], bytes[13], bytes[16], bytes[17], bytes[20], bytes[21]) = (0x81, 0, 0x81, 0, 0x86, 0xdd);
    (bytes[22], bytes[26], bytes[27], bytes[28], bytes[74]) = (0x60, 0, 20, 6, 0x50);
    bytes
};

fn as_outcome(found: Found, packet: &Packet) -> Outcome {
    match found {
        Found::Packet => Outcome::Packet(*packet),
        Found::Fragment => Outcome::Fragment(*packet),
        Found::Arp(arp) => Outcome::Arp(arp),
        Found::NonIp { ethertype } => {
            Outcome::NonIp { source: packet.source_mac, destination: packet.destination_mac, ethertype }
        }
        Found::Skip(reason) => Outcome::Skip(reason),
    }
}

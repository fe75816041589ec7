//! Any frame of any link type, cut anywhere: one outcome, no panic, and the payload inside the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sensor_wire::{LinkType, Options, Outcome, decode};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, extra], frame)) = bytes.split_first_chunk::<2>() else { return };
    let options = Options { decap: choice & 1 == 0, verify_checksums: choice & 2 != 0 };
    let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX).saturating_add(u32::from(extra));
    if let Outcome::Packet(packet) = decode(LinkType::Ethernet, frame, wire_len, options) {
        assert!(packet.payload(frame).len() <= frame.len());
    }
});

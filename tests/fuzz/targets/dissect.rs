//! Any payload, in any pieces, from either side: no panic, no facts without end.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use sensor_dissect::{Session, SessionKey};
use sensor_model::{Direction, IpProtocol, MacAddr, Timestamp};

const PORTS: [u16; 6] = [53, 67, 443, 502, 5353, 8443];

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, port], mut rest)) = bytes.split_first_chunk::<2>() else { return };
    let is_tcp = choice & 1 == 0;
    let key = SessionKey {
        protocol: if is_tcp { IpProtocol::Tcp } else { IpProtocol::Udp },
        originator: IpAddr::from([10, 0, 0, 1]),
        originator_port: 40_000,
        responder: IpAddr::from([10, 0, 0, 2]),
        responder_port: PORTS[usize::from(port) % PORTS.len()],
        originator_mac: MacAddr([2, 0, 0, 0, 0, 1]),
    };
    let mut session = Session::new(&key);
    let mut findings = Vec::new();
    let mut offsets = [0u32; 2];
    while let Some((&[head, len], tail)) = rest.split_first_chunk::<2>() {
        let (payload, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        let (direction, at) = if head & 1 == 0 { (Direction::ToResponder, 0) } else { (Direction::ToOriginator, 1) };
        // Now and then a hole or a repetition.
        let skip = match head >> 5 {
            0 => 7u32,
            1 => 7u32.wrapping_neg(),
            _ => 0,
        };
        offsets[at] = offsets[at].wrapping_add(skip);
        let offset = if is_tcp { offsets[at] } else { 0 };
        session.feed(&key, direction, offset, payload, Timestamp::from_nanos(1), &mut findings);
        offsets[at] = offsets[at].wrapping_add(u32::from(len));
        assert!(findings.len() < 10_000);
    }
});

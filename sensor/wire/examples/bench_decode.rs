//! Prints nanoseconds of processor time a packet for `decode` on cache-warm frames, for the cases whose name holds the argument.
//! Run: `cargo run --release -p sensor-wire --example bench_decode [CASE]`.

use std::hint::black_box;

use sensor_wire::{Found, LinkType, Options, Packet, decode_into};

const ROUNDS: u32 = 5;
const PACKETS: u32 = 4_000_000;
/// Different frames in turn, so that no branch is learnt from one of them.
const FRAMES: u32 = 256;

struct Case {
    name: &'static str,
    build: fn(u32) -> Vec<u8>,
}

const fn case(name: &'static str, build: fn(u32) -> Vec<u8>) -> Case {
    Case { name, build }
}

const CASES: &[Case] = &[
    case("tcp4", |n| ethernet(&[], &ipv4(6, 0, &transport(6, n)))),
    case("udp4", |n| ethernet(&[], &ipv4(17, 0, &transport(17, n)))),
    case("tcp4 in vlan", |n| ethernet(&[0x81, 0, 0, 7], &ipv4(6, 0, &transport(6, n)))),
    case("tcp4 in qinq", |n| ethernet(&QINQ, &ipv4(6, 0, &transport(6, n)))),
    case("tcp4 and udp4 mixed", |n| ethernet(&[], &ipv4(mixed(n), 0, &transport(mixed(n), n)))),
    case("tcp6", |n| ethernet(&[], &ipv6(6, &transport(6, n)))),
    case("udp6 in qinq", |n| ethernet(&QINQ, &ipv6(17, &transport(17, n)))),
    case("udp6 after hop-by-hop", |n| ethernet(&[], &ipv6(0, &[&[17, 0, 1, 4, 0, 0, 0, 0][..], &transport(17, n)].concat()))),
    case("icmp4", |n| ethernet(&[], &ipv4(1, 0, &[&[8, 0, 0, 0][..], &n.to_be_bytes()].concat()))),
    case("icmp6", |n| ethernet(&[], &ipv6(58, &[&[128, 0, 0, 0][..], &n.to_be_bytes()].concat()))),
    case("first fragment", |n| ethernet(&[], &ipv4(17, 0x2000, &transport(17, n)))),
    case("later fragment", |n| ethernet(&[], &ipv4(17, 0x00b9, &transport(17, n)))),
    case("arp", |_| [&[0xff; 6][..], &[2, 0, 0, 0, 0, 2, 8, 6], &ARP].concat()),
    case("other protocol", |n| ethernet(&[], &ipv4(89, 0, &transport(17, n)))),
    case("vxlan", |n| {
        let inside = ethernet(&[], &ipv4(6, 0, &transport(6, n)));
        ethernet(&[], &ipv4(17, 0, &udp(n, 4789, &[&[8, 0, 0, 0, 0, 0, 7, 0][..], &inside].concat())))
    }),
    case("gtp-u", |n| {
        let inside = ipv4(6, 0, &transport(6, n));
        ethernet(&[], &ipv4(17, 0, &udp(n, 2152, &[&[0x30, 0xff, 0, 46, 0, 0, 0, 7][..], &inside].concat())))
    }),
    case("gre", |n| ethernet(&[], &ipv4(47, 0, &[&[0, 0, 8, 0][..], &ipv4(6, 0, &transport(6, n))].concat()))),
    case("erspan", |n| {
        let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 0x65, 0, 0, 0, 3];
        ethernet(&[], &ipv4(47, 0, &[&header[..], &ethernet(&[], &ipv4(6, 0, &transport(6, n)))].concat()))
    }),
    case("mpls", |n| [&ETHERNET[..], &[0x88, 0x47, 0, 2, 1, 64], &ipv4(6, 0, &transport(6, n))].concat()),
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for case in CASES.iter().filter(|case| case.name.contains(&wanted)) {
        println!("{}: {:.1} ns a packet", case.name, measured(case.build, Options::default()));
    }
    if let Some(case) = CASES.first() {
        let verified = Options { verify_checksums: true, ..Options::default() };
        println!("{} with checksums: {:.1} ns a packet", case.name, measured(case.build, verified));
    }
}

/// The best of some rounds.
fn measured(build: fn(u32) -> Vec<u8>, options: Options) -> f64 {
    let frames: Vec<_> = (0..FRAMES).map(build).collect();
    let (mut best, mut packet) = (u64::MAX, Packet::EMPTY);
    for _ in 0..ROUNDS {
        let start = processor_time();
        let mut sum = 0_u64;
        for frame in frames.iter().cycle().take(PACKETS as usize) {
            let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            let found = decode_into(LinkType::Ethernet, black_box(frame), wire_len, options, black_box(&mut packet));
            if let Found::Packet | Found::Fragment = found {
                sum = sum.wrapping_add(u64::from(packet.source_port));
            }
        }
        black_box(sum);
        best = best.min(processor_time().saturating_sub(start));
    }
    best as f64 / f64::from(PACKETS)
}

/// Nanoseconds this thread spent on a processor, so that other load does not count (proc_pid_schedstat).
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

const ETHERNET: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
const QINQ: [u8; 8] = [0x88, 0xa8, 0, 7, 0x81, 0, 0, 8];
const ARP: [u8; 46] = {
    let mut bytes = [0; 46];
    (bytes[1], bytes[2], bytes[4], bytes[5], bytes[7]) = (1, 8, 6, 4, 1);
    bytes
};

fn ethernet(tags: &[u8], ip: &[u8]) -> Vec<u8> {
    let ethertype: [u8; 2] = if ip[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    let mut frame = [&ETHERNET[..], tags, &ethertype, ip].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let (len, fragment) = (length(payload, 20), fragment.to_be_bytes());
    let header = [0x45, 0, len[0], len[1], 0, 9, fragment[0], fragment[1], 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&header[..], payload].concat()
}

fn ipv6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = length(payload, 0);
    [&[0x60, 0, 0, 0, len[0], len[1], protocol, 64][..], &[0x20; 32], payload].concat()
}

fn udp(n: u32, port: u16, payload: &[u8]) -> Vec<u8> {
    let (len, port) = (length(payload, 8), port.to_be_bytes());
    let [_, _, high, low] = n.wrapping_mul(0x9e37_79b9).to_be_bytes();
    [&[high, low, port[0], port[1], len[0], len[1], 0, 0][..], payload].concat()
}

fn length(payload: &[u8], header: u16) -> [u8; 2] {
    u16::try_from(payload.len()).unwrap_or(u16::MAX).saturating_add(header).to_be_bytes()
}

fn mixed(n: u32) -> u8 {
    if n.wrapping_mul(0x9e37_79b9) & 0x100 == 0 { 6 } else { 17 }
}

fn transport(protocol: u8, n: u32) -> [u8; 26] {
    let mut bytes = [0; 26];
    let [_, _, high, low] = n.wrapping_mul(0x9e37_79b9).to_be_bytes();
    bytes[..4].copy_from_slice(&[high, low, 0x01, 0xbb]);
    match protocol {
        6 => bytes[12..14].copy_from_slice(&[0x50, 0x10]),
        _ => bytes[5] = 26,
    }
    bytes
}

//! Other people's captures against other people's tools: per flow packets and bytes must equal the truth files, at the innermost and at
//! the outermost transport.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its material is not as described")]

mod shared;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use sensor_wire::{LinkType, Options, Outcome, Packet, decode};
use serde_json::Value;

/// Protocol, lower endpoint, higher endpoint -> packets and bytes from the lower, then from the higher.
type Flows = BTreeMap<(String, (IpAddr, u16), (IpAddr, u16)), [u64; 4]>;

/// The truth itself is no use for these (`captures/README.md`).
const NOT_ASKED: [&str; 4] =
    ["nDPI__fuzz-2006-09-29-28586", "nDPI__ip_fragmented_garbage", "zeek__truncated-header", "suriverify__decode-too-small"];

/// Where we differ, and why that is meant, with the bytes that make the difference.
const EXPLAINED: [(&str, &str); 6] = [
    // Frame 4: UDP to port 6343 (`04 03 18 c7`), an sFlow datagram (`00 00 00 05`) whose flow sample (`00 00 00 01`) quotes the first 78
    // bytes of an Ethernet frame (`00 1c 23 9f 15 0b 00 19 b9 dd b2 64 81 00`). The quoted frame was not on this wire.
    ("discovery/nDPI__sflow.pcap", "tshark counts the flow that sFlow quotes instead of the UDP packet that was there"),
    // Blocks of type `00 00 0b ad` and `40 00 0b ad` at 0xd8 and 0x9a4 are custom blocks (draft-ietf-opsawg-pcapng 4.8), not packets.
    ("linktypes/gopacket__be-test202.pcapng", "8 packets; tshark counts three custom blocks as packets as well"),
    // The second section says version 2.0 (`00 02 00 00` behind `1a 2b 3c 4d`), which nobody has defined.
    ("linktypes/gopacket__be-test901.pcapng", "tshark cannot read it"),
    // File header `c3 00 00 00`: 802.15.4 with its checksum; the IPv6 in it is compressed and in pieces (6LoWPAN).
    ("linktypes/tcpdump__802_15_4-data.pcap", "link type 195 is refused by name"),
    // Interface description `0f 01`: virtual sockets, which have no IP.
    ("linktypes/tcpdump__vsock-1.pcapng", "link type 271 is refused by name"),
    // Record header `30 00 00 00 30 fe fd f3`: 48 bytes stored of 0xf3fdfe30 on the wire.
    ("malformed/nDPI__fuzz-2021-06-07-c6c72a0a56.pcap", "the record says 4093509168 bytes, tshark clamps it to 2147483647"),
];

#[test]
fn given_the_captures_when_decoded_then_flows_equal_the_truth() {
    let Some(folder) = shared::folder() else { return };
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for category in sorted(&folder).iter().filter(|path| path.is_dir() && !path.ends_with("truth")) {
        for file in sorted(category) {
            let name = format!("{}/{}", category.file_name().unwrap().display(), file.file_name().unwrap().display());
            let truth = folder.join("truth").join(format!("{name}.json"));
            if NOT_ASKED.iter().any(|skipped| name.contains(skipped)) || !truth.is_file() {
                continue;
            }
            let truth: Value = serde_json::from_slice(&std::fs::read(truth).unwrap()).unwrap();
            let entry = tally.entry(category.file_name().unwrap().display().to_string()).or_default();
            match compare(&file, &truth) {
                Ok(()) => entry.0 += 1,
                Err(difference) => {
                    entry.1 += 1;
                    wrong.push(format!("{name}: {difference}"));
                }
            }
        }
    }
    for (category, (right, wrong)) in &tally {
        println!("{category}: {right} of {} exact", right + wrong);
    }
    println!("{}", wrong.join("\n"));
    let unexplained: Vec<_> =
        wrong.iter().filter(|line| !EXPLAINED.iter().any(|(name, _)| line.starts_with(&format!("{name}:")))).collect();
    let (right, all) = tally.values().fold((0, 0), |(right, all), (r, w)| (right + r, all + r + w));
    println!("{right} of {all} files exact");
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

fn compare(file: &Path, truth: &Value) -> Result<(), String> {
    let frames = shared::frames(file);
    let expected = truth["tshark"]["packets"].as_u64().unwrap_or(0);
    if expected == 0 {
        return Ok(());
    }
    if let Some(frame) = frames.iter().find(|frame| LinkType::from_number(frame.link).is_none()) {
        return Err(format!("link type {} refused", frame.link));
    }
    if frames.len() as u64 != expected {
        return Err(format!("{} frames read, {expected} in the truth", frames.len()));
    }
    let outer = flows_of(&truth["flows_outer"]);
    let inner = if truth["flows_inner"].is_string() { outer.clone() } else { flows_of(&truth["flows_inner"]) };
    differ(&inner, &counted(&frames, true)).map_or(Ok(()), |difference| Err(format!("inner: {difference}")))?;
    differ(&outer, &counted(&frames, false)).map_or(Ok(()), |difference| Err(format!("outer: {difference}")))
}

fn counted(frames: &[shared::Frame], decap: bool) -> Flows {
    let mut flows = Flows::new();
    for frame in frames {
        let Some(link) = LinkType::from_number(frame.link) else { continue };
        let options = Options { decap, ..Options::default() };
        if let Outcome::Packet(packet) = decode(link, &frame.bytes, frame.wire_len, options) {
            add(&mut flows, &packet);
        }
    }
    flows
}

fn add(flows: &mut Flows, packet: &Packet) {
    let (name, ports) = match packet.protocol {
        6 => ("tcp", true),
        17 => ("udp", true),
        132 => ("sctp", true),
        1 => ("icmp", false),
        58 => ("icmpv6", false),
        _ => return,
    };
    let port = |port| if ports { port } else { 0 };
    let source = (packet.source_address(), port(packet.source_port));
    let destination = (packet.destination_address(), port(packet.destination_port));
    let entry = flows.entry((name.into(), source.min(destination), source.max(destination))).or_default();
    let at = if source <= destination { 0 } else { 2 };
    entry[at] += 1;
    entry[at + 1] += u64::from(packet.wire_len);
}

fn flows_of(truth: &Value) -> Flows {
    let mut flows = Flows::new();
    for flow in truth.as_array().unwrap() {
        let (a, b) = (endpoint(&flow["a"]), endpoint(&flow["b"]));
        let n = |name: &str| flow[name].as_u64().unwrap();
        let mut counts = [n("pkts_a2b"), n("bytes_a2b"), n("pkts_b2a"), n("bytes_b2a")];
        if a > b {
            counts.rotate_left(2);
        } else if a == b {
            // One endpoint that talks to itself: direction means nothing.
            counts = [counts[0] + counts[2], counts[1] + counts[3], 0, 0];
        }
        let entry = flows.entry((flow["proto"].as_str().unwrap().into(), a.min(b), a.max(b))).or_default();
        for (sum, count) in entry.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    flows
}

fn endpoint(text: &Value) -> (IpAddr, u16) {
    let (host, port) = text.as_str().unwrap().rsplit_once(':').unwrap();
    (host.trim_matches(['[', ']']).parse().unwrap(), port.parse().unwrap())
}

fn differ(want: &Flows, got: &Flows) -> Option<String> {
    let keys: std::collections::BTreeSet<_> = want.keys().chain(got.keys()).collect();
    let differing: Vec<_> = keys.into_iter().filter(|key| want.get(*key) != got.get(*key)).collect();
    let key = differing.first()?;
    Some(format!("{} flows, {} differ, {key:?} want {:?} got {:?}", want.len(), differing.len(), want.get(*key), got.get(*key)))
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

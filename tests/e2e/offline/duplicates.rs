//! Mirrors that copy too much: every copy must go, and no packet that a host really sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use harness::capture::CaptureWriter;
use harness::generate::{Mirrored, Random, Sighting};
use harness::scratch::Scratch;
use harness::sensor::replay;
use sensor_flow::{DuplicateConfig, Duplicates, Verdict};
use sensor_model::{Change, MacAddr, Timestamp, VlanId};
use sensor_wire::{LinkType, Options, Outcome, decode};
use serde_json::Value;

/// Sums over all captures.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    packets: u64,
    copies: u64,
    removed: u64,
    /// Real packets that did not pass, of each content.
    lost: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.copies += other.copies;
        self.removed += other.removed;
        self.lost += other.lost;
    }

    fn removed_share(&self) -> f64 {
        self.removed as f64 / self.copies.max(1) as f64
    }
}

/// By set-up. Packets with equal bytes are one another's equals: of each content as many must pass as were sent.
fn judged(capture: &Mirrored, window: Duration, seed: u64) -> BTreeMap<&'static str, Tally> {
    let mut duplicates = Duplicates::new(DuplicateConfig { window, contents: 1 << 16 }, seed);
    let mut sent: BTreeMap<(usize, u32), BTreeMap<u32, ()>> = BTreeMap::new();
    let mut passed: BTreeMap<(usize, u32), u64> = BTreeMap::new();
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for sighting in &capture.sightings {
        let len = u32::try_from(sighting.frame.len()).unwrap();
        let packet = match decode(LinkType::Ethernet, &sighting.frame, len, Options::default()) {
            Outcome::Packet(packet) | Outcome::Fragment(packet) => Some(packet),
            _ => None,
        }
        .unwrap();
        let seen_at = Timestamp::from_nanos(i64::try_from(sighting.at_nanos).unwrap());
        let verdict = duplicates.judge(&packet, &sighting.frame, seen_at);
        let key = (sighting.mirror, sighting.content);
        let is_new = sent.entry(key).or_default().insert(sighting.packet, ()).is_none();
        let tally = tallies.entry(capture.names[sighting.mirror]).or_default();
        tally.packets += u64::from(is_new);
        tally.copies += u64::from(!is_new);
        match verdict {
            Verdict::Original => *passed.entry(key).or_default() += 1,
            Verdict::Copy(_) => tally.removed += 1,
        }
    }
    for (key, packets) in &sent {
        let lost = (packets.len() as u64).saturating_sub(passed.get(key).copied().unwrap_or(0));
        tallies.entry(capture.names[key.0]).or_default().lost += lost;
    }
    tallies
}

/// Adds up all set-ups of several captures.
fn sum(captures: impl Iterator<Item = (u64, Mirrored)>, window: Duration) -> Tally {
    let mut by_name: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for (seed, capture) in captures {
        for (name, tally) in judged(&capture, window, seed) {
            by_name.entry(name).or_default().add(tally);
        }
    }
    let mut all = Tally::default();
    for (name, tally) in &by_name {
        let share = 100.0 * tally.removed_share();
        eprintln!("{name:<28}{:>9} packets{:>9} copies{share:>9.3} % gone{:>4} lost", tally.packets, tally.copies, tally.lost);
        all.add(*tally);
    }
    eprintln!("all: {all:?}, {:.4} %", 100.0 * all.removed_share());
    all
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// `CORDON_SEEDS`, `CORDON_PACKETS` (from each pair of hosts) and `CORDON_WINDOW_US` for longer runs.
#[test]
fn no_packet_is_lost_and_copies_go() {
    let window = Duration::from_micros(number("CORDON_WINDOW_US", 1_000));
    let packets = number("CORDON_PACKETS", 6_000);

    let make = |seed| (seed, Mirrored::make(packets, usize::try_from(seed).unwrap(), &mut Random::new(seed)));
    let all = sum((0..number("CORDON_SEEDS", 1)).map(make), window);

    assert_eq!(all.lost, 0, "real packets lost");
    // What a path's mirrors are learned from passes, however long the capture is: 0.1 % of 30,000 packets, 0.5 % of 6,000.
    assert!(all.removed_share() >= if packets < 30_000 { 0.995 } else { 0.999 }, "{all:?}");
}

#[test]
fn unnumbered_datagrams_alone_prove_nothing_and_stay() {
    let capture = Mirrored::make_unnumbered(2_000, &mut Random::new(1));

    let all = sum(std::iter::once((1, capture)), Duration::from_millis(1));

    assert_eq!(all.lost, 0, "real packets lost");
}

/// A mirror that drops one frame in fifty. What can be lost then is one of two equal packets whose copies were both dropped.
#[test]
fn a_mirror_with_loss_is_told_from_retransmissions() {
    let mut random = Random::new(1);
    let mut capture = Mirrored::make(5_000, 0, &mut random);
    capture.sightings.retain(|_| random.below(50) > 0);

    let all = sum(std::iter::once((1, capture)), Duration::from_millis(1));

    assert!(all.lost * 1_000 <= all.packets, "{all:?}");
    assert!(all.removed_share() >= 0.97, "{all:?}");
}

fn write(path: &Path, sightings: &[&Sighting]) {
    let mut writer = CaptureWriter::create(path).unwrap();
    sightings.iter().for_each(|sighting| writer.write(sighting.at_nanos, &sighting.frame).unwrap());
    writer.finish().unwrap();
}

/// Packets of each pair of addresses and protocol in a `conn.log`.
fn packets(folder: &Path) -> BTreeMap<String, u64> {
    let mut packets = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join("conn.log")).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let mut ends = [record["id.orig_h"].to_string(), record["id.resp_h"].to_string()];
        ends.sort();
        let count = ["orig_pkts", "resp_pkts"].iter().map(|name| record[name].as_u64().unwrap_or(0)).sum::<u64>();
        *packets.entry(format!("{} {}", ends.join(" "), record["proto"])).or_default() += count;
    }
    packets
}

#[test]
fn a_replay_without_copies_counts_what_a_perfect_tap_would() {
    let capture = Mirrored::make(1_500, 0, &mut Random::new(3));
    let scratch = Scratch::create("duplicates").unwrap();
    let [mirrored, perfect] = ["mirrored.pcap", "perfect.pcap"].map(|name| scratch.file(name));
    write(&mirrored, &capture.sightings.iter().collect::<Vec<_>>());
    write(&perfect, &capture.without_copies());

    let expected = packets(&replay(&[&perfect], &scratch, "perfect", &[]).unwrap().folder);
    let found = replay(&[&mirrored], &scratch, "one", &["--dedup", "1ms", "--workers", "1"]).unwrap();

    // Every packet passes; of the copies the few from which a path's mirrors are learned.
    let counted = packets(&found.folder);
    assert_eq!(counted.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let lost: Vec<_> = expected.iter().filter(|(flow, count)| counted[*flow] < **count).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let (sent, passed) = (expected.values().sum::<u64>(), counted.values().sum::<u64>());
    assert!(passed - sent <= (capture.sightings.len() as u64 - sent) / 50, "{sent} sent, {passed} counted");

    let stats: Value = serde_json::from_str(&std::fs::read_to_string(found.folder.join("stats.json")).unwrap()).unwrap();
    let number = |name: &str| stats[name].as_u64().unwrap();
    let removed: u64 =
        ["same_hop", "routed", "other_vlan", "other_macs"].iter().map(|kind| stats["duplicates"][kind].as_u64().unwrap()).sum();
    let others = number("non_ip_packets") + number("refused_packets") + number("later_fragments");
    assert_eq!(number("packets"), number("flow_packets") + removed + others, "{stats}");

    let paths = &found.flow_map.coverage.duplicates;
    assert_eq!(paths.iter().map(|path| path.packets).sum::<u64>(), removed);
    let router = |port| Some(MacAddr([2, 0, 0, 0, 0xff, port]));
    let crossing = paths.iter().find(|path| path.from.mac == router(10) && path.to.mac == router(20)).unwrap();
    assert_eq!((crossing.change, crossing.ttl_lower_by), (Change::Routed, 1));
    assert_eq!((crossing.from.vlan, crossing.to.vlan), (VlanId::new(10), VlanId::new(20)));

    for workers in ["2", "4"] {
        let other = replay(&[&mirrored], &scratch, workers, &["--dedup", "1ms", "--workers", workers]).unwrap();
        for document in ["conn.log", "flowmap.json", "alerts.ndjson", "stats.json"] {
            let [a, b] = [&found, &other].map(|run| std::fs::read(run.folder.join(document)).unwrap());
            assert!(a == b, "{document} of {workers} workers");
        }
    }
}

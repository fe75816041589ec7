//! Mirrors that copy too much: every copy must go, and no packet that a host really sent.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::generate::{Mirrored, Random};
use sensor_flow::{DuplicateConfig, Duplicates, Verdict};
use sensor_model::Timestamp;
use sensor_wire::{LinkType, Options, Outcome, decode};

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
    let packets = number("CORDON_PACKETS", 30_000);

    let make = |seed| (seed, Mirrored::make(packets, usize::try_from(seed).unwrap(), &mut Random::new(seed)));
    let all = sum((0..number("CORDON_SEEDS", 1)).map(make), window);

    assert_eq!(all.lost, 0, "real packets lost");
    assert!(all.removed_share() >= 0.999, "{all:?}");
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
    let mut capture = Mirrored::make(10_000, 0, &mut random);
    capture.sightings.retain(|_| random.below(50) > 0);

    let all = sum(std::iter::once((1, capture)), Duration::from_millis(1));

    assert!(all.lost * 1_000 <= all.packets, "{all:?}");
    assert!(all.removed_share() >= 0.98, "{all:?}");
}

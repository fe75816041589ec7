//! Traffic seen through mirrors that copy too much, among all that hosts really send twice. Every frame is labelled: which packet it shows,
//! and which packets nobody can tell from it by their bytes.

use std::collections::HashMap;
use std::net::IpAddr;

use super::mirrors::Mirror;
use super::random::Random;
use crate::packet::{self, ACK, ICMP, ICMPV6, Link, Network, PSH, TCP, UDP};

/// One frame as the sensor gets it.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub at_nanos: u64,
    pub frame: Vec<u8>,
    /// Number of the packet that was sent.
    pub packet: u32,
    /// Packets with equal bytes, TTL aside, have the same number.
    pub content: u32,
    /// Place of its set-up in [`Mirrored::names`].
    pub mirror: usize,
}

/// A whole capture, in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Mirrored {
    pub names: Vec<&'static str>,
    pub sightings: Vec<Sighting>,
    contents: HashMap<Vec<u8>, u32>,
    packets: u32,
}

/// How a host numbers its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// One up a packet, retransmissions too.
    Each,
    /// One up a packet; a retransmission keeps its own (RFC 1122 3.2.1.5).
    Kept,
    /// Always the same (RFC 6864 4.1).
    Always(u16),
    /// IPv6 has none.
    V6,
}

const STACKS: [Numbers; 5] = [Numbers::Each, Numbers::Kept, Numbers::Always(0), Numbers::Always(0x1234), Numbers::V6];
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;

impl Mirrored {
    /// Each set-up with one kind of host, another one for the next `turn`; `packets` from each pair of hosts or a few more.
    #[must_use]
    pub fn make(packets: u64, turn: usize, random: &mut Random) -> Self {
        let mut all = Self::default();
        for (at, mirror) in Mirror::all(1).iter().enumerate() {
            let stack = STACKS[(at + turn) % STACKS.len()];
            all.talk(mirror, stack, packets, random);
        }
        all.look_alikes(packets / 10, random);
        all.sort();
        all
    }

    /// Unnumbered datagrams and nothing else, on doubled paths: nothing proves what they are.
    #[must_use]
    pub fn make_unnumbered(packets: u64, random: &mut Random) -> Self {
        let mut all = Self::default();
        for (pair, numbers) in [(1, Numbers::Always(0)), (2, Numbers::V6)] {
            for mirror in Mirror::all(pair).into_iter().filter(|mirror| mirror.name.starts_with("both ways")) {
                let mut host = Host::new(all.names.len(), numbers);
                for _ in 0..packets {
                    let number = random.next().to_be_bytes();
                    host.datagram(&number, random.below(2) + 1, random);
                }
                all.add(&mirror, host.sent, random);
            }
        }
        all.sort();
        all
    }

    /// Every packet once, as it was seen first: what a perfect tap would have given.
    #[must_use]
    pub fn without_copies(&self) -> Vec<&Sighting> {
        let mut seen = vec![false; self.packets as usize + 1];
        let is_first = |sighting: &&Sighting| !std::mem::replace(&mut seen[sighting.packet as usize], true);
        self.sightings.iter().filter(is_first).collect()
    }

    fn talk(&mut self, mirror: &Mirror, numbers: Numbers, packets: u64, random: &mut Random) {
        let mut host = Host::new(self.names.len(), numbers);
        while (host.sent.len() as u64) < packets {
            host.act(random);
        }
        self.add(mirror, host.sent, random);
    }

    fn add(&mut self, mirror: &Mirror, sent: Vec<(u64, bool, Vec<u8>)>, random: &mut Random) {
        let number = self.names.len();
        self.names.push(mirror.name);
        for (at, to_server, packet) in sent {
            let frames = mirror.frames(to_server, &packet, random);
            self.put(number, at, &packet, frames);
        }
    }

    fn put(&mut self, mirror: usize, at: u64, packet: &[u8], frames: Vec<(u64, Vec<u8>)>) {
        self.packets += 1;
        let mut bytes = packet.to_vec();
        let mutable = if packet.first().is_some_and(|first| first >> 4 == 4) { 8..12 } else { 7..8 };
        // The TTL, and for IPv4 the checksum; the protocol between them comes back by the rest.
        bytes.drain(mutable);
        let next = self.contents.len() as u32;
        let content = *self.contents.entry(bytes).or_insert(next);
        for (delay, frame) in frames {
            self.sightings.push(Sighting { at_nanos: at + delay, frame, packet: self.packets, content, mirror });
        }
    }

    fn sort(&mut self) {
        self.sightings.sort_by_key(|sighting| sighting.at_nanos);
    }

    /// Real packets that look like copies of others: twin machines with equal addresses in two VLANs, a querier that serves many,
    /// probes that find a path by their TTL.
    fn look_alikes(&mut self, rounds: u64, random: &mut Random) {
        let number = self.names.len();
        self.names.extend(["twin machines", "querier", "path probes"]);
        let v4 = |a: [u8; 4], b: [u8; 4], protocol| Network { source: a.into(), destination: b.into(), protocol, id: 0 };
        let tagged = |vlan: u16, from, to| Link { vlans: vec![vlan], ..Link::between(from, to) };
        for round in 0..rounds {
            let at = START + round * 20 * MILLISECOND;
            let cell = v4([192, 168, 0, 1], [192, 168, 0, 2], UDP);
            let packet = cell.packet(&packet::udp(&cell, (4000, 502), b"cycle"));
            for twin in 0..2_u8 {
                let link = tagged(40 + u16::from(twin), [2, 4, 0, 0, twin, 1], [2, 4, 0, 0, twin, 2]);
                let delay = random.below(900 * MICROSECOND);
                self.put(number, at, &packet, vec![(delay, link.frame(packet::ETHERTYPE_IPV4, &packet))]);
            }
            let query = v4([0, 0, 0, 0], [224, 0, 0, 1], 2);
            let packet = query.packet(&[0x11, 0x64, 0xee, 0x9b, 0, 0, 0, 0]);
            for vlan in [10, 20, 30] {
                let link = tagged(vlan, [2, 5, 0, 0, 0, 1], [1, 0, 0x5e, 0, 0, 1]);
                let delay = random.below(300 * MICROSECOND);
                self.put(number + 1, at, &packet, vec![(delay, link.frame(packet::ETHERTYPE_IPV4, &packet))]);
            }
            let probe = Network { id: 7, ..v4([10, 9, 0, 1], [10, 8, 0, 1], UDP) };
            let packet = probe.packet(&packet::udp(&probe, (33_000, 33_434), b"where"));
            for hops in 0..8 {
                let link = tagged(10, [2, 6, 0, 0, 0, 1], [2, 0, 0, 0, 0xff, 10]);
                let delay = u64::from(hops) * 20 * MICROSECOND;
                let frame = link.frame(packet::ETHERTYPE_IPV4, &super::mirrors::forwarded(&packet, 56 + hops % 8 - 1));
                self.put(number + 2, at, &packet, vec![(delay, frame)]);
            }
        }
    }
}

/// 2026-06-01, a Monday, 00:00 UTC.
const START: u64 = 1_780_272_000_000_000_000;

/// A client with its server: what both send, and when.
struct Host {
    client: IpAddr,
    server: IpAddr,
    numbers: Numbers,
    id: u16,
    sequence: u32,
    answered: u32,
    now: u64,
    /// Time, direction, IP packet.
    sent: Vec<(u64, bool, Vec<u8>)>,
}

impl Host {
    fn new(number: usize, numbers: Numbers) -> Self {
        let last = number as u8;
        let (client, server): (IpAddr, IpAddr) = if numbers == Numbers::V6 {
            ([0xfd00, 1, 0, 0, 0, 0, 0, u16::from(last)].into(), [0xfd00, 2, 0, 0, 0, 0, 0, u16::from(last)].into())
        } else {
            ([10, 1, 10, last].into(), [10, 1, 20, last].into())
        };
        Self { client, server, numbers, id: 100, sequence: 1, answered: 1, now: START, sent: Vec::new() }
    }

    /// One thing that hosts do.
    fn act(&mut self, random: &mut Random) {
        self.now += 100 * MICROSECOND + random.below(1_600 * MICROSECOND);
        match random.below(100) {
            0..=69 => self.segments(random),
            70..=77 => {
                let burst = 3 + random.below(6);
                self.repeated_acknowledgment(burst, random);
            }
            // A poll that never changes, and a device that calls in bursts.
            78..=83 => self.datagram(b"poll", 1, random),
            84..=87 => {
                let burst = 2 + random.below(20);
                self.datagram(b"alarm", burst, random);
            }
            88..=91 => {
                let number = random.next().to_be_bytes();
                self.datagram(&number, 1, random);
            }
            92..=94 => self.ping(random),
            95..=96 => self.keep_alive(random),
            _ => self.large_datagram(random),
        }
    }

    fn network(&mut self, to_server: bool, protocol: u8) -> Network {
        let id = match self.numbers {
            Numbers::Each | Numbers::Kept => {
                self.id = self.id.wrapping_add(1).max(1);
                self.id
            }
            Numbers::Always(id) => id,
            Numbers::V6 => 0,
        };
        let (source, destination) = if to_server { (self.client, self.server) } else { (self.server, self.client) };
        Network { source, destination, protocol, id }
    }

    fn put(&mut self, after: u64, to_server: bool, packet: Vec<u8>) {
        self.sent.push((self.now + after, to_server, packet));
    }

    /// From 100 microseconds to 50 milliseconds, shorter times as likely as longer ones: fast retransmissions on a LAN and off it.
    fn soon(random: &mut Random) -> u64 {
        let scale = [100, 250, 700, 1_800, 5_000, 14_000][random.below(6) as usize % 6] * MICROSECOND;
        scale + random.below(scale * 5 / 2)
    }

    /// New data, and some of it again: lone segments, a whole queue, the segment that a timeout repeats.
    fn segments(&mut self, random: &mut Random) {
        let count = 1 + random.below(4);
        let again_after = match random.below(100) {
            0..=3 => Some(Self::soon(random)),
            4 => Some(200 * MILLISECOND + random.below(100 * MILLISECOND)),
            _ => None,
        };
        let all_again = random.chance(30);
        for at in 0..count {
            let len = 1 + random.below(60) as usize;
            let payload: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
            let network = self.network(true, TCP);
            let acknowledged = self.answered;
            let make = |network: &Network, sequence| {
                network.packet(&packet::tcp(network, (40_000, 443), (sequence, acknowledged), ACK | PSH, &payload))
            };
            let first = make(&network, self.sequence);
            self.put(at * 10 * MICROSECOND, true, first.clone());
            if let Some(after) = again_after
                && (all_again || at == 0)
            {
                let again = if self.numbers == Numbers::Each { make(&self.network(true, TCP), self.sequence) } else { first };
                self.put(after + at * 10 * MICROSECOND, true, again);
            }
            self.sequence = self.sequence.wrapping_add(len as u32);
        }
        self.answer(count * 10 * MICROSECOND + random.below(400 * MICROSECOND), random);
    }

    /// A bare acknowledgment, or one with data.
    fn answer(&mut self, after: u64, random: &mut Random) {
        let payload: &[u8] = if random.chance(30) { b"answer" } else { &[] };
        let network = self.network(false, TCP);
        let segment = packet::tcp(&network, (443, 40_000), (self.answered, self.sequence), ACK, payload);
        self.put(after, false, network.packet(&segment));
        self.answered = self.answered.wrapping_add(payload.len() as u32);
    }

    fn repeated_acknowledgment(&mut self, count: u64, random: &mut Random) {
        let mut after = 0;
        for _ in 0..count {
            let network = self.network(false, TCP);
            let segment = packet::tcp(&network, (443, 40_000), (self.answered, self.sequence), ACK, &[]);
            self.put(after, false, network.packet(&segment));
            after += 2 * MICROSECOND + random.below(50 * MICROSECOND);
        }
    }

    fn datagram(&mut self, payload: &[u8], count: u64, random: &mut Random) {
        self.now += random.below(MILLISECOND);
        let mut after = 0;
        for _ in 0..count {
            let network = self.network(true, UDP);
            self.put(after, true, network.packet(&packet::udp(&network, (5_000, 161), payload)));
            after += MICROSECOND + random.below(30 * MICROSECOND);
        }
    }

    /// A ping, and an impatient one with the same number.
    fn ping(&mut self, random: &mut Random) {
        let protocol = if self.numbers == Numbers::V6 { ICMPV6 } else { ICMP };
        for after in [0, Self::soon(random)] {
            let network = self.network(true, protocol);
            let message = packet::icmp(&network, if protocol == ICMP { 8 } else { 128 }, 0, &[0, 1, 0, 9, 0x61, 0x62]);
            self.put(after, true, network.packet(&message));
        }
    }

    /// RFC 9293 3.8.4: one byte that was sent before, with and without it; impatient.
    fn keep_alive(&mut self, random: &mut Random) {
        let garbage: &[u8] = if random.chance(50) { &[0] } else { &[] };
        for at in 0..3 {
            let network = self.network(true, TCP);
            let segment = packet::tcp(&network, (40_000, 443), (self.sequence.wrapping_sub(1), 1), ACK, garbage);
            let after = at * (5 * MILLISECOND + random.below(10 * MILLISECOND));
            self.put(after, true, network.packet(&segment));
        }
    }

    /// In fragments, and now and then the whole again: fragments have an identification of their own (RFC 6864 4.2).
    fn large_datagram(&mut self, random: &mut Random) {
        let payload = vec![random.next() as u8; 1_000 + random.below(2_000) as usize];
        let times = if random.chance(20) { 2 } else { 1 };
        let again = Self::soon(random);
        for after in [0, again].into_iter().take(times) {
            self.id = self.id.wrapping_add(1).max(1);
            let network = Network { id: self.id, ..self.network(true, UDP) };
            let message = packet::udp(&network, (5_000, 5_001), &payload);
            for (at, piece) in (0..).zip(network.fragments(&message, 800)) {
                self.put(after + at * MICROSECOND, true, piece);
            }
        }
    }
}

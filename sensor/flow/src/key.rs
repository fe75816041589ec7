//! Which flow a packet belongs to: the two ends in a fixed order, so that both directions give the same key.

use sensor_wire::{Family, Packet};

use crate::icmp;

/// Odd constants with well mixed bits (fractional parts of the square roots of 2, 3 and 5).
const SHARD_SEEDS: [u64; 2] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];
const FINISH: u64 = 0x3c6e_f372_fe94_f82b;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP_V6: u8 = 58;
pub const SCTP: u8 = 132;

/// The ends of a flow, lower one first, and what else tells flows apart. IPv6 addresses are only here as a keyed digest: the
/// table compares them in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowKey {
    /// Both IPv4 addresses, or the digest of both IPv6 addresses.
    pub pair: u64,
    /// Port of the lower end above, of the higher end below.
    pub ports: u32,
    /// The network in which the packet was seen.
    pub realm: u16,
    pub protocol: u8,
    pub wide: bool,
    /// The sender is the lower end.
    pub from_low: bool,
}

/// Two words from one seed, for keyed hashing.
#[derive(Clone, Copy, Debug)]
pub struct Seeds([u64; 2]);

impl Seeds {
    pub const fn new(seed: u64) -> Self {
        let first = mix(seed ^ SHARD_SEEDS[0], FINISH);
        Self([first, mix(first ^ SHARD_SEEDS[1], FINISH)])
    }
}

impl FlowKey {
    /// `realm` is where the packet was seen; see [`crate::realm`].
    #[inline]
    pub fn of(packet: &Packet, realm: u16, seeds: Seeds) -> Self {
        let (source_port, destination_port, one_way) = ports(packet);
        let protocol = packet.protocol;
        match packet.family {
            Family::V4 => {
                // Address and port as one number, so that ordering the ends is a minimum and a maximum, and no branch.
                let from = u64::from(first_word(packet.source)) << 16 | u64::from(source_port);
                let to = u64::from(first_word(packet.destination)) << 16 | u64::from(destination_port);
                let (low, high) = if one_way { (from, to) } else { (from.min(to), from.max(to)) };
                let pair = (low >> 16) << 32 | high >> 16;
                let ports = (low as u32) << 16 | (high as u32 & 0xffff);
                Self { pair, ports, realm, protocol, wide: false, from_low: low == from }
            }
            Family::V6 => {
                let from_low = one_way || (packet.source, source_port) <= (packet.destination, destination_port);
                let pair = digest(&wide_pair(packet, from_low), seeds);
                let (low, high) = if from_low { (source_port, destination_port) } else { (destination_port, source_port) };
                Self { pair, ports: u32::from(low) << 16 | u32::from(high), realm, protocol, wide: true, from_low }
            }
        }
    }

    /// `salt` is that of the key's realm.
    #[inline]
    pub fn hash(&self, salt: u64, seeds: Seeds) -> u64 {
        hash_of(self.pair, self.ports, salt, self.protocol, seeds)
    }
}

/// The hash of a key's parts, so that a slot can be found again from what it keeps.
#[inline]
pub fn hash_of(pair: u64, ports: u32, salt: u64, protocol: u8, seeds: Seeds) -> u64 {
    let rest = u64::from(ports) | u64::from(protocol) << 56;
    mix(mix(pair ^ seeds.0[0], rest ^ salt ^ seeds.0[1]) ^ seeds.0[0], FINISH)
}

/// The hash of a few words.
pub fn hash_words(words: &[u32; 6], seeds: Seeds) -> u64 {
    let [a, b, c, d, e, f] = words.map(u64::from);
    let first = mix(a << 32 | b ^ seeds.0[0], c << 32 | d ^ seeds.0[1]);
    mix(first ^ seeds.0[0], mix(e << 32 | f ^ seeds.0[1], FINISH))
}

/// IPv6 addresses of both ends, lower end first.
pub fn wide_pair(packet: &Packet, from_low: bool) -> [[u8; 16]; 2] {
    if from_low { [packet.source, packet.destination] } else { [packet.destination, packet.source] }
}

/// Which of `shards` a packet belongs to; both directions give the same answer, and so does every run.
///
/// Only the addresses count: later fragments and ICMP errors then land where the flow of their addresses is.
#[must_use]
pub fn shard_of(packet: &Packet, shards: usize) -> usize {
    shard_between(packet.source, packet.destination, shards)
}

/// The same by the packet's addresses.
#[must_use]
pub fn shard_between(source: [u8; 16], destination: [u8; 16], shards: usize) -> usize {
    let (low, high) = if source <= destination { (source, destination) } else { (destination, source) };
    let hash = mix(digest(&[low, high], Seeds(SHARD_SEEDS)), FINISH);
    scale(hash, shards.max(1))
}

/// Maps a hash to `0..limit` by its upper bits (Lemire, "A fast alternative to the modulo reduction").
pub const fn scale(hash: u64, limit: usize) -> usize {
    ((hash as u128 * limit as u128) >> 64) as usize
}

fn ports(packet: &Packet) -> (u16, u16, bool) {
    if packet.protocol == ICMP || packet.protocol == ICMP_V6 {
        return icmp::ports(packet.protocol == ICMP_V6, packet.source_port, packet.destination_port);
    }
    (packet.source_port, packet.destination_port, false)
}

const fn first_word(address: [u8; 16]) -> u32 {
    let [a, b, c, d, ..] = address;
    u32::from_be_bytes([a, b, c, d])
}

fn digest(pair: &[[u8; 16]; 2], seeds: Seeds) -> u64 {
    let [low, high] = pair.map(u128::from_le_bytes);
    let first = mix(low as u64 ^ seeds.0[0], (low >> 64) as u64 ^ seeds.0[1]);
    mix(high as u64 ^ first, (high >> 64) as u64 ^ seeds.0[1])
}

/// Folded multiply: the upper half of the product carries what the lower loses.
const fn mix(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

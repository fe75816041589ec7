//! What frames alone tell of a mirror: rates, sizes, protocols below IP, and which MAC addresses only send or only receive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use foldhash::fast::RandomState;
use sensor_capture::Frame;
use sensor_model::{MacAddr, Timestamp};
use sensor_wire::{LinkType, Packet};

use crate::link_layer::{LinkFrame, Protocol};
use crate::sort::Sorted;

/// MAC addresses remembered; more are a flood.
const MAX_MACS: usize = 16_384;
/// Networks remembered of one MAC, and of all.
const MAX_NETWORKS_A_MAC: usize = 8;
const MAX_NETWORKS: usize = 65_536;
/// Other protocols counted by name.
const MAX_PROTOCOLS: usize = 64;
/// Seconds whose rates are remembered; one day.
const MAX_SECONDS: usize = 86_400;
/// Upper ends of the size classes, as switches count them (RFC 2819 2).
pub const SIZES: [u32; 6] = [64, 127, 255, 511, 1_023, 1_518];

/// Counts of frames.
#[derive(Debug, Default)]
pub struct Survey {
    pub frames: u64,
    pub wire_bytes: u64,
    /// Longer on the wire than what the mirror, or who captured, kept.
    pub cut_frames: u64,
    /// By `SIZES`; the last is everything longer.
    pub sizes: [u64; SIZES.len() + 1],
    pub broadcasts: u64,
    pub protocols: BTreeMap<Protocol, u64>,
    seconds: BTreeMap<i64, (u64, u64)>,
    seen: Option<(Timestamp, Timestamp)>,
    macs: HashMap<MacAddr, MacTally, RandomState>,
    sources: HashSet<u32, RandomState>,
    destinations: HashSet<u32, RandomState>,
}

/// How often a MAC address was the source and the destination of IP packets, and for how many networks.
#[derive(Clone, Copy, Debug, Default)]
struct MacTally {
    sent: u64,
    received: u64,
    sources: Networks,
    destinations: Networks,
}

/// Some of the networks whose addresses went by; IPv4 by /24.
#[derive(Clone, Copy, Debug, Default)]
struct Networks([Option<u32>; MAX_NETWORKS_A_MAC]);

impl Survey {
    pub fn take(&mut self, sorted: &Sorted, frames: &[Frame<'_>]) {
        for frame in frames {
            self.count(frame);
        }
        for observation in sorted.buckets.iter().flat_map(|bucket| &bucket.observations) {
            self.weigh(&observation.packet);
        }
        for (place, _) in &sorted.others {
            let frame = frames.get(*place as usize).filter(|frame| frame.link == LinkType::Ethernet);
            let Some(read) = frame.and_then(|frame| LinkFrame::read(frame.bytes)) else { continue };
            if self.protocols.len() < MAX_PROTOCOLS || self.protocols.contains_key(&read.protocol) {
                *self.protocols.entry(read.protocol).or_default() += 1;
            }
        }
    }

    /// From the first to the last frame.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.seen.map(|(first, last)| last.since(first)).unwrap_or_default()
    }

    /// Frames and bits of the busiest second.
    #[must_use]
    pub fn peak(&self) -> (u64, u64) {
        let most = |of: fn(&(u64, u64)) -> u64| self.seconds.values().map(of).max().unwrap_or(0);
        (most(|second| second.0), most(|second| second.1).saturating_mul(8))
    }

    /// MAC addresses through which networks are reached of which nothing comes back by any MAC; and the other way round.
    #[must_use]
    pub fn one_way_gateways(&self, least_packets: u64) -> (Vec<MacAddr>, Vec<MacAddr>) {
        let of = |is_one: &dyn Fn(&MacTally) -> bool| {
            let mut macs: Vec<MacAddr> = self.macs.iter().filter(|(_, tally)| is_one(tally)).map(|(mac, _)| *mac).collect();
            macs.sort_unstable();
            macs
        };
        let unheard =
            of(&|tally| tally.sent == 0 && tally.received >= least_packets && tally.destinations.are_many_without(&self.sources));
        let unanswered =
            of(&|tally| tally.received == 0 && tally.sent >= least_packets && tally.sources.are_many_without(&self.destinations));
        (unheard, unanswered)
    }

    fn count(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.wire_bytes += u64::from(frame.wire_len);
        self.cut_frames += u64::from((frame.bytes.len() as u64) < u64::from(frame.wire_len));
        // RFC 2819 counts the check sequence, which captures lack.
        let size = frame.wire_len.saturating_add(4);
        let class = SIZES.iter().position(|end| size <= *end).unwrap_or(SIZES.len());
        if let Some(count) = self.sizes.get_mut(class) {
            *count += 1;
        }
        self.broadcasts += u64::from(frame.link == LinkType::Ethernet && frame.bytes.starts_with(&[0xff; 6]));
        let at = Timestamp::from_nanos(frame.seen_at_nanos);
        self.seen = Some(self.seen.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        let second = frame.seen_at_nanos.div_euclid(1_000_000_000);
        if self.seconds.len() < MAX_SECONDS || self.seconds.contains_key(&second) {
            let (frames, bytes) = self.seconds.entry(second).or_default();
            *frames += 1;
            *bytes += u64::from(frame.wire_len);
        }
    }

    fn weigh(&mut self, packet: &Packet) {
        if packet.tunnel.is_none() && !packet.source_mac.is_zero() {
            let source = (packet.source_mac, packet.source_address());
            self.tally_ip(source, (packet.destination_mac, packet.destination_address()));
        }
    }

    fn tally_ip(&mut self, source: (MacAddr, IpAddr), destination: (MacAddr, IpAddr)) {
        let (from, to) = (network_of(source.1), network_of(destination.1));
        if let Some(tally) = self.tally(source.0) {
            tally.sent += 1;
            from.into_iter().for_each(|network| tally.sources.note(network));
        }
        if self.sources.len() < MAX_NETWORKS {
            self.sources.extend(from);
        }
        if destination.0.is_group() {
            return;
        }
        if let Some(tally) = self.tally(destination.0) {
            tally.received += 1;
            to.into_iter().for_each(|network| tally.destinations.note(network));
        }
        if self.destinations.len() < MAX_NETWORKS {
            self.destinations.extend(to);
        }
    }

    fn tally(&mut self, mac: MacAddr) -> Option<&mut MacTally> {
        let has_room = self.macs.len() < MAX_MACS || self.macs.contains_key(&mac);
        has_room.then(|| self.macs.entry(mac).or_default())
    }
}

/// Hosts have several IPv6 networks at once, and link-local addresses beside, so IPv4 has to do.
fn network_of(ip: IpAddr) -> Option<u32> {
    let IpAddr::V4(v4) = ip else { return None };
    let is_of_nobody = v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast();
    (!is_of_nobody).then_some(v4.to_bits() >> 8)
}

impl Networks {
    fn note(&mut self, network: u32) {
        if !self.0.contains(&Some(network))
            && let Some(free) = self.0.iter_mut().find(|known| known.is_none())
        {
            *free = Some(network);
        }
    }

    /// A router's: more than one, and none of them among `others`.
    fn are_many_without(&self, others: &HashSet<u32, RandomState>) -> bool {
        let known = || self.0.iter().flatten();
        known().count() > 1 && !known().any(|network| others.contains(network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(survey: &mut Survey, way: (u8, u8), from: [u8; 4], to: [u8; 4]) {
        let mac = |number| MacAddr([2, 0, 0, 0, 0, number]);
        for _ in 0..20 {
            survey.tally_ip((mac(way.0), from.into()), (mac(way.1), to.into()));
        }
    }

    #[test]
    fn a_router_that_answers_from_another_mac_is_no_fault_and_a_silent_one_is() {
        // Given two hosts that reach two networks through MAC 9; a router's virtual MAC only receives (RFC 5798 7.3, 8.1.2).
        let mut survey = Survey::default();
        packets(&mut survey, (1, 9), [10, 0, 0, 1], [8, 8, 8, 8]);
        packets(&mut survey, (2, 9), [10, 0, 0, 2], [9, 9, 9, 9]);
        assert_eq!(survey.one_way_gateways(20).0, [MacAddr([2, 0, 0, 0, 0, 9])]);
        packets(&mut survey, (8, 1), [8, 8, 8, 8], [10, 0, 0, 1]);
        assert_eq!(survey.one_way_gateways(20), (Vec::new(), Vec::new()));
    }
}

//! What frames alone tell of a mirror: rates, sizes, protocols below IP, and which MAC addresses only send or only receive.

use std::collections::{BTreeMap, HashMap};
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
    pub macs: HashMap<MacAddr, MacTally, RandomState>,
}

/// How often a MAC address was the source and the destination of IP packets, and for how many networks.
#[derive(Clone, Copy, Debug, Default)]
pub struct MacTally {
    pub sent: u64,
    pub received: u64,
    sources: Networks,
    destinations: Networks,
}

/// Whether addresses of more than one network went by.
#[derive(Clone, Copy, Debug, Default)]
struct Networks {
    first: Option<u64>,
    are_more: bool,
}

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

    /// MAC addresses through which several networks are reached, and that were never seen to send; and the other way round.
    #[must_use]
    pub fn one_way_gateways(&self, least_packets: u64) -> (Vec<MacAddr>, Vec<MacAddr>) {
        let of = |is_one: fn(&MacTally, u64) -> bool| {
            let mut macs: Vec<MacAddr> =
                self.macs.iter().filter(|(_, tally)| is_one(tally, least_packets)).map(|(mac, _)| *mac).collect();
            macs.sort_unstable();
            macs
        };
        let unheard = of(|tally, least| tally.sent == 0 && tally.received >= least && tally.destinations.are_more);
        let unanswered = of(|tally, least| tally.received == 0 && tally.sent >= least && tally.sources.are_more);
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
        if packet.tunnel.is_some() || packet.source_mac.is_zero() {
            return;
        }
        if let Some(tally) = self.tally(packet.source_mac) {
            tally.sent += 1;
            tally.sources.note(packet.source_address());
        }
        if !packet.destination_mac.is_group()
            && let Some(tally) = self.tally(packet.destination_mac)
        {
            tally.received += 1;
            tally.destinations.note(packet.destination_address());
        }
    }

    fn tally(&mut self, mac: MacAddr) -> Option<&mut MacTally> {
        let has_room = self.macs.len() < MAX_MACS || self.macs.contains_key(&mac);
        has_room.then(|| self.macs.entry(mac).or_default())
    }
}

impl Networks {
    /// IPv4 by /24. Hosts have several IPv6 networks at once, and link-local addresses beside.
    fn note(&mut self, ip: IpAddr) {
        let IpAddr::V4(v4) = ip else { return };
        if v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() {
            return;
        }
        let network = u64::from(v4.to_bits() >> 8);
        match self.first {
            Some(first) => self.are_more |= first != network,
            None => self.first = Some(network),
        }
    }
}

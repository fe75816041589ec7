//! Mirror set-ups: at which points of its way a packet is copied to the sensor, and what it looks like there.

use super::random::Random;
use crate::packet::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, Link};

/// A copy reaches the sensor at most this long after its packet was sent.
pub const LATEST_NANOS: u64 = 500_000;

/// One place that is mirrored, as the client's packets pass it.
#[derive(Clone, Debug)]
pub struct Point {
    pub link: Link,
    /// Routers that were passed before.
    pub hops: u8,
    pub times: u8,
}

/// All mirrored places of one pair of hosts.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub name: &'static str,
    pub points: Vec<Point>,
}

impl Mirror {
    /// What a user builds, one of each; `pair` sets the addresses apart.
    #[must_use]
    pub fn all(pair: u8) -> Vec<Self> {
        let (a, b) = ([2, 0, 0, 1, 0, pair], [2, 0, 0, 2, 0, pair]);
        let router = |port: u8| [2, 0, 0, 0, 0xff, port];
        let hop = |vlans: &[u16], from, to, hops, times| Point {
            link: Link { vlans: vlans.to_vec(), ..Link::between(from, to) },
            hops,
            times,
        };
        let mirror = |name, points| Self { name, points };
        let mut mirrors = vec![
            mirror("once", vec![hop(&[10], a, b, 0, 1)]),
            mirror("both ways of both ports", vec![hop(&[10], a, b, 0, 2)]),
            mirror("both ways, QinQ", vec![hop(&[100, 10], a, b, 0, 2)]),
            mirror("both ways, two switches", vec![hop(&[], a, b, 0, 4)]),
            mirror("around a router", vec![hop(&[10], a, router(10), 0, 1), hop(&[20], router(20), b, 1, 1)]),
            mirror("around a router, both ways", vec![hop(&[10], a, router(10), 0, 2), hop(&[20], router(20), b, 1, 2)]),
            mirror("one-armed router", vec![hop(&[10], a, router(10), 0, 1), hop(&[10], router(10), b, 1, 1)]),
            mirror(
                "two routers",
                vec![hop(&[10], a, router(10), 0, 1), hop(&[99], router(99), router(98), 1, 1), hop(&[20], router(21), b, 2, 1)],
            ),
            mirror("trunk and access port", vec![hop(&[10], a, b, 0, 1), hop(&[], a, b, 0, 1)]),
            mirror("transparent firewall", vec![hop(&[10], a, b, 0, 1), hop(&[30], a, b, 0, 1)]),
            mirror("firewall that counts no hop", vec![hop(&[10], a, router(11), 0, 1), hop(&[20], router(22), b, 0, 1)]),
        ];
        // Each set-up has hosts of its own.
        for (number, mirror) in (0..).zip(&mut mirrors) {
            for point in &mut mirror.points {
                for mac in
                    [&mut point.link.source, &mut point.link.destination, &mut point.link.answer.0, &mut point.link.answer.1]
                {
                    if mac[3] != 0 {
                        mac[4] = number;
                    }
                }
            }
        }
        mirrors
    }

    /// The frames of one IP packet, in the order of its way, each with how long it takes to the sensor.
    pub fn frames(&self, to_server: bool, packet: &[u8], random: &mut Random) -> Vec<(u64, Vec<u8>)> {
        let last = self.points.last().map_or(0, |point| point.hops);
        let mut frames = Vec::new();
        for point in &self.points {
            let (link, hops) =
                if to_server { (point.link.clone(), point.hops) } else { (point.link.reversed(), last - point.hops) };
            let ethertype = if packet.first().is_some_and(|first| first >> 4 == 4) { ETHERTYPE_IPV4 } else { ETHERTYPE_IPV6 };
            let frame = link.frame(ethertype, &forwarded(packet, hops));
            for _ in 0..point.times {
                frames.push((random.below(LATEST_NANOS), frame.clone()));
            }
        }
        frames
    }
}

/// The packet after some routers.
#[must_use]
pub fn forwarded(packet: &[u8], hops: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
    if let Some(ttl) = packet.get_mut(if is_v4 { 8 } else { 7 }) {
        *ttl -= hops;
    }
    if is_v4 && let Some(field) = packet.get(10..12) {
        // RFC 1141: the sum's complement grows by what the TTL lost.
        let sum = u32::from(field.first().copied().unwrap_or(0)) << 8 | u32::from(field.last().copied().unwrap_or(0));
        let sum = sum + (u32::from(hops) << 8);
        let [high, low] = (((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes();
        packet.splice(10..12, [high, low]);
    }
    packet
}

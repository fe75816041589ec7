//! A site of many hosts as a good mirror port would show it, and what is left of that when the mirror is wrong: directions of single
//! hosts missing, VLANs missing, frames lost. The truth is who was damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Result;

use super::random::Random;
use super::talk::{Talk, Way};
use crate::capture::CaptureWriter;
use crate::packet::{self, ETHERTYPE_ARP, Link, TCP, UDP};

/// VLAN and third octet of each network.
pub const NETWORKS: [u16; 3] = [10, 20, 30];
/// 2026-06-01, a Monday, 00:00 UTC.
const START_NANOS: u64 = 1_780_272_000_000_000_000;
const SPAN_NANOS: u64 = 60_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const ETHERTYPE_LLDP: u16 = 0x88cc;
const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// What a host does for a living.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trade {
    Server,
    /// Connects to some servers, and asks the resolver.
    Client,
    /// Polled by operators, half of them over connections older than the capture.
    Controller,
    Operator,
    /// Building control, polled by operators over UDP (BACnet/IP).
    Station,
    /// Sends syslog to a collector that answers nobody.
    Logger,
    Collector,
    /// Heard by its broadcasts only.
    Broadcaster,
    /// Asks the resolver once.
    Occasional,
    Resolver,
    Scanner,
    /// An address without a host, which the scanner tries.
    Absent,
}

#[derive(Clone, Copy, Debug)]
pub struct WatchedHost {
    pub address: Ipv4Addr,
    pub trade: Trade,
}

#[derive(Debug)]
struct Sent {
    at_nanos: u64,
    from: Ipv4Addr,
    to: Ipv4Addr,
    /// Of TCP.
    payload_len: u64,
    frame: Vec<u8>,
}

/// The site, undamaged.
#[derive(Debug, Default)]
pub struct Watched {
    pub hosts: Vec<WatchedHost>,
    sent: Vec<Sent>,
    next_port: u16,
}

/// What is wrong with the mirror.
#[derive(Clone, Debug, Default)]
pub struct Damage {
    /// What they send is not mirrored.
    pub mute: BTreeSet<Ipv4Addr>,
    /// What they are sent is not mirrored.
    pub deaf: BTreeSet<Ipv4Addr>,
    pub missing_vlans: BTreeSet<u16>,
    /// Of these only frames to everybody are mirrored.
    pub broadcast_vlans: BTreeSet<u16>,
    /// Frames lost in 10,000.
    pub loss: u64,
    /// Frames carry the tag of their sender's network.
    pub tagged: bool,
}

/// What the damage did.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// With their time in nanoseconds.
    pub frames: Vec<(u64, Vec<u8>)>,
    /// TCP payload of undamaged hosts, and the part of it that was lost.
    pub stream_bytes: u64,
    pub lost_bytes: u64,
    /// Hosts of which a direction was there and is gone, by what was deleted.
    pub damaged: BTreeSet<Ipv4Addr>,
    /// Hosts with so few packets in a direction that loss may take them all.
    pub thin: BTreeSet<Ipv4Addr>,
}

impl Watched {
    /// A site of about `size` hosts.
    #[must_use]
    pub fn new(size: u8, random: &mut Random) -> Self {
        let mut site = Self { next_port: 40_000, ..Self::default() };
        for (trade, share) in [
            (Trade::Resolver, 0),
            (Trade::Collector, 0),
            (Trade::Scanner, 0),
            (Trade::Operator, 4),
            (Trade::Server, 10),
            (Trade::Client, 40),
            (Trade::Controller, 18),
            (Trade::Logger, 6),
            (Trade::Broadcaster, 6),
            (Trade::Occasional, 6),
            (Trade::Absent, 10),
            (Trade::Station, 6),
        ] {
            for _ in 0..(u32::from(size) * share / 100).max(1) {
                site.settle(trade);
            }
        }
        for host in site.hosts.clone() {
            site.work(host, random);
        }
        site.sent.sort_by_key(|sent| sent.at_nanos);
        site
    }

    /// The switch names a VLAN, as LLDP does every half minute (IEEE 802.1AB, VLAN name of 802.1Q Annex D).
    pub fn name_vlan(&mut self, vlan: u16) {
        let [high, low] = vlan.to_be_bytes();
        let name = [0xfe, 10, 0x00, 0x80, 0xc2, 3, high, low, 3, b'p', b'l', b'c', 0, 0];
        let link = Link::between([2, 0, 0, 0, 0, 2], [0x01, 0x80, 0xc2, 0, 0, 0x0e]);
        let (from, to) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        self.sent.push(Sent { at_nanos: START_NANOS, from, to, payload_len: 0, frame: link.frame(ETHERTYPE_LLDP, &name) });
    }

    #[must_use]
    pub fn of(&self, trade: Trade) -> Vec<Ipv4Addr> {
        self.hosts.iter().filter(|host| host.trade == trade).map(|host| host.address).collect()
    }

    /// Writes what is left to a capture.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn write(&self, damage: &Damage, random: &mut Random, capture: &Path) -> Result<Left> {
        let mut writer = CaptureWriter::create(capture)?;
        let left = self.leave(damage, random);
        for (at_nanos, frame) in &left.frames {
            writer.write(*at_nanos, frame)?;
        }
        writer.finish()?;
        Ok(left)
    }

    /// What a mirror with this damage shows.
    #[must_use]
    pub fn leave(&self, damage: &Damage, random: &mut Random) -> Left {
        let mut left = Left::default();
        let mut counts = BTreeMap::<Ipv4Addr, (u64, u64)>::new();
        for sent in &self.sent {
            let (mute, deaf) = (damage.mute.contains(&sent.from), damage.deaf.contains(&sent.to));
            left.damaged.extend(mute.then_some(sent.from));
            left.damaged.extend(deaf.then_some(sent.to));
            let vlan = vlan_of(sent.from);
            let is_unicast = !sent.to.is_broadcast();
            if mute || deaf || damage.missing_vlans.contains(&vlan) || is_unicast && damage.broadcast_vlans.contains(&vlan) {
                continue;
            }
            if is_unicast {
                counts.entry(sent.from).or_default().0 += 1;
                counts.entry(sent.to).or_default().1 += 1;
            }
            let is_whole = [sent.from, sent.to].iter().all(|host| !damage.mute.contains(host) && !damage.deaf.contains(host));
            let counted = if is_whole { sent.payload_len } else { 0 };
            left.stream_bytes += counted;
            if random.below(10_000) < damage.loss {
                left.lost_bytes += counted;
                continue;
            }
            let frame = if damage.tagged && vlan > 0 { tagged(&sent.frame, vlan) } else { sent.frame.clone() };
            left.frames.push((sent.at_nanos, frame));
        }
        left.thin = counts.into_iter().filter(|(_, (sent, received))| *sent.min(received) < 4).map(|(host, _)| host).collect();
        left
    }

    fn settle(&mut self, trade: Trade) {
        let number = u8::try_from(self.hosts.len()).unwrap_or(u8::MAX);
        let network = NETWORKS.get(usize::from(number) % NETWORKS.len()).map_or(0, |vlan| vlan.to_le_bytes()[0]);
        self.hosts.push(WatchedHost { address: Ipv4Addr::new(10, 10, network, 10 + number), trade });
    }

    fn work(&mut self, WatchedHost { address, trade }: WatchedHost, random: &mut Random) {
        match trade {
            Trade::Client => self.be_client(address, random),
            Trade::Operator => self.operate(address, random),
            Trade::Station => self.be_polled(address, random),
            Trade::Logger => {
                for collector in self.of(Trade::Collector) {
                    self.log(address, collector, random);
                }
            }
            Trade::Broadcaster => self.broadcast(address, random),
            Trade::Occasional => self.look_up(address, 1, random),
            Trade::Scanner => self.scan(address, random),
            Trade::Server | Trade::Controller | Trade::Collector | Trade::Resolver | Trade::Absent => {}
        }
        if trade != Trade::Absent {
            self.announce(address, random);
        }
    }

    fn be_client(&mut self, client: Ipv4Addr, random: &mut Random) {
        let servers = self.of(Trade::Server);
        for number in 0..2 + random.below(4) {
            let Some(server) = pick(&servers, random) else { return };
            let exchanges = 1 + random.below(8);
            let big = number == 0 && random.chance(25);
            self.connect(client, server, if big { 60 } else { exchanges }, if big { 12 } else { 2 }, random);
        }
        let questions = 1 + random.below(3);
        self.look_up(client, questions, random);
    }

    /// Requests, and answers of up to `segments` segments.
    fn connect(&mut self, client: Ipv4Addr, server: Ipv4Addr, exchanges: u64, segments: u64, random: &mut Random) {
        let mut talk = self.talk(client, server, TCP, 443);
        let mut at = when(random);
        let opening = talk.open();
        self.put_all(&talk, &mut at, &opening, random);
        for _ in 0..exchanges {
            self.say(&mut talk, &mut at, Way::ToServer, 40 + random.below(400), random);
            for segment in 0..=random.below(segments) {
                self.say(&mut talk, &mut at, Way::ToClient, 200 + random.below(1_240), random);
                if segment % 2 == 1 {
                    self.say(&mut talk, &mut at, Way::ToServer, 0, random);
                }
            }
            self.say(&mut talk, &mut at, Way::ToServer, 0, random);
        }
        let closing = talk.close();
        self.put_all(&talk, &mut at, &closing, random);
    }

    fn operate(&mut self, operator: Ipv4Addr, random: &mut Random) {
        for controller in self.of(Trade::Controller) {
            let mut talk = self.talk(operator, controller, TCP, 502);
            let mut at = when(random);
            let opening = talk.open();
            if random.chance(50) {
                self.put_all(&talk, &mut at, &opening, random);
            }
            for _ in 0..10 + random.below(60) {
                self.say(&mut talk, &mut at, Way::ToServer, 12, random);
                self.say(&mut talk, &mut at, Way::ToClient, 29, random);
            }
        }
    }

    /// Each operator reads a property, again and again: both ends use the same port.
    fn be_polled(&mut self, station: Ipv4Addr, random: &mut Random) {
        for operator in self.of(Trade::Operator) {
            let mut talk = self.talk(operator, station, UDP, 47_808);
            talk.client.set_port(47_808);
            let mut at = when(random);
            for number in 0..10 + random.below(20) {
                let invoke = number.to_le_bytes()[0];
                let question = [0x81, 0x0a, 0, 17, 1, 4, 0, 5, invoke, 12, 12, 2, 0, 0, 5, 0x19, 0x55];
                let answer =
                    [&[0x81, 0x0a, 0, 23, 1, 0, 0x30, invoke, 12, 12, 2, 0, 0, 5, 0x19, 0x55][..], b"\x3e\x44\x42\x28\0\0\x3f"];
                for (way, payload) in [(Way::ToServer, question.to_vec()), (Way::ToClient, answer.concat())] {
                    let frame = talk.say(way, &payload);
                    self.put_all(&talk, &mut at, &[(way, frame)], random);
                }
            }
        }
    }

    fn look_up(&mut self, client: Ipv4Addr, questions: u64, random: &mut Random) {
        for resolver in self.of(Trade::Resolver) {
            for number in 0..questions {
                let mut talk = self.talk(client, resolver, UDP, 53);
                let mut at = when(random);
                let name = format!("h{number}.site.example");
                let query = crate::hosts::wire::dns_query(u16::try_from(number).unwrap_or(0), &name);
                let answer = crate::hosts::wire::dns_answer(&query, &name, client);
                for (way, payload) in [(Way::ToServer, query), (Way::ToClient, answer)] {
                    let frame = talk.say(way, &payload);
                    self.put_all(&talk, &mut at, &[(way, frame)], random);
                }
            }
        }
    }

    fn log(&mut self, logger: Ipv4Addr, collector: Ipv4Addr, random: &mut Random) {
        let mut talk = self.talk(logger, collector, UDP, 514);
        for _ in 0..5 + random.below(40) {
            let mut at = when(random);
            self.say(&mut talk, &mut at, Way::ToServer, 80, random);
        }
    }

    fn broadcast(&mut self, host: Ipv4Addr, random: &mut Random) {
        let link = Link::between(mac_of(host), [0xff; 6]);
        let mut talk = Talk::new(link, UDP, (host, 138).into(), (Ipv4Addr::BROADCAST, 138).into());
        for _ in 0..5 + random.below(10) {
            let mut at = when(random);
            self.say(&mut talk, &mut at, Way::ToServer, 60, random);
        }
    }

    /// Two SYNs to every address without a host; live ones refuse.
    fn scan(&mut self, scanner: Ipv4Addr, random: &mut Random) {
        for absent in self.of(Trade::Absent) {
            let mut talk = self.talk(scanner, absent, TCP, 22);
            let mut at = when(random);
            let [syn, ..] = talk.open();
            self.put_all(&talk, &mut at, &[syn.clone(), syn], random);
        }
    }

    fn announce(&mut self, host: Ipv4Addr, random: &mut Random) {
        let [a, b, c, _] = host.octets();
        let ask = packet::arp(1, (mac_of(host), host), ([0; 6], Ipv4Addr::new(a, b, c, 1)));
        let frame = Link::between(mac_of(host), [0xff; 6]).frame(ETHERTYPE_ARP, &ask);
        self.sent.push(Sent { at_nanos: when(random), from: host, to: Ipv4Addr::BROADCAST, payload_len: 0, frame });
    }

    /// Each packet as it enters the switch: the sender's own MAC, then its neighbour's or the router's.
    fn talk(&mut self, client: Ipv4Addr, server: Ipv4Addr, protocol: u8, port: u16) -> Talk {
        self.next_port = if self.next_port == u16::MAX { 40_000 } else { self.next_port + 1 };
        let to = |host| if vlan_of(client) == vlan_of(server) { mac_of(host) } else { ROUTER_MAC };
        let link = Link { answer: (mac_of(server), to(client)), ..Link::between(mac_of(client), to(server)) };
        let from: SocketAddr = (client, self.next_port).into();
        Talk::new(link, protocol, from, (server, port).into())
    }

    fn say(&mut self, talk: &mut Talk, at: &mut u64, way: Way, len: u64, random: &mut Random) {
        let frame = talk.say(way, &vec![0x5a; usize::try_from(len).unwrap_or(0)]);
        *at += random.below(20) * MILLISECOND + 1;
        self.push(talk, *at, way, if talk.protocol == TCP { len } else { 0 }, frame);
    }

    fn put_all(&mut self, talk: &Talk, at: &mut u64, frames: &[(Way, Vec<u8>)], random: &mut Random) {
        for (way, frame) in frames {
            *at += random.below(20) * MILLISECOND + 1;
            self.push(talk, *at, *way, 0, frame.clone());
        }
    }

    fn push(&mut self, talk: &Talk, at_nanos: u64, way: Way, payload_len: u64, frame: Vec<u8>) {
        let address = |end: SocketAddr| if let SocketAddr::V4(end) = end { *end.ip() } else { Ipv4Addr::UNSPECIFIED };
        let (client, server) = (address(talk.client), address(talk.server));
        let (from, to) = if way == Way::ToServer { (client, server) } else { (server, client) };
        self.sent.push(Sent { at_nanos, from, to, payload_len, frame });
    }
}

/// The VLAN of a host's network.
#[must_use]
pub fn vlan_of(host: Ipv4Addr) -> u16 {
    u16::from(host.octets()[2])
}

fn mac_of(host: Ipv4Addr) -> [u8; 6] {
    let [_, _, c, d] = host.octets();
    [2, 0, 0, 1, c, d]
}

fn when(random: &mut Random) -> u64 {
    START_NANOS + random.below(SPAN_NANOS / MILLISECOND) * MILLISECOND
}

fn pick(hosts: &[Ipv4Addr], random: &mut Random) -> Option<Ipv4Addr> {
    let place = usize::try_from(random.below(hosts.len() as u64)).ok()?;
    hosts.get(place).copied()
}

fn tagged(frame: &[u8], vlan: u16) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12.min(frame.len()));
    [addresses, &[0x81, 0], &vlan.to_be_bytes(), rest].concat()
}

//! The plant of the demo over days, as its mirror port would show it: for those who may not make namespaces.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;

use super::Recipe;
use super::random::Random;
use super::recorder::Recorder;
use super::talk::{Talk, Way};
use crate::hosts::wire;
use crate::packet::{self, ETHERTYPE_ARP, Link, TCP, UDP};
use crate::plant::{BACKUP, FILES, HISTORIAN, HMI, INTRUDER, MONITOR, PLC, PRINTER, RESOLVER, mac_of};

const HOURS: (&str, u64) = ("hours", 50);

pub const QUIET: Recipe = Recipe { name: "plant", about: "the demo's plant at work, nobody else", counts: HOURS, make: quiet };
pub const INTRUDED: Recipe =
    Recipe { name: "intruder", about: "the demo's plant with an intruder in its last hour", counts: HOURS, make: intruded };

const SECOND: u64 = 1_000_000_000;
const GAP_NANOS: u64 = 400_000;
/// The router's own address on either side: hosts send it what is for the other subnet.
const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Every `period` seconds, beginning at `offset`.
struct Habit {
    period: u64,
    offset: u64,
    act: fn(&mut Scene<'_>, round: u64) -> Result<()>,
}

const HABITS: &[Habit] = &[
    Habit { period: 3600, offset: 1, act: |scene, round| scene.greet(round) },
    Habit { period: 30, offset: 5, act: |scene, round| scene.operate(round) },
    Habit { period: 60, offset: 10, act: |scene, round| scene.record(round) },
    Habit { period: 60, offset: 20, act: |scene, round| scene.monitor(round) },
    Habit { period: 600, offset: 30, act: |scene, round| scene.look_up(round) },
    Habit { period: 1800, offset: 40, act: |scene, round| scene.archive(round) },
    Habit { period: 8 * 3600, offset: 7200, act: |scene, round| scene.print(round) },
    Habit { period: 24 * 3600, offset: 2 * 3600, act: |scene, round| scene.back_up(round) },
];

fn quiet(recorder: &mut Recorder, hours: u64, _: &mut Random) -> Result<()> {
    play(recorder, hours, None)
}

fn intruded(recorder: &mut Recorder, hours: u64, _: &mut Random) -> Result<()> {
    play(recorder, hours, Some(hours.saturating_sub(1) * 3600 + 123))
}

fn play(recorder: &mut Recorder, hours: u64, intrusion_at: Option<u64>) -> Result<()> {
    let start = recorder.now;
    let mut operator = Talk::new(link(HMI, PLC), TCP, (HMI, 49_200).into(), (PLC, 502).into());
    let opening = operator.open();
    let mut scene = Scene { recorder, operator, next_port: 49_300 };
    let operator = scene.operator.clone();
    scene.put_all(&operator, &opening)?;
    for second in 0..hours * 3600 {
        for habit in HABITS.iter().filter(|habit| second % habit.period == habit.offset % habit.period && second >= habit.offset)
        {
            scene.recorder.now = scene.recorder.now.max(start + second * SECOND);
            (habit.act)(&mut scene, second / habit.period)?;
        }
        if intrusion_at == Some(second) {
            scene.recorder.now = scene.recorder.now.max(start + second * SECOND);
            scene.intrude()?;
        }
    }
    Ok(())
}

struct Scene<'a> {
    recorder: &'a mut Recorder,
    /// The HMI's connection to the controller: one, for ever.
    operator: Talk,
    next_port: u16,
}

impl Scene<'_> {
    /// Everybody asks for the router's address and tells its name.
    fn greet(&mut self, round: u64) -> Result<()> {
        for (address, ..) in wire::NAMES {
            let everyone = Link::between(mac_of(address), [0xff; 6]);
            let [a, b, c, _] = address.octets();
            let ask = packet::arp(1, (mac_of(address), address), ([0; 6], Ipv4Addr::new(a, b, c, 1)));
            self.recorder.now += GAP_NANOS;
            self.recorder.put_other(&everyone.frame(ETHERTYPE_ARP, &ask))?;
            let mut talk = Talk::new(everyone, UDP, (address, 68).into(), (Ipv4Addr::BROADCAST, 67).into());
            let inform = wire::dhcp_inform(round as u32, address, mac_of(address));
            self.say(&mut talk, Way::ToServer, &inform)?;
        }
        Ok(())
    }

    fn operate(&mut self, round: u64) -> Result<()> {
        let request = wire::modbus_read(round as u16);
        let mut talk = self.operator.clone();
        self.exchange(&mut talk, &request, &wire::modbus_answer(&request))?;
        if round % 20 == 7 {
            let write = wire::modbus_write(round as u16, 40, round as u16);
            self.exchange(&mut talk, &write, &wire::modbus_answer(&write))?;
        }
        self.operator = talk;
        Ok(())
    }

    fn record(&mut self, round: u64) -> Result<()> {
        let request = wire::modbus_read(round as u16);
        self.connection(HISTORIAN, PLC, 502, &[(request.clone(), wire::modbus_answer(&request))])
    }

    fn monitor(&mut self, round: u64) -> Result<()> {
        for agent in [PLC, FILES, PRINTER] {
            let request = wire::snmp_get(round as i32);
            self.datagrams(MONITOR, agent, 161, &request, &wire::snmp_answer(&request, agent))?;
        }
        Ok(())
    }

    fn look_up(&mut self, round: u64) -> Result<()> {
        for client in [HMI, BACKUP] {
            let name = "files-1.plant.example";
            let query = wire::dns_query(round as u16, name);
            self.datagrams(client, RESOLVER, 53, &query, &wire::dns_answer(&query, name, FILES))?;
        }
        Ok(())
    }

    fn archive(&mut self, _: u64) -> Result<()> {
        let exchanges: Vec<_> = (0..6).map(wire::smb_exchange).collect();
        self.connection(HISTORIAN, FILES, 445, &exchanges)
    }

    fn print(&mut self, _: u64) -> Result<()> {
        self.connection(HMI, PRINTER, 9100, &[wire::print_exchange()])
    }

    fn back_up(&mut self, _: u64) -> Result<()> {
        let greeting = b"@RSYNCD: 31.0\n".to_vec();
        let mut exchanges = vec![(greeting.clone(), greeting), (b"archive\n".to_vec(), b"@RSYNCD: OK\n".to_vec())];
        exchanges.extend((0..60).map(|_| (Vec::new(), vec![0x6b; 1400])));
        self.connection(BACKUP, FILES, 873, &exchanges)
    }

    fn intrude(&mut self) -> Result<()> {
        let write = wire::modbus_write(1, 41, 0xdead);
        for server in [FILES, PLC] {
            self.connection(INTRUDER, server, 3389, &[wire::rdp_exchange()])?;
            self.connection(INTRUDER, server, 445, &[wire::smb_exchange(0)])?;
        }
        self.connection(INTRUDER, PLC, 502, &[(write.clone(), wire::modbus_answer(&write))])
    }

    fn connection(&mut self, client: Ipv4Addr, server: Ipv4Addr, port: u16, exchanges: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
        let mut talk = Talk::new(link(client, server), TCP, self.from(client), (server, port).into());
        let opening = talk.open();
        self.put_all(&talk, &opening)?;
        for (request, answer) in exchanges {
            self.exchange(&mut talk, request, answer)?;
        }
        let closing = talk.close();
        self.put_all(&talk, &closing)
    }

    fn datagrams(&mut self, client: Ipv4Addr, server: Ipv4Addr, port: u16, request: &[u8], answer: &[u8]) -> Result<()> {
        let mut talk = Talk::new(link(client, server), UDP, self.from(client), (server, port).into());
        self.exchange(&mut talk, request, answer)
    }

    fn exchange(&mut self, talk: &mut Talk, request: &[u8], answer: &[u8]) -> Result<()> {
        if !request.is_empty() {
            self.say(talk, Way::ToServer, request)?;
        }
        self.say(talk, Way::ToClient, answer)
    }

    fn say(&mut self, talk: &mut Talk, way: Way, payload: &[u8]) -> Result<()> {
        let frame = talk.say(way, payload);
        self.put_all(talk, &[(way, frame)])
    }

    fn put_all(&mut self, talk: &Talk, frames: &[(Way, Vec<u8>)]) -> Result<()> {
        for (way, frame) in frames {
            self.recorder.now += GAP_NANOS;
            self.recorder.put(talk, *way, frame)?;
        }
        Ok(())
    }

    /// A client port of its own for each flow, in the dynamic range (RFC 6335 6).
    fn from(&mut self, client: Ipv4Addr) -> SocketAddr {
        self.next_port = if self.next_port == u16::MAX { 49_300 } else { self.next_port + 1 };
        (client, self.next_port).into()
    }
}

/// As a mirror of what enters the router shows it: the sender's own MAC, then its neighbour's or the router's.
fn link(client: Ipv4Addr, server: Ipv4Addr) -> Link {
    let neighbours = client.octets()[..3] == server.octets()[..3];
    let to = |host| if neighbours { mac_of(host) } else { ROUTER_MAC };
    Link { answer: (mac_of(server), to(client)), ..Link::between(mac_of(client), to(server)) }
}

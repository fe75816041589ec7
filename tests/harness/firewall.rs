//! A router or switch under test between two wires: packets of any address go in on one side, and what comes out on the other is known.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pcap::{Active, Capture};

use crate::link;
use crate::namespace::Namespace;
use crate::packet::{self, ICMP, ICMPV6, Link, Network, SCTP, TCP, UDP};
use crate::wire_sender::WireSender;

/// What is behind each wire.
pub const LEFT_V4: &str = "10.10.0.0/16";
pub const RIGHT_V4: &str = "10.20.0.0/16";
pub const LEFT_V6: &str = "fd10::/32";
pub const RIGHT_V6: &str = "fd20::/32";

const ROUTER_MAC: [[u8; 6]; 2] = [[2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2]];
const HOST_MAC: [[u8; 6]; 2] = [[2, 0, 0, 0, 2, 1], [2, 0, 0, 0, 2, 2]];
/// The hosts on the wires themselves (RFC 5737): in no policy, so they always get through.
const HOST_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 2), Ipv4Addr::new(192, 0, 2, 6)];
const WIRES: [&str; 2] = ["left", "right"];
const MARK: &[u8] = b"cordon packet number ";
/// Packets at a time: a switch in user space reads them out of a buffer that holds some two hundred.
const GROUP: usize = 64;
/// Of a packet that does not come out.
const TRIES: usize = 3;
/// How often the far side is looked at.
const PACE: Duration = Duration::from_micros(200);
/// How long packets may come behind the last one that was sent.
const LATE: Duration = Duration::from_millis(30);
/// How long is waited for a marker before it is sent again.
const ONE_TRY: Duration = Duration::from_millis(500);
/// How long the last packet may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A packet that opens something, as a policy speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// IANA number.
    pub protocol: u8,
    /// ICMP: the code.
    pub source_port: u16,
    /// ICMP: the type.
    pub destination_port: u16,
    /// What a TCP segment carries; a SYN alone opens.
    pub tcp_flags: u8,
}

/// What stands between two wires, and nothing else.
#[derive(Debug)]
pub struct Firewall {
    /// Where the rules are. Its interfaces are called `left` and `right`.
    pub router: Namespace,
    pub hosts: [Namespace; 2],
    /// Where frames from each host are sent to.
    next_hop: [[u8; 6]; 2],
}

impl Firewall {
    /// Two wires into a namespace in which nobody carries frames from one to the other yet.
    ///
    /// # Errors
    /// Without root, iproute2 or ethtool.
    pub fn wires() -> Result<Self> {
        let firewall = Self {
            router: Namespace::create("firewall")?,
            hosts: [Namespace::create("left")?, Namespace::create("right")?],
            next_hop: [HOST_MAC[1], HOST_MAC[0]],
        };
        for (side, wire) in WIRES.into_iter().enumerate() {
            link::connect((&firewall.router, wire), (&firewall.hosts[side], "wire0"))?;
            link::set_mac(&firewall.hosts[side], "wire0", &text(HOST_MAC[side]))?;
        }
        Ok(firewall)
    }

    /// A router between the wires.
    ///
    /// # Errors
    /// Without root, iproute2 or ethtool.
    pub fn build() -> Result<Self> {
        let firewall = Self { next_hop: ROUTER_MAC, ..Self::wires()? };
        let router = &firewall.router;
        router.sysctl("net.ipv4.ip_forward", "1")?;
        router.sysctl("net.ipv6.conf.all.disable_ipv6", "0")?;
        router.sysctl("net.ipv6.conf.default.disable_ipv6", "0")?;
        router.sysctl("net.ipv6.conf.default.accept_dad", "0")?;
        router.sysctl("net.ipv6.conf.all.forwarding", "1")?;
        for side in 0..2 {
            let wire = WIRES[side];
            link::set_mac(router, wire, &text(ROUTER_MAC[side]))?;
            let (v4, v6) = [(LEFT_V4, LEFT_V6), (RIGHT_V4, RIGHT_V6)][side];
            let host = HOST_V4[side].to_string();
            let own = Ipv4Addr::from(u32::from(HOST_V4[side]) - 1);
            router.run("ip", &["addr", "add", &format!("{own}/30"), "dev", wire])?;
            router.run("ip", &["neigh", "add", &host, "lladdr", &text(HOST_MAC[side]), "dev", wire, "nud", "permanent"])?;
            router.run("ip", &["route", "add", v4, "via", &host, "dev", wire])?;
            router.run(
                "ip",
                &["-6", "neigh", "add", "fe80::2", "lladdr", &text(HOST_MAC[side]), "dev", wire, "nud", "permanent"],
            )?;
            router.run("ip", &["-6", "route", "add", v6, "via", "fe80::2", "dev", wire])?;
        }
        Ok(firewall)
    }

    /// Gives each host its own addresses, so that programs may talk across: see [`Self::address`].
    ///
    /// # Errors
    /// Without iproute2.
    pub fn inhabit(&self) -> Result<()> {
        let is_routed = self.next_hop == ROUTER_MAC;
        for (side, host) in self.hosts.iter().enumerate() {
            host.sysctl("net.ipv6.conf.all.disable_ipv6", "0")?;
            host.sysctl("net.ipv6.conf.wire0.accept_dad", "0")?;
            host.sysctl("net.ipv6.conf.wire0.disable_ipv6", "0")?;
            let run = |words: &str| host.run("ip", &words.split(' ').collect::<Vec<_>>());
            let (v4, v6) = (Self::address(side, true), Self::address(side, false));
            if !is_routed {
                // Both sides are one network, and find each other by ARP and neighbour discovery.
                run(&format!("addr add {v4}/8 dev wire0"))?;
                run(&format!("addr add {v6}/8 dev wire0"))?;
                continue;
            }
            let own = HOST_V4[side];
            run(&format!("addr add {own}/30 dev wire0"))?;
            run(&format!("addr add {v4}/32 dev lo"))?;
            run(&format!("route add default via {} dev wire0 src {v4}", Ipv4Addr::from(u32::from(own) - 1)))?;
            run("addr add fe80::2/64 dev wire0")?;
            run(&format!("addr add {v6}/128 dev lo"))?;
            run(&format!("neigh add fe80::1 lladdr {} dev wire0 nud permanent", text(ROUTER_MAC[side])))?;
            run(&format!("-6 route add default via fe80::1 dev wire0 src {v6}"))?;
        }
        Ok(())
    }

    /// The address of the host on that side, after [`Self::inhabit`].
    #[must_use]
    pub fn address(side: usize, is_v4: bool) -> IpAddr {
        match (is_v4, side) {
            (true, 0) => Ipv4Addr::new(10, 10, 0, 5).into(),
            (true, _) => Ipv4Addr::new(10, 20, 0, 5).into(),
            (false, 0) => std::net::Ipv6Addr::new(0xfd10, 0, 0, 0, 0, 0, 0, 5).into(),
            (false, _) => std::net::Ipv6Addr::new(0xfd20, 0, 0, 0, 0, 0, 0, 5).into(),
        }
    }

    /// Replaces whatever rules there are.
    ///
    /// # Errors
    /// When nft refuses the text.
    pub fn load(&self, rules: &Path) -> Result<()> {
        self.router.run("nft", &["flush", "ruleset"])?;
        let _ = self.router.run("conntrack", &["-F"]);
        let mut command = self.router.command("nft");
        crate::namespace::run(command.env("TZ", "UTC").arg("-f").arg(rules)).map(|_| ())
    }

    /// Sends every packet, and tells which came out on the other side. Those that did not are sent again: a switch that learns of many
    /// flows at once loses packets, which is not the same as to deny them.
    ///
    /// # Errors
    /// When even the packet that no rule speaks of does not come out.
    pub fn passed(&self, openings: &[Opening]) -> Result<Vec<bool>> {
        let mut through = BTreeSet::new();
        for side in [0, 1].repeat(TRIES) {
            let all = openings.iter().enumerate().filter(|(_, one)| side_of(one.source) == side);
            let mine: Vec<(usize, &Opening)> = all.filter(|(number, _)| !through.contains(number)).collect();
            through.extend(self.cross(side, &mine)?);
        }
        Ok((0..openings.len()).map(|number| through.contains(&number)).collect())
    }

    fn cross(&self, from: usize, openings: &[(usize, &Opening)]) -> Result<BTreeSet<usize>> {
        let to = 1 - from;
        let mut ear = self.hosts[to]
            .enter(|| Ok(Capture::from_device("wire0")?.immediate_mode(true).buffer_size(1 << 24).open()?.setnonblock()?))?;
        let mut sender = WireSender::open(&self.hosts[from], "wire0")?;
        let link = Link::between(HOST_MAC[from], self.next_hop[from]);
        let mut through = BTreeSet::new();
        // In groups, so that no buffer between us and the router runs over; each ends with a packet that must get through.
        for (round, group) in openings.chunks(GROUP).enumerate() {
            for (number, opening) in group {
                sender.send(&frame(&link, opening, *number))?;
            }
            let last = usize::MAX - round;
            let port = u16::try_from(10_000 + round).unwrap_or(u16::MAX);
            let marker = Opening {
                source: HOST_V4[from].into(),
                destination: HOST_V4[to].into(),
                protocol: UDP,
                source_port: port,
                destination_port: 9,
                tcp_flags: packet::SYN,
            };
            let start = Instant::now();
            // The marker may be lost too.
            loop {
                sender.send(&frame(&link, &marker, last))?;
                if listen(&mut ear, last, &mut through)? {
                    break;
                }
                if start.elapsed() > PATIENCE {
                    bail!("a packet that no rule speaks of did not cross the router");
                }
            }
        }
        // A switch that sends some packets through more tables than others puts them in another order.
        let quiet = Instant::now();
        while quiet.elapsed() < LATE {
            match ear.next_packet() {
                Ok(packet) => through.extend(number_in(packet.data)),
                Err(pcap::Error::TimeoutExpired) => std::thread::park_timeout(PACE),
                Err(error) => return Err(error).context("listening on the far side"),
            }
        }
        Ok(through)
    }
}

/// Takes numbers off the wire until `last`; false when that did not come.
fn listen(ear: &mut Capture<Active>, last: usize, through: &mut BTreeSet<usize>) -> Result<bool> {
    let start = Instant::now();
    while start.elapsed() < ONE_TRY {
        match ear.next_packet() {
            Ok(packet) => match number_in(packet.data) {
                Some(number) if number == last => return Ok(true),
                Some(number) => drop(through.insert(number)),
                None => {}
            },
            Err(pcap::Error::TimeoutExpired) => std::thread::park_timeout(PACE),
            Err(error) => return Err(error).context("listening on the far side"),
        }
    }
    Ok(false)
}

fn frame(link: &Link, opening: &Opening, number: usize) -> Vec<u8> {
    let Opening { source, destination, protocol, source_port, destination_port, tcp_flags } = *opening;
    let network = Network { source, destination, protocol, id: 1 };
    let payload = [MARK, &(number as u64).to_be_bytes()].concat();
    let ports = (source_port, destination_port);
    let message = match protocol {
        TCP => packet::tcp(&network, ports, (1, 0), tcp_flags, &payload),
        UDP => packet::udp(&network, ports, &payload),
        SCTP => packet::sctp(ports, &payload),
        // Identifier and sequence number before the data (RFC 792): each packet its own, so that none is another's answer.
        ICMP | ICMPV6 => {
            let (kind, code) = (u8::try_from(destination_port).unwrap_or(8), u8::try_from(source_port).unwrap_or(0));
            let own = u32::try_from(number % 0xffff_ffff).unwrap_or(0).rotate_left(16).to_be_bytes();
            packet::icmp(&network, kind, code, &[&own[..], &payload[..]].concat())
        }
        _ => payload,
    };
    link.ip(&network, &message)
}

fn number_in(frame: &[u8]) -> Option<usize> {
    let at = frame.windows(MARK.len()).position(|window| window == MARK)?;
    let digits = frame.get(at + MARK.len()..)?.first_chunk::<8>()?;
    usize::try_from(u64::from_be_bytes(*digits)).ok()
}

/// 0 for the left wire.
fn side_of(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(v4) => usize::from(v4.octets()[1] == 20),
        IpAddr::V6(v6) => usize::from(v6.segments()[0] == 0xfd20),
    }
}

fn text(mac: [u8; 6]) -> String {
    sensor_model::MacAddr(mac).to_string()
}

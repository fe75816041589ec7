//! One packet as an enforcement point sees it: a point of the space that sets are made of.

use std::fmt;
use std::net::IpAddr;

use crate::{FlagSet, Link, WeekSet};

/// What a stateful point knows of a packet's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionState {
    /// Opens a connection, or belongs to none that the point knows.
    New,
    /// Belongs to (or is an error about) a connection that was admitted.
    Established,
}

/// A packet. Both addresses are of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// IANA number.
    pub protocol: u8,
    /// TCP, UDP and SCTP: the port. ICMP: the type. Otherwise 0.
    pub source_port: u16,
    /// TCP, UDP and SCTP: the port. ICMP: the code. Otherwise 0.
    pub destination_port: u16,
    /// The TCP flag byte; otherwise 0.
    pub flags: u8,
    pub state: ConnectionState,
    /// 0 = Monday 00:00 UTC.
    pub minute_of_week: u16,
    pub link: Link,
}

impl Packet {
    /// A packet in an ordinary frame, untagged; of TCP the SYN that opens a connection, or an ACK of one that is open. `ports` are the source
    /// and the destination port, or ICMP type and code.
    #[must_use]
    pub fn new(
        source: IpAddr,
        destination: IpAddr,
        protocol: u8,
        ports: (u16, u16),
        state: ConnectionState,
        minute_of_week: u16,
    ) -> Self {
        let (source_port, destination_port) = ports;
        let flags = Self::usual_flags(protocol, state);
        Self { source, destination, protocol, source_port, destination_port, flags, state, minute_of_week, link: Link::default() }
    }

    const fn usual_flags(protocol: u8, state: ConnectionState) -> u8 {
        // RFC 9293 3.5: a SYN opens; every later packet carries an ACK.
        match (protocol, state) {
            (6, ConnectionState::New) => FlagSet::SYN,
            (6, ConnectionState::Established) => FlagSet::ACK,
            _ => 0,
        }
    }

    /// False for what no wire carries: addresses of two families, a minute beyond the week. No set holds such a packet.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.source.is_ipv4() == self.destination.is_ipv4() && self.minute_of_week < WeekSet::MINUTES
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, source_port, destination_port, .. } = self;
        match self.protocol {
            6 => write!(f, "tcp {source} port {source_port} -> {destination} port {destination_port}")?,
            17 => write!(f, "udp {source} port {source_port} -> {destination} port {destination_port}")?,
            132 => write!(f, "sctp {source} port {source_port} -> {destination} port {destination_port}")?,
            1 | 58 => write!(f, "icmp {source} -> {destination} type {source_port} code {destination_port}")?,
            number => write!(f, "ip protocol {number} {source} -> {destination}")?,
        }
        if self.flags != Self::usual_flags(self.protocol, self.state) {
            let names: Vec<&str> = FlagSet::NAMES
                .into_iter()
                .zip(0..8)
                .filter(|(_, bit)| self.flags >> bit & 1 == 1)
                .map(|(name, _)| name)
                .collect();
            write!(f, " flags {}", if names.is_empty() { "none".into() } else { names.join(",") })?;
        }
        write!(f, "{}", self.link)?;
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].get(usize::from(self.minute_of_week / 1440)).unwrap_or(&"?");
        let state = match self.state {
            ConnectionState::New => "new",
            ConnectionState::Established => "established",
        };
        write!(f, " ({state}, {day} {:02}:{:02} UTC)", self.minute_of_week % 1440 / 60, self.minute_of_week % 60)
    }
}

//! One conversation of a capture: who, over which wire, and how far its sequence numbers are.

use std::net::SocketAddr;

use crate::packet::{self, ACK, FIN, ICMP, ICMPV6, Link, Network, PSH, SYN, TCP};

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// A TCP connection, a UDP exchange, or a series of pings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// As the client's frames carry it.
    pub link: Link,
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub protocol: u8,
    sent: (u32, u32),
    id: u16,
}

impl Talk {
    #[must_use]
    pub const fn new(link: Link, protocol: u8, client: SocketAddr, server: SocketAddr) -> Self {
        Self { link, client, server, protocol, sent: (1000, 9000), id: 1 }
    }

    /// The next frame with this payload.
    pub fn say(&mut self, way: Way, payload: &[u8]) -> Vec<u8> {
        if self.protocol == TCP {
            return self.segment(way, ACK | PSH, payload);
        }
        let network = self.network(way);
        self.framed(way, &network, &self.message(way, &network, payload))
    }

    /// The next UDP datagram or ping, cut in pieces of at most `piece_len` bytes.
    pub fn say_in_pieces(&mut self, way: Way, payload: &[u8], piece_len: usize) -> Vec<Vec<u8>> {
        let network = self.network(way);
        let message = self.message(way, &network, payload);
        let link = if way == Way::ToServer { self.link.clone() } else { self.link.reversed() };
        network.fragments(&message, piece_len).iter().map(|piece| link.frame(network.ethertype(), piece)).collect()
    }

    /// The three frames that open a TCP connection.
    pub fn open(&mut self) -> [(Way, Vec<u8>); 3] {
        [
            (Way::ToServer, self.segment(Way::ToServer, SYN, &[])),
            (Way::ToClient, self.segment(Way::ToClient, SYN | ACK, &[])),
            (Way::ToServer, self.segment(Way::ToServer, ACK, &[])),
        ]
    }

    /// The three frames that close a TCP connection, the client first.
    pub fn close(&mut self) -> [(Way, Vec<u8>); 3] {
        [
            (Way::ToServer, self.segment(Way::ToServer, FIN | ACK, &[])),
            (Way::ToClient, self.segment(Way::ToClient, FIN | ACK, &[])),
            (Way::ToServer, self.segment(Way::ToServer, ACK, &[])),
        ]
    }

    fn segment(&mut self, way: Way, flags: u8, payload: &[u8]) -> Vec<u8> {
        let network = self.network(way);
        let acknowledges = flags & ACK != 0;
        let (ours, theirs) = if way == Way::ToServer { self.sent } else { (self.sent.1, self.sent.0) };
        let segment = packet::tcp(&network, self.ports(way), (ours, if acknowledges { theirs } else { 0 }), flags, payload);
        // SYN and FIN take a number each (RFC 9293 3.4).
        let taken = u32::try_from(payload.len()).unwrap_or(0) + u32::from(flags & (SYN | FIN) != 0);
        let counter = if way == Way::ToServer { &mut self.sent.0 } else { &mut self.sent.1 };
        *counter = counter.wrapping_add(taken);
        self.framed(way, &network, &segment)
    }

    fn message(&self, way: Way, network: &Network, payload: &[u8]) -> Vec<u8> {
        match (self.protocol, way) {
            (ICMP, Way::ToServer) => packet::icmp(network, 8, 0, payload),
            (ICMP, Way::ToClient) => packet::icmp(network, 0, 0, payload),
            (ICMPV6, Way::ToServer) => packet::icmp(network, 128, 0, payload),
            (ICMPV6, Way::ToClient) => packet::icmp(network, 129, 0, payload),
            _ => packet::udp(network, self.ports(way), payload),
        }
    }

    fn network(&mut self, way: Way) -> Network {
        self.id = self.id.wrapping_add(1);
        let (source, destination) = self.ends(way);
        Network { source: source.ip(), destination: destination.ip(), protocol: self.protocol, id: self.id }
    }

    fn framed(&self, way: Way, network: &Network, message: &[u8]) -> Vec<u8> {
        if way == Way::ToServer { self.link.ip(network, message) } else { self.link.reversed().ip(network, message) }
    }

    const fn ends(&self, way: Way) -> (SocketAddr, SocketAddr) {
        if matches!(way, Way::ToServer) { (self.client, self.server) } else { (self.server, self.client) }
    }

    const fn ports(&self, way: Way) -> (u16, u16) {
        let (source, destination) = self.ends(way);
        (source.port(), destination.port())
    }
}

//! A steady stream with a number and a time in each piece: how long a path stays open is read off at its far end.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};

use super::service::{Answerer, Client, Identity, Peer, Server, Task};
use crate::tally::now_nanos;

pub const DATAGRAM_SINK: Answerer = Answerer {
    name: "probe",
    answer: |_, _, peer| {
        peer.count("probe");
        None
    },
};
pub const DATAGRAM_SOURCE: Client = Client { name: "probe-send", run: send };
/// Takes any connection and whatever comes: an open port with nobody behind it.
pub const STREAM_SERVER: Server = Server { name: "sink", serve: swallow };

fn swallow(stream: &mut TcpStream, _: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer)? > 0 {
        peer.count("sink");
    }
    Ok(())
}

fn send(task: &Task<'_>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // Not connected: an ICMP answer would then come back as an error and end the stream.
    for number in 0u64.. {
        let piece = [number.to_be_bytes(), now_nanos().to_be_bytes()].concat();
        if socket.send_to(&piece, task.target).is_ok() {
            task.tally.add("probe");
        }
        task.rest();
    }
    Ok(())
}

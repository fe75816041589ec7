//! What a host can be made of: something that serves a stream, answers a datagram, or asks others.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::tally::Tally;

/// How long a client waits before it counts a failure: far above any delay on a veth and any hiccup of a
/// busy machine.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Who a host says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    /// Vendor and product in one line, as sysDescr or a device identification would say.
    pub product: String,
    /// What its name server knows.
    pub records: Vec<(String, Ipv4Addr)>,
}

/// Serves one accepted connection until its end.
pub struct Server {
    pub name: &'static str,
    pub serve: fn(&mut TcpStream, &Identity, &Peer<'_>) -> io::Result<()>,
}

/// Answers one datagram.
pub struct Answerer {
    pub name: &'static str,
    pub answer: fn(&[u8], &Identity, &Peer<'_>) -> Option<Vec<u8>>,
}

/// Asks a server again and again; returns when the session broke, and is started anew.
pub struct Client {
    pub name: &'static str,
    pub run: fn(&Task<'_>) -> io::Result<()>,
}

/// The other side, for counting.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    pub address: IpAddr,
    pub tally: &'a Tally,
}

impl Peer<'_> {
    /// Counts `what from <address>`.
    pub fn count(&self, what: &str) {
        self.tally.add(&format!("{what} from {}", self.address));
    }
}

/// What a client is told.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    pub target: SocketAddr,
    pub interval: Duration,
    pub identity: &'a Identity,
    pub tally: &'a Tally,
}

impl Task<'_> {
    /// A connection that gives up after `PATIENCE` in everything it does.
    ///
    /// # Errors
    /// When nobody answers in time.
    pub fn connect(&self) -> io::Result<TcpStream> {
        connect(self.target)
    }

    /// Waits until the next round.
    pub fn rest(&self) {
        std::thread::sleep(self.interval);
    }
}

/// # Errors
/// When nobody answers within `PATIENCE`.
pub fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&target, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads exactly `N` bytes.
///
/// # Errors
/// When the stream ends or stalls before.
pub fn read_array<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads `len` bytes, at most 64 KiB.
///
/// # Errors
/// When the length is not plausible, or the stream ends or stalls before.
pub fn read_body(stream: &mut TcpStream, len: usize) -> io::Result<Vec<u8>> {
    if len > 65536 {
        return Err(broken("a length above 64 KiB"));
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// The other side broke its protocol.
#[must_use]
pub fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

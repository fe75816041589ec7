//! RDP up to the point where an attacker would start guessing passwords: X.224 connection request and confirm. \[MS-RDPBCGR\] 2.2.1.1-2.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};

use super::service::{Identity, Peer, Server, broken, connect, read_array, read_body};

/// TPKT, X.224 CR, negotiation request for TLS or CredSSP.
pub(super) const REQUEST: [u8; 19] = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
/// TPKT, X.224 CC, negotiation response: CredSSP.
pub(super) const CONFIRM: [u8; 19] = [3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0x1f, 8, 0, 2, 0, 0, 0];

pub const SERVER: Server = Server { name: "rdp", serve };

fn serve(stream: &mut TcpStream, _: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    loop {
        read_tpkt(stream)?;
        peer.count("rdp request");
        stream.write_all(&CONFIRM)?;
    }
}

/// Asks for a session.
///
/// # Errors
/// When nobody answers in time, or not in RDP.
pub fn open(server: SocketAddr) -> io::Result<()> {
    let mut stream = connect(server)?;
    stream.write_all(&REQUEST)?;
    let answer = read_tpkt(&mut stream)?;
    if answer.get(1) == Some(&0xd0) { Ok(()) } else { Err(broken("no X.224 connection confirm")) }
}

fn read_tpkt(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let [version, _, high, low]: [u8; 4] = read_array(stream)?;
    let len = usize::from(u16::from_be_bytes([high, low]));
    if version != 3 || len < 4 { Err(broken("not TPKT")) } else { read_body(stream, len - 4) }
}

//! SMB2 as far as a listener needs to recognise it: negotiation, then echo requests. Layouts from \[MS-SMB2\] 2.2.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::service::{Client, Identity, Peer, Server, Task, broken, connect, read_array, read_body};

const NEGOTIATE: u16 = 0;
const ECHO: u16 = 0x0d;
const HEADER_LEN: usize = 64;
/// SMB2_FLAGS_SERVER_TO_REDIR.
const FROM_SERVER: u32 = 1;

pub const SERVER: Server = Server { name: "smb", serve };
/// A session of ten requests each interval.
pub const WRITER: Client = Client { name: "smb-session", run: write_sessions };
/// One session that never ends, a request each interval.
pub const HOLDER: Client = Client { name: "smb-hold", run: hold };

fn serve(stream: &mut TcpStream, _: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    loop {
        let request = read_message(stream)?;
        let command = command_of(&request)?;
        // MessageId at 24: echoed, so the client can match.
        let id = request.get(24..32).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
        peer.count(if command == NEGOTIATE { "smb negotiate" } else { "smb request" });
        let body = if command == NEGOTIATE { negotiate_response() } else { vec![4, 0, 0, 0] };
        stream.write_all(&message(command, FROM_SERVER, id, &body))?;
    }
}

fn write_sessions(task: &Task<'_>) -> io::Result<()> {
    loop {
        let mut stream = open(task.target)?;
        for id in 1..=10 {
            let asked_at = Instant::now();
            echo(&mut stream, id)?;
            task.tally.add_timed("smb request", asked_at.elapsed());
        }
        drop(stream);
        task.rest();
    }
}

fn hold(task: &Task<'_>) -> io::Result<()> {
    let mut stream = open(task.target)?;
    // It goes on sending whether it is answered or not, so that the last packet that got through can be seen.
    let mut reader = stream.try_clone()?;
    reader.set_read_timeout(None)?;
    std::thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    for id in 1u64.. {
        stream.write_all(&message(ECHO, 0, id, &[4, 0, 0, 0]))?;
        task.tally.add("smb request");
        task.rest();
    }
    Ok(())
}

/// A negotiated session.
///
/// # Errors
/// When nobody answers in time, or not in SMB2.
pub fn open(server: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = connect(server)?;
    stream.write_all(&message(NEGOTIATE, 0, 0, &negotiate_request()))?;
    let answer = read_message(&mut stream)?;
    if command_of(&answer)? == NEGOTIATE { Ok(stream) } else { Err(broken("no answer to SMB2 NEGOTIATE")) }
}

/// Request and answer: the negotiation first (0), then echoes.
pub(super) fn exchange(id: u64) -> (Vec<u8>, Vec<u8>) {
    if id == 0 {
        return (message(NEGOTIATE, 0, 0, &negotiate_request()), message(NEGOTIATE, FROM_SERVER, 0, &negotiate_response()));
    }
    (message(ECHO, 0, id, &[4, 0, 0, 0]), message(ECHO, FROM_SERVER, id, &[4, 0, 0, 0]))
}

fn echo(stream: &mut TcpStream, id: u64) -> io::Result<()> {
    stream.write_all(&message(ECHO, 0, id, &[4, 0, 0, 0]))?;
    let answer = read_message(stream)?;
    if command_of(&answer)? == ECHO { Ok(()) } else { Err(broken("no answer to SMB2 ECHO")) }
}

/// Dialects 2.0.2 to 3.0.2, signing enabled (2.2.3).
fn negotiate_request() -> Vec<u8> {
    let mut body = vec![36, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    body.extend([0x5a; 16]);
    body.extend([0; 8]);
    body.extend([0x0202u16, 0x0210, 0x0300, 0x0302].iter().flat_map(|dialect| dialect.to_le_bytes()));
    body
}

/// Dialect 3.0.2, an empty security blob (2.2.4).
fn negotiate_response() -> Vec<u8> {
    let mut body = vec![65, 0, 1, 0, 2, 3, 0, 0];
    body.extend([0xa5; 16]);
    // Capabilities, then the three largest sizes.
    body.extend([1u32, 1 << 20, 1 << 20, 1 << 20].iter().flat_map(|value| value.to_le_bytes()));
    body.extend([0; 16]);
    body.extend([128, 0, 0, 0, 0, 0, 0, 0]);
    body
}

/// NetBIOS session header (RFC 1002 4.3.1, as direct TCP uses it), SMB2 header, body.
fn message(command: u16, flags: u32, id: u64, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER_LEN + body.len()).unwrap_or(0);
    let mut bytes = len.to_be_bytes().to_vec();
    bytes.extend([0xfe, b'S', b'M', b'B', 64, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(command.to_le_bytes());
    bytes.extend([1, 0]);
    bytes.extend(flags.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(id.to_le_bytes());
    bytes.extend([0; 32]);
    bytes.extend(body);
    bytes
}

fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let len = u32::from_be_bytes(read_array(stream)?);
    read_body(stream, usize::try_from(len).unwrap_or(usize::MAX))
}

fn command_of(bytes: &[u8]) -> io::Result<u16> {
    match bytes {
        [0xfe, b'S', b'M', b'B', ..] if bytes.len() >= HEADER_LEN => Ok(u16::from_le_bytes([bytes[12], bytes[13]])),
        _ => Err(broken("not SMB2")),
    }
}

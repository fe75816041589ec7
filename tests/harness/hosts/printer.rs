//! A network printer: the raw port with PJL, and IPP (RFC 8010) over HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::service::{Client, Identity, Peer, Server, Task, broken};

/// Universal exit language, then a question about the printer's identity.
pub(super) const JOB_START: &[u8] = b"\x1b%-12345X@PJL INFO ID\r\n";
const JOB_END: &[u8] = b"\x1b%-12345X";

pub const RAW_SERVER: Server = Server { name: "jetdirect", serve: serve_raw };
pub const RAW_CLIENT: Client = Client { name: "print", run: print };
pub const IPP_SERVER: Server = Server { name: "ipp", serve: serve_ipp };
pub const IPP_CLIENT: Client = Client { name: "ipp-status", run: ask_status };

fn serve_raw(stream: &mut TcpStream, identity: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    peer.count("print job");
    stream.write_all(&answer(identity))?;
    io::copy(&mut reader.take(1 << 24), &mut io::sink()).map(|_| ())
}

/// What the printer says about itself.
pub(super) fn answer(identity: &Identity) -> Vec<u8> {
    format!("@PJL INFO ID\r\n\"{}\"\r\n\x0c", identity.product).into_bytes()
}

fn print(task: &Task<'_>) -> io::Result<()> {
    loop {
        let mut stream = task.connect()?;
        stream.write_all(JOB_START)?;
        let mut answer = [0; 128];
        if stream.read(&mut answer)? == 0 {
            return Err(broken("the printer hung up"));
        }
        stream.write_all(b"Shift report\r\n\x0c")?;
        stream.write_all(JOB_END)?;
        task.tally.add("print job");
        drop(stream);
        task.rest();
    }
}

fn serve_ipp(stream: &mut TcpStream, identity: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let len = read_head(&mut reader)?;
    let mut body = vec![0; len.min(65536)];
    reader.read_exact(&mut body)?;
    peer.count("ipp request");
    // Version 1.1, successful-ok, the request's id, printer-make-and-model (textWithoutLanguage, 0x41), end of attributes.
    let mut answer = vec![1, 1, 0, 0];
    answer.extend(body.get(4..8).unwrap_or(&[0, 0, 0, 1]));
    answer.extend([4, 0x41]);
    for text in ["printer-make-and-model", &identity.product] {
        answer.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
        answer.extend(text.as_bytes());
    }
    answer.push(3);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&answer)
}

fn ask_status(task: &Task<'_>) -> io::Result<()> {
    loop {
        let mut stream = task.connect()?;
        // Get-Printer-Attributes (0x000b), request 1, charset, end of attributes.
        let body = b"\x01\x01\x00\x0b\x00\x00\x00\x01\x01\x47\x00\x12attributes-charset\x00\x05utf-8\x03";
        let head = format!(
            "POST /ipp/print HTTP/1.1\r\nHost: {}\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\r\n",
            task.target,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let len = read_head(&mut BufReader::new(stream.try_clone()?))?;
        task.tally.add(if len > 0 { "ipp request" } else { "ipp empty" });
        task.rest();
    }
}

/// Reads an HTTP head and gives its Content-Length.
fn read_head(reader: &mut impl BufRead) -> io::Result<usize> {
    let mut len = 0;
    for _ in 0..64 {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(broken("an HTTP head without an end"));
        }
        if line.trim().is_empty() {
            return Ok(len);
        }
        if let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            len = value.trim().parse().map_err(|_| broken(name))?;
        }
    }
    Err(broken("an HTTP head of more than 64 lines"))
}

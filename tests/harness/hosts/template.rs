//! A protocol to copy when a host has to speak a new one: echo (RFC 862), over both transports, with its client.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::service::{Answerer, Client, Identity, Peer, Server, Task, broken};

pub const SERVER: Server = Server { name: "echo", serve };
pub const ANSWERER: Answerer = Answerer { name: "echo-datagram", answer };
pub const CLIENT: Client = Client { name: "echo-ask", run };

fn serve(stream: &mut TcpStream, _: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let len = stream.read(&mut buffer)?;
        let Some(heard) = buffer.get(..len).filter(|heard| !heard.is_empty()) else { return Ok(()) };
        peer.count("echo");
        stream.write_all(heard)?;
    }
}

fn answer(request: &[u8], _: &Identity, peer: &Peer<'_>) -> Option<Vec<u8>> {
    peer.count("echo");
    Some(request.to_vec())
}

fn run(task: &Task<'_>) -> io::Result<()> {
    let mut stream = task.connect()?;
    loop {
        stream.write_all(b"hello")?;
        let mut heard = [0; 5];
        stream.read_exact(&mut heard)?;
        if &heard != b"hello" {
            return Err(broken("another answer than the question"));
        }
        task.tally.add("echo");
        task.rest();
    }
}

//! DNS (RFC 1035): a resolver that knows the plant's names, and a stub that asks for them.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use super::service::{Answerer, Client, Identity, PATIENCE, Peer, Task, broken};

const HEADER_LEN: usize = 12;
/// What every host asks for now and then.
const WANTED: [&str; 2] = ["files-1.plant.example", "plc-1.plant.example"];

pub const RESOLVER: Answerer = Answerer { name: "dns", answer };
pub const STUB: Client = Client { name: "dns-stub", run: ask };

fn answer(request: &[u8], identity: &Identity, peer: &Peer<'_>) -> Option<Vec<u8>> {
    let (name, end) = read_name(request)?;
    let question = request.get(HEADER_LEN..end.checked_add(4)?)?;
    peer.count("dns query");
    let address = identity.records.iter().find(|(known, _)| *known == name).map(|(_, address)| *address);
    // Response, recursion available; NXDOMAIN when nobody knows the name. One question, at most one answer.
    let (code, answers) = if address.is_some() { (0x80, 1) } else { (0x83, 0) };
    let mut reply = vec![*request.first()?, *request.get(1)?, 0x81, code, 0, 1, 0, answers, 0, 0, 0, 0];
    reply.extend(question);
    if let Some(address) = address {
        // The name as a pointer to the question, A, IN, 300 s.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}

fn ask(task: &Task<'_>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(task.target)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    for (id, name) in (1u16..).zip(WANTED.iter().cycle()) {
        let query = query(id, name);
        socket.send(&query)?;
        let mut buffer = [0; 512];
        let len = socket.recv(&mut buffer)?;
        if buffer.get(..2) != query.get(..2) || len < query.len() {
            return Err(broken("an answer to another question"));
        }
        task.tally.add("dns query");
        task.rest();
    }
    Ok(())
}

/// One question for an IPv4 address, recursion desired.
pub(super) fn query(id: u16, name: &str) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let mut query = vec![high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap_or(63));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    query
}

/// The first name, and where it ends.
fn read_name(message: &[u8]) -> Option<(String, usize)> {
    let (mut labels, mut at) = (Vec::new(), HEADER_LEN);
    // RFC 1035 2.3.4: 255 octets, so at most 127 labels.
    for _ in 0..128 {
        let len = usize::from(*message.get(at)?);
        at += 1;
        if len == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8(message.get(at..at + len)?.to_vec()).ok()?);
        at += len;
    }
    None
}

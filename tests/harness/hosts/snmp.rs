//! SNMPv2c (RFC 3416) in BER: an agent that answers GET for sysDescr.0 and sysName.0, and a monitor that asks.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Instant;

use super::service::{Answerer, Client, Identity, Peer, Task, broken};

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const GET: u8 = 0xa0;
const RESPONSE: u8 = 0xa2;

/// 1.3.6.1.2.1.1.1.0
const SYS_DESCR: [u8; 8] = [0x2b, 6, 1, 2, 1, 1, 1, 0];
/// 1.3.6.1.2.1.1.5.0
const SYS_NAME: [u8; 8] = [0x2b, 6, 1, 2, 1, 1, 5, 0];

pub const AGENT: Answerer = Answerer { name: "snmp", answer };
pub const POLLER: Client = Client { name: "snmp-poll", run: poll };

fn answer(request: &[u8], identity: &Identity, peer: &Peer<'_>) -> Option<Vec<u8>> {
    let (SEQUENCE, message, _) = read(request)? else { return None };
    let (INTEGER, [1], rest) = read(message)? else { return None };
    let (OCTETS, community, rest) = read(rest)? else { return None };
    let (GET, pdu, _) = read(rest)? else { return None };
    let (INTEGER, id, rest) = read(pdu)? else { return None };
    let (INTEGER, _, rest) = read(rest)? else { return None };
    let (INTEGER, _, rest) = read(rest)? else { return None };
    let (SEQUENCE, mut bindings, _) = read(rest)? else { return None };
    let mut answered = Vec::new();
    while let Some((SEQUENCE, binding, rest)) = read(bindings) {
        let (OBJECT, object, _) = read(binding)? else { return None };
        let value = match object {
            object if object == SYS_DESCR => write(OCTETS, identity.product.as_bytes()),
            object if object == SYS_NAME => write(OCTETS, identity.name.as_bytes()),
            // noSuchObject, RFC 3416 4.2.1
            _ => write(0x80, &[]),
        };
        answered.extend(write(SEQUENCE, &[write(OBJECT, object), value].concat()));
        bindings = rest;
    }
    peer.count("snmp get");
    Some(message_of(community, RESPONSE, id, &answered))
}

/// Asks at a steady pace whether answered or not, so that a hole in the answers is as wide as the outage.
fn poll(task: &Task<'_>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(task.target)?;
    socket.set_read_timeout(Some(task.interval))?;
    for id in 1i32.. {
        let asked_at = Instant::now();
        socket.send(&request(id))?;
        let mut buffer = [0; 1500];
        match socket.recv(&mut buffer) {
            Ok(len) if buffer.get(..len).and_then(read).is_some() => task.tally.add_timed("snmp get", asked_at.elapsed()),
            Ok(_) => return Err(broken("not BER")),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                task.tally.add("snmp unanswered")
            }
            Err(error) => return Err(error),
        }
        std::thread::sleep(task.interval.saturating_sub(asked_at.elapsed()));
    }
    Ok(())
}

/// A question for both objects.
pub(super) fn request(id: i32) -> Vec<u8> {
    let wanted =
        [SYS_DESCR, SYS_NAME].iter().flat_map(|object| write(SEQUENCE, &[write(OBJECT, object), write(NULL, &[])].concat()));
    message_of(b"public", GET, &id.to_be_bytes(), &wanted.collect::<Vec<u8>>())
}

fn message_of(community: &[u8], pdu_tag: u8, id: &[u8], bindings: &[u8]) -> Vec<u8> {
    let zero = write(INTEGER, &[0]);
    let pdu = [write(INTEGER, id), zero.clone(), zero, write(SEQUENCE, bindings)].concat();
    write(SEQUENCE, &[write(INTEGER, &[1]), write(OCTETS, community), write(pdu_tag, &pdu)].concat())
}

/// Definite lengths of one or three bytes (X.690 8.1.3).
fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(len @ 0..=127) => bytes.push(len),
        _ => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

/// Tag, content, what follows.
fn read(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=127 => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(&len, rest)| (usize::from(len), rest))?,
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    Some((tag, rest.get(..len)?, rest.get(len..)?))
}

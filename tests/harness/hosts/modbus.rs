//! Modbus/TCP: a controller that answers, a reader that polls it, an operator that also writes set points.
//! Rules from "MODBUS Application Protocol V1.1b3" and "MODBUS Messaging on TCP/IP V1.0b".

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Instant;

use super::service::{Client, Identity, Peer, Server, Task, broken, connect, read_array, read_body};

const READ_HOLDING_REGISTERS: u8 = 3;
const READ_INPUT_REGISTERS: u8 = 4;
const WRITE_SINGLE_REGISTER: u8 = 6;
const WRITE_MULTIPLE_REGISTERS: u8 = 16;
/// Function 43 with MEI type 14: read device identification.
const ENCAPSULATED: u8 = 0x2b;
const DEVICE_IDENTIFICATION: u8 = 0x0e;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;

const REGISTERS: usize = 128;

pub const SERVER: Server = Server { name: "modbus", serve };
pub const READER: Client = Client { name: "modbus-read", run: |task| poll(task, READ_INPUT_REGISTERS, 0) };
pub const OPERATOR: Client = Client { name: "modbus-operate", run: |task| poll(task, READ_HOLDING_REGISTERS, 20) };

static MEMORY: Mutex<[u16; REGISTERS]> = Mutex::new([0; REGISTERS]);

fn serve(stream: &mut TcpStream, identity: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    loop {
        let (header, request) = read_unit(stream)?;
        let function = request.first().copied().unwrap_or_default();
        let answer = respond(&request, identity);
        peer.count(match function {
            WRITE_SINGLE_REGISTER | WRITE_MULTIPLE_REGISTERS => "modbus write",
            ENCAPSULATED => "modbus identify",
            _ => "modbus read",
        });
        stream.write_all(&unit(header, &answer.unwrap_or_else(|code| vec![function | 0x80, code])))?;
    }
}

fn respond(request: &[u8], identity: &Identity) -> Result<Vec<u8>, u8> {
    let word =
        |at| request.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u16::from_be_bytes(*bytes)).ok_or(ILLEGAL_ADDRESS);
    let mut memory = MEMORY.lock().map_err(|_| ILLEGAL_ADDRESS)?;
    match request.first() {
        Some(&(READ_HOLDING_REGISTERS | READ_INPUT_REGISTERS)) => {
            let (start, count) = (usize::from(word(1)?), usize::from(word(3)?));
            let values = memory.get(start..start + count).ok_or(ILLEGAL_ADDRESS)?;
            let len = u8::try_from(values.len() * 2).map_err(|_| ILLEGAL_ADDRESS)?;
            Ok([&[request[0], len][..], &values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<_>>()].concat())
        }
        Some(&WRITE_SINGLE_REGISTER) => {
            *memory.get_mut(usize::from(word(1)?)).ok_or(ILLEGAL_ADDRESS)? = word(3)?;
            Ok(request.get(..5).ok_or(ILLEGAL_ADDRESS)?.to_vec())
        }
        Some(&WRITE_MULTIPLE_REGISTERS) => {
            let (start, count) = (usize::from(word(1)?), usize::from(word(3)?));
            for (at, register) in memory.get_mut(start..start + count).ok_or(ILLEGAL_ADDRESS)?.iter_mut().enumerate() {
                *register = word(6 + at * 2)?;
            }
            Ok(request.get(..5).ok_or(ILLEGAL_ADDRESS)?.to_vec())
        }
        Some(&ENCAPSULATED) if request.get(1) == Some(&DEVICE_IDENTIFICATION) => Ok(device_identification(identity)),
        _ => Err(ILLEGAL_FUNCTION),
    }
}

/// Basic identification, all three objects at once (6.21): vendor, product code, revision.
fn device_identification(identity: &Identity) -> Vec<u8> {
    let (vendor, product) = identity.product.split_once(' ').unwrap_or((&identity.product, "unknown"));
    let mut answer = vec![ENCAPSULATED, DEVICE_IDENTIFICATION, 1, 1, 0, 0, 3];
    for (id, text) in (0u8..).zip([vendor, product, "V2.8"]) {
        answer.extend([id, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        answer.extend(text.as_bytes().iter().take(255));
    }
    answer
}

/// One long connection: identify once, then read each interval, and write a set point every `write_every` rounds (0: never).
fn poll(task: &Task<'_>, function: u8, write_every: u64) -> io::Result<()> {
    let mut stream = task.connect()?;
    ask(&mut stream, 0, &[ENCAPSULATED, DEVICE_IDENTIFICATION, 1, 0])?;
    for round in 1u64.. {
        let asked_at = Instant::now();
        let transaction = (round & 0xffff) as u16;
        ask(&mut stream, transaction, &[function, 0, 0, 0, 16])?;
        task.tally.add_timed("modbus read", asked_at.elapsed());
        if write_every != 0 && round % write_every == 0 {
            let [high, low] = transaction.to_be_bytes();
            ask(&mut stream, transaction, &[WRITE_SINGLE_REGISTER, 0, 40, high, low])?;
            task.tally.add("modbus write");
        }
        task.rest();
    }
    Ok(())
}

/// A request as it goes over TCP.
pub(super) fn request(transaction: u16, body: &[u8]) -> Vec<u8> {
    let [high, low] = transaction.to_be_bytes();
    unit([high, low, 0, 0, 0, 0, 1], body)
}

/// What the controller answers to such a request.
pub(super) fn answer(request: &[u8], identity: &Identity) -> Vec<u8> {
    let Some((header, body)) = request.split_first_chunk() else { return Vec::new() };
    unit(*header, &respond(body, identity).unwrap_or_else(|code| vec![body.first().copied().unwrap_or_default() | 0x80, code]))
}

/// Writes one register on a connection of its own: what an attacker needs to do.
///
/// # Errors
/// When the controller does not answer in time, or refuses.
pub fn write_register(controller: SocketAddr, register: u16, value: u16) -> io::Result<()> {
    let mut stream = connect(controller)?;
    let request = [&[WRITE_SINGLE_REGISTER][..], &register.to_be_bytes(), &value.to_be_bytes()].concat();
    ask(&mut stream, 1, &request).map(|_| ())
}

fn ask(stream: &mut TcpStream, transaction: u16, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(&self::request(transaction, request))?;
    let (header, answer) = read_unit(stream)?;
    if header[..2] != transaction.to_be_bytes() || answer.first() != request.first() {
        return Err(broken("an answer to another request, or an exception"));
    }
    Ok(answer)
}

/// MBAP header: transaction, protocol 0, length of unit id and PDU, unit id.
fn unit(mut header: [u8; 7], body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 1).unwrap_or(u16::MAX);
    header[4..6].copy_from_slice(&len.to_be_bytes());
    [&header[..], body].concat()
}

fn read_unit(stream: &mut TcpStream) -> io::Result<([u8; 7], Vec<u8>)> {
    let header: [u8; 7] = read_array(stream)?;
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let body = read_body(stream, len.checked_sub(1).ok_or_else(|| broken("a Modbus length of 0"))?)?;
    Ok((header, body))
}

//! A subscriber that keeps every message: MQTT 3.1.1 (OASIS, 2014), the part that listening needs.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::deadline::wait_for;
use crate::namespace::Namespace;

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const PINGREQ: u8 = 0xc0;

/// One message as it arrived.
#[derive(Clone, Debug)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
    pub arrived_at: Instant,
}

/// Messages of one subscription, in order of arrival.
#[derive(Clone, Debug)]
pub struct Subscription {
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Subscription {
    /// Connects from inside a namespace and subscribes with QoS 1.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses.
    pub fn open(namespace: &Namespace, broker: SocketAddr, filter: &str) -> Result<Self> {
        let stream = namespace
            .enter(|| TcpStream::connect_timeout(&broker, Duration::from_secs(2)).context("connecting to the broker"))?;
        Self::over(stream, filter)
    }

    /// Subscribes over a connection that is open already.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn over(mut stream: TcpStream, filter: &str) -> Result<Self> {
        let client_id = format!("harness-{}-{}", std::process::id(), crate::tally::now_nanos());
        // Protocol name and level, clean session, 30 s of keep alive (3.1.2).
        let connect = [&text("MQTT")[..], &[4, 2, 0, 30], &text(&client_id)].concat();
        stream.write_all(&packet(CONNECT, &connect))?;
        let (kind, body) = read_packet(&mut stream)?;
        if kind != CONNACK || body.get(1) != Some(&0) {
            bail!("the broker refused: {body:?}");
        }
        stream.write_all(&packet(SUBSCRIBE, &[&[0, 1][..], &text(filter), &[1]].concat()))?;
        let messages = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&messages);
        let mut writer = stream.try_clone()?;
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(10));
                if writer.write_all(&packet(PINGREQ, &[])).is_err() {
                    return;
                }
            }
        });
        // Ends when the broker does.
        std::thread::spawn(move || receive(&mut stream, &kept));
        Ok(Self { messages })
    }

    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first message that `wanted` takes.
    ///
    /// # Errors
    /// When none came in time; the text lists the topics that did.
    pub fn wait_for(&self, what: &str, limit: Duration, wanted: impl Fn(&Message) -> bool) -> Result<Message> {
        wait_for(what, limit, || Ok(self.messages().into_iter().find(|message| wanted(message)))).with_context(|| {
            let topics: Vec<String> = self.messages().into_iter().map(|message| message.topic).collect();
            format!("topics seen: {}", topics.join(", "))
        })
    }
}

fn receive(stream: &mut TcpStream, kept: &Mutex<Vec<Message>>) -> io::Result<()> {
    loop {
        let (kind, body) = read_packet(stream)?;
        if kind & 0xf0 != PUBLISH {
            continue;
        }
        let (topic, rest) = split_text(&body)?;
        // QoS in bits 1-2: a packet identifier follows, to be acknowledged (3.3.1.2, 3.3.2.2).
        let has_id = kind & 0x06 != 0;
        let payload = rest.get(if has_id { 2 } else { 0 }..).unwrap_or_default().to_vec();
        if has_id {
            stream.write_all(&packet(PUBACK, rest.get(..2).unwrap_or_default()))?;
        }
        let message = Message { topic, payload, retained: kind & 1 != 0, arrived_at: Instant::now() };
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes()[..], text.as_bytes()].concat()
}

fn split_text(bytes: &[u8]) -> io::Result<(String, &[u8])> {
    let short = || io::Error::new(io::ErrorKind::InvalidData, "a message without a topic");
    let (len, rest) = bytes.split_first_chunk::<2>().ok_or_else(short)?;
    let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len))).ok_or_else(short)?;
    Ok((String::from_utf8_lossy(topic).into_owned(), rest))
}

/// Remaining length in groups of seven bits, least significant first (2.2.3).
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut left = body.len();
    loop {
        let group = (left & 0x7f) as u8;
        left >>= 7;
        bytes.push(if left > 0 { group | 0x80 } else { group });
        if left == 0 {
            break;
        }
    }
    [&bytes, body].concat()
}

fn read_packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let [kind] = byte;
    let mut len = 0usize;
    for shift in [0, 7, 14, 21] {
        stream.read_exact(&mut byte)?;
        len |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

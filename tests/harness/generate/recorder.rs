//! Writes frames and keeps the books about them, so that a reader of the capture can be held to the truth.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::talk::{Talk, Way};
use crate::capture::CaptureWriter;
use crate::packet::{ICMP, ICMPV6, TCP};

/// What one flow is known to hold. Endpoints are ordered, `a` below `b`; bytes are whole frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTruth {
    pub proto: String,
    pub a: String,
    pub b: String,
    pub pkts_a2b: u64,
    pub bytes_a2b: u64,
    pub pkts_b2a: u64,
    pub bytes_b2a: u64,
    /// Fragments after the first: they name no port, and are not in the counts above.
    #[serde(default)]
    pub later_fragments_a2b: u64,
    #[serde(default)]
    pub later_fragments_b2a: u64,
}

/// What a whole capture is known to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    pub packets: u64,
    pub bytes: u64,
    pub later_fragments: u64,
    /// ARP and whatever else has no IP header.
    pub non_ip: u64,
    /// TCP, UDP and ICMP flows; ICMP has port 0.
    pub flows: Vec<FlowTruth>,
}

type FlowId = (u8, SocketAddr, SocketAddr);

/// A capture under way. Time only goes forward.
#[derive(Debug)]
pub struct Recorder {
    writer: CaptureWriter,
    truth: Truth,
    flows: BTreeMap<FlowId, FlowTruth>,
    /// Nanoseconds since the Unix epoch, of the next frame.
    pub now: u64,
}

/// 2026-06-01, a Monday, 00:00 UTC.
const START_NANOS: u64 = 1_780_272_000_000_000_000;

impl Recorder {
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let writer = CaptureWriter::create(path)?;
        Ok(Self { writer, truth: Truth::default(), flows: BTreeMap::new(), now: START_NANOS })
    }

    /// A frame of a conversation.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn put(&mut self, talk: &Talk, way: Way, frame: &[u8]) -> io::Result<()> {
        let flow = self.flow(talk);
        let len = frame.len() as u64;
        let (packets, bytes) = if (way == Way::ToServer) == (talk.client <= talk.server) {
            (&mut flow.pkts_a2b, &mut flow.bytes_a2b)
        } else {
            (&mut flow.pkts_b2a, &mut flow.bytes_b2a)
        };
        *packets += 1;
        *bytes += len;
        self.write(frame)
    }

    /// A fragment without ports.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn put_later_fragment(&mut self, talk: &Talk, way: Way, frame: &[u8]) -> io::Result<()> {
        let flow = self.flow(talk);
        let is_a2b = (way == Way::ToServer) == (talk.client <= talk.server);
        *(if is_a2b { &mut flow.later_fragments_a2b } else { &mut flow.later_fragments_b2a }) += 1;
        self.truth.later_fragments += 1;
        self.write(frame)
    }

    /// A frame without IP.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn put_other(&mut self, frame: &[u8]) -> io::Result<()> {
        self.truth.non_ip += 1;
        self.write(frame)
    }

    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self) -> io::Result<Truth> {
        self.writer.finish()?;
        self.truth.flows = self.flows.into_values().collect();
        Ok(self.truth)
    }

    fn flow(&mut self, talk: &Talk) -> &mut FlowTruth {
        let (a, b) = if talk.client <= talk.server { (talk.client, talk.server) } else { (talk.server, talk.client) };
        let proto = match talk.protocol {
            TCP => "tcp",
            ICMP | ICMPV6 => "icmp",
            _ => "udp",
        };
        self.flows.entry((talk.protocol, a, b)).or_insert_with(|| FlowTruth {
            proto: proto.to_owned(),
            a: a.to_string(),
            b: b.to_string(),
            ..FlowTruth::default()
        })
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.truth.packets += 1;
        self.truth.bytes += frame.len() as u64;
        self.writer.write(self.now, frame)
    }
}

//! What a protocol's file provides, and what it is given to read.

use std::net::{IpAddr, Ipv4Addr};

use sensor_model::{DirectionReason, Fact, FactKind, IpProtocol, MacAddr, Strength, Subject, Timestamp};

use crate::session::{Finding, SessionKey};

/// A protocol as the registry knows it. One `const` of these in each protocol's file.
#[derive(Debug)]
pub(crate) struct Protocol {
    /// Zeek's word for the service; empty where the flow needs no name.
    pub service: &'static str,
    /// Who says the facts: the protocol's usual short name.
    pub source: &'static str,
    pub transport: IpProtocol,
    /// Registered ports: a hint that orders the candidates and that a recogniser may ask for, never a proof.
    pub ports: &'static [u16],
    pub parties: Parties,
    pub framing: Framing,
    /// Whether bytes are this protocol's, looking only at the bytes and at whether the port fits.
    pub recognise: Recognise,
    /// Takes the next message from the front of the bytes.
    pub read: Read,
}

pub(crate) type Recognise = fn(&Probe<'_>) -> Recognition;
pub(crate) type Read = fn(&mut Reading<'_>, &[u8]) -> Step;

impl Protocol {
    /// Over TCP, between client and server, not to be understood after a gap.
    pub const fn tcp(service: &'static str, ports: &'static [u16], recognise: Recognise, read: Read) -> Self {
        let (parties, framing) = (Parties::ClientServer, Framing::Continuous);
        Self { service, source: service, transport: IpProtocol::Tcp, ports, parties, framing, recognise, read }
    }

    /// Over UDP, between client and server.
    pub const fn udp(service: &'static str, ports: &'static [u16], recognise: Recognise, read: Read) -> Self {
        Self { transport: IpProtocol::Udp, ..Self::tcp(service, ports, recognise, read) }
    }

    pub const fn between_peers(self) -> Self {
        Self { parties: Parties::Peers, ..self }
    }

    pub const fn message_per_segment(self) -> Self {
        Self { framing: Framing::MessagePerSegment, ..self }
    }

    pub const fn told_by(self, source: &'static str) -> Self {
        Self { source, ..self }
    }
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parties {
    /// The originator asks, the responder serves.
    ClientServer,
    /// No side serves the other (announcements, group talk): no `Serves` or `Uses`.
    Peers,
}

/// What lost bytes mean for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After a gap nothing in this direction can be understood.
    Continuous,
    /// Peers send a message a segment, so a segment after a gap starts one.
    MessagePerSegment,
}

/// The first bytes of one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<'a> {
    pub bytes: &'a [u8],
    /// Responder or originator port is one of the protocol's.
    pub hinted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recognition {
    Yes,
    No,
    /// The bytes so far fit, more are needed to tell.
    Unsure,
}

impl Recognition {
    /// Bytes that begin with, or are the beginning of, one of these.
    pub fn starts_with_any(bytes: &[u8], beginnings: &[&[u8]]) -> Self {
        if beginnings.iter().any(|beginning| bytes.starts_with(beginning)) {
            Self::Yes
        } else if beginnings.iter().any(|beginning| beginning.starts_with(bytes)) {
            Self::Unsure
        } else {
            Self::No
        }
    }

    /// `Yes` when it holds.
    pub const fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// What became of the bytes given to `Protocol::read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A message of this length was read; it may reach past the bytes given, then the rest is passed over.
    Read(usize),
    /// The message is not whole yet.
    Wait,
    /// A message was read, and nothing more is wanted from this direction.
    Last,
    /// Not understood: nothing more is wanted from this direction.
    Leave,
    /// Nothing more is wanted from the flow.
    Finish,
}

/// What a protocol keeps of a flow from one message to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Messages read so far, for protocols that listen to so many.
    messages: u32,
    /// The flow table's originator is the server.
    pub reversed: bool,
    /// A message has shown who is who; later ones change nothing.
    judged: bool,
}

/// One message's surroundings, and where its findings go.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub key: &'a SessionKey,
    pub source: &'static str,
    pub from_originator: bool,
    /// Sent by the client, as far as is known.
    pub from_client: bool,
    pub seen_at: Timestamp,
    pub notes: &'a mut Notes,
    pub findings: &'a mut Vec<Finding>,
}

impl Reading<'_> {
    pub const fn sender(&self) -> IpAddr {
        if self.from_originator { self.key.originator } else { self.key.responder }
    }

    pub const fn receiver(&self) -> IpAddr {
        if self.from_originator { self.key.responder } else { self.key.originator }
    }

    pub const fn client(&self) -> IpAddr {
        if self.from_client { self.sender() } else { self.receiver() }
    }

    pub const fn server(&self) -> IpAddr {
        if self.from_client { self.receiver() } else { self.sender() }
    }

    /// The message itself shows which side sent it. The flow's first such message decides its orientation.
    pub fn sent_by_client(&mut self, by_client: bool) {
        let contradicts = by_client != self.from_client;
        self.from_client = by_client;
        let first = !std::mem::replace(&mut self.notes.judged, true);
        // An answer sent to everybody does not make everybody its client.
        if first && contradicts && !is_group(self.key.responder) {
            self.notes.reversed = !self.notes.reversed;
            self.findings.push(Finding::Reversed(DirectionReason::Role));
        }
    }

    /// Counts this message; ends the flow's dissection when it is the last of `limit`.
    pub fn one_of(&mut self, limit: u32, read: Step) -> Step {
        self.notes.messages = self.notes.messages.saturating_add(1);
        if self.notes.messages >= limit { Step::Finish } else { read }
    }

    pub fn operation(&mut self, name: &'static str) {
        self.findings.push(Finding::Operation(name));
    }

    pub fn tell_of_mac(&mut self, mac: MacAddr, kind: FactKind, value: Option<String>, strength: Strength) {
        if !mac.is_group() && !mac.is_zero() {
            self.tell(Subject::Mac(mac), kind, value, strength);
        }
    }

    pub fn tell_of_ip(&mut self, ip: IpAddr, kind: FactKind, value: Option<String>, strength: Strength) {
        // The unspecified address (RFC 1122 3.2.1.3) and groups name no host.
        if !ip.is_unspecified() && !is_group(ip) {
            self.tell(Subject::Ip(ip), kind, value, strength);
        }
    }

    fn tell(&mut self, subject: Subject, kind: FactKind, value: Option<String>, strength: Strength) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let source = self.source.to_owned();
            self.findings.push(Finding::Fact(Fact { subject, kind, value, strength, source, seen_at: self.seen_at }));
        }
    }
}

/// Multicast, or the limited broadcast of RFC 919; a subnet's own broadcast cannot be told from here.
pub(crate) fn is_group(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

//! The dissection state of one flow: recognises its protocol by the first bytes, then hands it message after message.

use std::net::IpAddr;

use sensor_model::{Direction, DirectionReason, Fact, FactKind, IpProtocol, MacAddr, Proof, Strength, Timestamp};

use crate::ndp;
use crate::proof::Watch;
use crate::protocol::{Framing, Notes, Parties, Protocol, Reading, Recognition, Step};
use crate::registry;
use crate::stream::{Arrival, Stream};

/// The flow that a session belongs to, oriented as the flow table had it when the session began; the same for every `feed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    pub protocol: IpProtocol,
    pub originator: IpAddr,
    pub originator_port: u16,
    pub responder: IpAddr,
    pub responder_port: u16,
    pub originator_mac: MacAddr,
}

/// What a payload taught.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The application protocol, recognised by its bytes; Zeek's name.
    Service(&'static str),
    /// The bytes show that the originator of the flow table is the server.
    Reversed(DirectionReason),
    Fact(Fact),
    /// A request's verb, `modbus.read_coils`; once a request.
    Operation(&'static str),
    /// The datagram's receiver has sent one too, which was not seen.
    Proof(Proof),
}

/// Whether more payload is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    More,
    Done,
}

/// Segments or datagrams that may pass before a protocol must have been recognised.
const MAX_PROBES: u8 = 8;
/// Messages read out of one segment; a crafted one full of empty messages stops here and its direction is left.
const MAX_MESSAGES_A_SEGMENT: usize = 512;

/// Dissection of one flow. Small; a flow has one only while it is inspected.
#[derive(Debug, Default)]
pub struct Session {
    protocol: Option<&'static Protocol>,
    notes: Notes,
    /// By direction of the flow table.
    to_responder: Stream,
    to_originator: Stream,
    probes: u8,
    said: Said,
    done: bool,
    watch: Watch,
}

/// Which of the two role facts of a flow were told; each is told once.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    uses: bool,
    serves: bool,
}

impl Session {
    /// Most bytes a session keeps for reassembly, both directions together.
    pub const MAX_BUFFERED_BYTES: usize = 32 * 1024;

    #[must_use]
    pub fn new(key: &SessionKey) -> Self {
        const { assert!(Stream::MAX_BYTES.saturating_mul(2) <= Self::MAX_BUFFERED_BYTES) };
        let done = match key.protocol {
            IpProtocol::Tcp | IpProtocol::Udp => false,
            // Of ICMP only neighbour discovery says something of hosts.
            IpProtocol::Icmp => !(key.originator.is_ipv6() && ndp::TYPES.contains(&key.originator_port)),
            IpProtocol::Sctp | IpProtocol::Other(_) => true,
        };
        Self { done, ..Self::default() }
    }

    /// One segment or datagram. `stream_offset` is its place in the TCP stream of its direction; 0 for datagrams.
    pub fn feed(
        &mut self,
        key: &SessionKey,
        direction: Direction,
        stream_offset: u32,
        payload: &[u8],
        seen_at: Timestamp,
        findings: &mut Vec<Finding>,
    ) -> Status {
        let is_datagram = key.protocol == IpProtocol::Udp;
        if is_datagram && let Some(proof) = self.watch.look(key, direction, payload) {
            findings.push(Finding::Proof(proof));
        }
        if !self.done && !payload.is_empty() {
            let mut feeding = Feeding { session: self, key, seen_at, findings };
            if key.protocol == IpProtocol::Tcp {
                feeding.segment(direction, stream_offset, payload);
            } else {
                feeding.datagram(direction, payload);
            }
        }
        if self.done && (self.watch.is_over() || !is_datagram) { Status::Done } else { Status::More }
    }

    /// A session that has recognised `protocol` already.
    #[cfg(test)]
    pub(crate) fn of(protocol: &'static Protocol) -> Self {
        Self { protocol: Some(protocol), ..Self::default() }
    }

    const fn stream(&mut self, direction: Direction) -> &mut Stream {
        match direction {
            Direction::ToResponder => &mut self.to_responder,
            Direction::ToOriginator => &mut self.to_originator,
        }
    }
}

/// One call of `feed`: the session and everything it was called with.
struct Feeding<'a> {
    session: &'a mut Session,
    key: &'a SessionKey,
    seen_at: Timestamp,
    findings: &'a mut Vec<Finding>,
}

/// How reading ended, and how many bytes it took; more than were given when a message reaches past them.
struct Taken {
    bytes: usize,
    last: Step,
}

impl Feeding<'_> {
    fn datagram(&mut self, direction: Direction, payload: &[u8]) {
        if self.session.protocol.is_none() {
            match registry::recognise(self.key, payload) {
                (Recognition::Yes, Some(protocol)) => self.adopt(protocol),
                _ => return self.count_probe(),
            }
        }
        if let Some(protocol) = self.session.protocol
            && self.read(protocol, direction, payload) == Step::Finish
        {
            self.finish();
        }
    }

    fn segment(&mut self, direction: Direction, offset: u32, payload: &[u8]) {
        // The common case of a long flow: whole messages in their segment, read without a copy.
        if let Some(protocol) = self.session.protocol
            && self.session.stream(direction).continues_at(offset)
        {
            let taken = self.read_all(protocol, direction, payload);
            self.session.stream(direction).pass(offset, payload, taken.bytes);
            return self.settle(direction, taken.last);
        }
        if self.is_foreign(direction, offset, payload) {
            let stream = self.session.stream(direction);
            stream.pass(offset, payload, payload.len());
            stream.close();
            self.count_probe();
            return self.finish_when_deaf();
        }
        match self.session.stream(direction).arrive(offset, payload) {
            Arrival::Nothing => return self.finish_when_deaf(),
            Arrival::Gap if self.session.protocol.is_some_and(|protocol| protocol.framing == Framing::Continuous) => {
                return self.settle(direction, Step::Leave);
            }
            Arrival::InOrder | Arrival::Gap => {}
        }
        match self.session.protocol {
            Some(protocol) => self.drain(protocol, direction),
            None => self.probe(direction),
        }
    }

    /// The common end of a stream that nobody knows: its first segment says so, and need not be copied.
    fn is_foreign(&mut self, direction: Direction, offset: u32, payload: &[u8]) -> bool {
        self.session.protocol.is_none()
            && payload.len() <= Stream::MAX_IN_ORDER
            && self.session.stream(direction).continues_at(offset)
            && registry::recognise(self.key, payload).0 == Recognition::No
    }

    fn probe(&mut self, direction: Direction) {
        match registry::recognise(self.key, self.session.stream(direction).bytes()) {
            (Recognition::Yes, Some(protocol)) => {
                self.adopt(protocol);
                // What the other side said made no sense alone. It is read first: it came first.
                let other = opposite(direction);
                if protocol.framing == Framing::MessagePerSegment {
                    self.session.stream(other).reopen();
                }
                self.drain(protocol, other);
                self.drain(protocol, direction);
                return;
            }
            (Recognition::Unsure, _) => {}
            _ => self.session.stream(direction).close(),
        }
        self.count_probe();
        self.settle(direction, Step::Wait);
    }

    fn adopt(&mut self, protocol: &'static Protocol) {
        self.session.protocol = Some(protocol);
        if !protocol.service.is_empty() {
            self.findings.push(Finding::Service(protocol.service));
        }
    }

    fn count_probe(&mut self) {
        self.session.probes = self.session.probes.saturating_add(1);
        if self.session.probes >= MAX_PROBES {
            self.finish();
        }
    }

    fn drain(&mut self, protocol: &'static Protocol, direction: Direction) {
        if self.session.done {
            return;
        }
        let bytes = self.session.stream(direction).lend();
        let taken = self.read_all(protocol, direction, &bytes);
        self.session.stream(direction).give_back(bytes, taken.bytes);
        self.settle(direction, taken.last);
    }

    /// Reads messages from the front until one is not whole.
    fn read_all(&mut self, protocol: &'static Protocol, direction: Direction, bytes: &[u8]) -> Taken {
        let mut taken = 0_usize;
        for _ in 0..MAX_MESSAGES_A_SEGMENT {
            let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) else {
                return Taken { bytes: taken, last: Step::Wait };
            };
            match self.read(protocol, direction, rest) {
                // A message without length would be read for ever.
                Step::Read(0) => return Taken { bytes: taken, last: Step::Leave },
                Step::Read(len) => taken = taken.saturating_add(len),
                last => return Taken { bytes: taken, last },
            }
        }
        Taken { bytes: taken, last: Step::Leave }
    }

    fn read(&mut self, protocol: &'static Protocol, direction: Direction, bytes: &[u8]) -> Step {
        let from_originator = direction == Direction::ToResponder;
        let mut reading = Reading {
            key: self.key,
            source: protocol.source,
            from_originator,
            from_client: from_originator != self.session.notes.reversed,
            seen_at: self.seen_at,
            notes: &mut self.session.notes,
            findings: self.findings,
        };
        let step = (protocol.read)(&mut reading, bytes);
        if protocol.parties == Parties::ClientServer && matches!(step, Step::Read(_) | Step::Last | Step::Finish) {
            let service = || Some(protocol.service.to_owned());
            let said = &mut self.session.said;
            if reading.from_client && !std::mem::replace(&mut said.uses, true) {
                reading.tell_of_ip(reading.client(), FactKind::Uses, service(), Strength::Confirmed);
            } else if !reading.from_client && !std::mem::replace(&mut said.serves, true) {
                reading.tell_of_ip(reading.server(), FactKind::Serves, service(), Strength::Confirmed);
            }
        }
        step
    }

    fn settle(&mut self, direction: Direction, last: Step) {
        let resumes = self.session.protocol.is_some_and(|protocol| protocol.framing == Framing::MessagePerSegment);
        let stream = self.session.stream(direction);
        if matches!(last, Step::Last | Step::Leave) || stream.is_cut() {
            stream.close();
            if resumes {
                stream.reopen();
            }
        }
        if last == Step::Finish {
            self.finish();
        }
        self.finish_when_deaf();
    }

    fn finish_when_deaf(&mut self) {
        if self.session.to_responder.is_closed() && self.session.to_originator.is_closed() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.session.done = true;
        self.session.to_responder.close();
        self.session.to_originator.close();
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToResponder => Direction::ToOriginator,
        Direction::ToOriginator => Direction::ToResponder,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::Script;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: plc.example\r\n\r\n";

    #[test]
    fn bytes_that_nobody_knows_end_the_session() {
        let script = Script::tcp(40_001).client(&[0xaa; 64]).server(&[0xbb; 64]);
        assert_eq!(script.status, Status::Done);
        assert_eq!(script.findings().services(), Vec::<&str>::new());
    }

    #[test]
    fn a_stranger_on_one_side_does_not_stop_the_other_from_being_recognised() {
        let script = Script::tcp(40_001).server(&[0xbb; 64]).client(REQUEST);
        assert_eq!(script.findings().services(), ["http"]);
    }

    #[test]
    fn datagrams_that_nobody_knows_end_the_session_after_a_few() {
        let mut script = Script::udp(40_001).server(&[0xbb; 64]);
        for _ in 1..MAX_PROBES {
            assert_eq!(script.status, Status::More);
            script = script.client(&[0xaa; 64]);
        }
        assert_eq!(script.status, Status::Done);
    }

    #[test]
    fn segments_one_byte_long_are_put_together_within_the_probes_of_a_protocol() {
        let mut script = Script::tcp(80);
        for byte in REQUEST.chunks(6) {
            script = script.client(byte);
        }
        assert_eq!(script.findings().services(), ["http"]);
    }

    #[test]
    fn a_head_whose_end_is_lost_is_left_and_its_answer_still_read() {
        let mut script = Script::tcp(80).client(b"GET / HTTP/1.1\r\nHost: ").lost(10);
        for _ in 0..6 {
            script = script.client(b"x: y\r\n\r\n");
        }
        let findings = script.server(b"HTTP/1.1 200 OK\r\nServer: Debian\r\n\r\n").findings();
        assert_eq!(findings.values_of(FactKind::ServerName), Vec::<&str>::new());
        assert_eq!(findings.values_of(FactKind::OperatingSystem), ["Debian Linux"]);
    }

    #[test]
    fn other_transports_are_not_inspected() {
        let findings = Script::new(IpProtocol::Sctp, 1, 2).client(REQUEST);
        assert_eq!(findings.status, Status::Done);
    }

    proptest! {
        /// However a stream is cut into segments, and whichever of them come again, the same is learnt of it.
        #[test]
        fn cuts_do_not_change_what_is_learnt(cuts in proptest::collection::vec(1usize..38, 0..5), repeat in any::<bool>()) {
            let key = Script::tcp(80).key;
            let mut bounds: Vec<usize> = cuts.into_iter().chain([0, REQUEST.len()]).collect();
            bounds.sort_unstable();
            bounds.dedup();
            let mut session = Session::new(&key);
            let mut findings = Vec::new();
            for pair in bounds.windows(2) {
                let piece = &REQUEST[pair[0].min(REQUEST.len())..pair[1].min(REQUEST.len())];
                for _ in 0..=u8::from(repeat) {
                    session.feed(&key, Direction::ToResponder, pair[0] as u32, piece, Timestamp::from_nanos(7), &mut findings);
                }
            }
            let whole = Script::tcp(80).client(REQUEST).findings();
            prop_assert_eq!(findings, whole.0);
        }
    }
}

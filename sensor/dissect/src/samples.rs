//! Test support: plays payloads through a session, and keeps one real message of each protocol to show to all the others.

use std::net::{IpAddr, Ipv4Addr};

use sensor_model::{Direction, FactKind, IpProtocol, MacAddr, Subject, Timestamp};

use crate::protocol::Protocol;
use crate::{Finding, Session, SessionKey, Status};

pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub(crate) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
pub(crate) const CLIENT_MAC: MacAddr = MacAddr([0x00, 0x11, 0x22, 0x33, 0x44, 0x55]);

/// A conversation between `CLIENT`, who is the flow's originator, and `SERVER`.
pub(crate) struct Script {
    key: SessionKey,
    session: Session,
    said: [u32; 2],
    findings: Vec<Finding>,
    pub status: Status,
}

impl Script {
    pub fn tcp(port: u16) -> Self {
        Self::new(IpProtocol::Tcp, 40_000, port)
    }

    pub fn udp(port: u16) -> Self {
        Self::new(IpProtocol::Udp, 40_000, port)
    }

    pub fn new(protocol: IpProtocol, originator_port: u16, responder_port: u16) -> Self {
        let key = SessionKey {
            protocol,
            originator: CLIENT,
            originator_port,
            responder: SERVER,
            responder_port,
            originator_mac: CLIENT_MAC,
        };
        Self { key, session: Session::new(&key), said: [0; 2], findings: Vec::new(), status: Status::More }
    }

    pub fn between(mut self, originator: IpAddr, responder: IpAddr) -> Self {
        (self.key.originator, self.key.responder) = (originator, responder);
        self
    }

    pub fn only(mut self, protocol: &'static Protocol) -> Self {
        self.session = Session::of(protocol);
        self
    }

    pub fn client(self, payload: &[u8]) -> Self {
        self.say(Direction::ToResponder, payload)
    }

    pub fn server(self, payload: &[u8]) -> Self {
        self.say(Direction::ToOriginator, payload)
    }

    /// Bytes of the client that the tap missed.
    pub fn lost(mut self, len: u32) -> Self {
        self.said[0] += len;
        self
    }

    fn say(mut self, direction: Direction, payload: &[u8]) -> Self {
        let said = &mut self.said[usize::from(direction == Direction::ToOriginator)];
        let offset = if self.key.protocol == IpProtocol::Tcp { *said } else { 0 };
        *said = said.wrapping_add(payload.len() as u32);
        self.status = self.session.feed(&self.key, direction, offset, payload, Timestamp::from_nanos(7), &mut self.findings);
        self
    }

    pub fn findings(self) -> Findings {
        Findings(self.findings)
    }
}

pub(crate) struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn services(&self) -> Vec<&'static str> {
        self.0.iter().filter_map(|f| if let Finding::Service(name) = f { Some(*name) } else { None }).collect()
    }

    pub fn operations(&self) -> Vec<&'static str> {
        self.0.iter().filter_map(|f| if let Finding::Operation(name) = f { Some(*name) } else { None }).collect()
    }

    pub fn is_reversed(&self) -> bool {
        self.0.iter().any(|f| matches!(f, Finding::Reversed(_)))
    }

    pub fn values_of(&self, kind: FactKind) -> Vec<&str> {
        self.facts(kind).map(|(_, value)| value).collect()
    }

    pub fn facts(&self, kind: FactKind) -> impl Iterator<Item = (Subject, &str)> {
        self.0.iter().filter_map(move |finding| match finding {
            Finding::Fact(fact) if fact.kind == kind => Some((fact.subject, fact.value.as_str())),
            _ => None,
        })
    }
}

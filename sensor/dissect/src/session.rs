//! The dissection state of one flow.

use std::net::IpAddr;

use sensor_model::{Direction, DirectionReason, Fact, IpProtocol, MacAddr, Timestamp};

/// The flow that a session belongs to, oriented as the flow table has it.
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
}

/// Whether more payload is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    More,
    Done,
}

/// Dissection of one flow. Small; a flow has one only while it is inspected.
#[derive(Debug, Default)]
pub struct Session {}

impl Session {
    /// Most bytes a session keeps for reassembly, both directions together.
    pub const MAX_BUFFERED_BYTES: usize = 32 * 1024;

    #[must_use]
    pub fn new(key: &SessionKey) -> Self {
        let _ = key;
        Self::default()
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
        let _ = (key, direction, stream_offset, payload, seen_at, findings);
        Status::Done
    }
}

//! One side of a TCP connection as Zeek models it, in one byte, and the letters that are written once.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Letters of one side that appear once in a history (bits of [`crate::slot::Hot::seen`]).
pub const SEEN_SYN: u8 = 0x01;
pub const SEEN_FIN: u8 = 0x02;
pub const SEEN_RST: u8 = 0x04;
pub const SEEN_DATA: u8 = 0x08;
pub const SEEN_ACK: u8 = 0x10;
pub const SEEN_MULTI_FLAG: u8 = 0x20;
pub const SEEN_FIN_RST: u8 = 0x40;
/// Not a letter: the peer acknowledged some of this side's data.
pub const DATA_ACKED: u8 = 0x80;

/// What a side was seen to do (Zeek manual, `TCP_INACTIVE` and following).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Never heard.
    Inactive,
    SynSent,
    /// Originator that began with a SYN-ACK.
    SynAckSent,
    /// Heard, but not from its SYN on.
    Partial,
    Established,
    /// Sent a FIN.
    Closed,
    /// Sent a RST.
    Reset,
}

/// State, the state before it, and two marks. All zero is a side that was never heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct Endpoint(u8);

impl Endpoint {
    const CLOSED: u8 = 0x40;
    const FIN: u8 = 0x80;

    pub const fn state(self) -> State {
        from_bits(self.0 & 7)
    }

    pub const fn previous(self) -> State {
        from_bits(self.0 >> 3 & 7)
    }

    pub fn enter(&mut self, state: State) {
        if state != self.state() {
            self.0 = self.0 & (Self::CLOSED | Self::FIN) | (self.0 & 7) << 3 | state as u8;
        }
    }

    /// Closed, and all its data was seen.
    pub const fn did_close(self) -> bool {
        self.0 & Self::CLOSED != 0
    }

    pub fn close(&mut self) {
        self.0 |= Self::CLOSED;
    }

    pub const fn sent_fin(self) -> bool {
        self.0 & Self::FIN != 0
    }

    pub fn mark_fin(&mut self) {
        self.0 |= Self::FIN;
    }

    /// Established, or closed from there: its sequence numbers can be believed.
    pub const fn is_clean(self) -> bool {
        match self.state() {
            State::Established => true,
            State::Closed => matches!(self.previous(), State::Established),
            _ => false,
        }
    }
}

const fn from_bits(bits: u8) -> State {
    match bits {
        1 => State::SynSent,
        2 => State::SynAckSent,
        3 => State::Partial,
        4 => State::Established,
        5 => State::Closed,
        6 => State::Reset,
        _ => State::Inactive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_remembers_where_it_came_from_and_its_marks() {
        let mut endpoint = Endpoint::default();
        assert_eq!((endpoint.state(), endpoint.did_close()), (State::Inactive, false));
        for state in [State::SynSent, State::SynAckSent, State::Partial, State::Established, State::Closed, State::Reset] {
            let before = endpoint.state();
            endpoint.enter(state);
            endpoint.enter(state);
            endpoint.mark_fin();
            endpoint.close();
            assert_eq!((endpoint.state(), endpoint.previous()), (state, before));
            assert!(endpoint.did_close() && endpoint.sent_fin());
        }
    }
}

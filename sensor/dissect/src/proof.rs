//! Datagrams that exist only because their receiver had sent one: answers, acknowledgments, and what follows a handshake. Where the tap sees
//! one direction of a flow, they prove the other. A question, a log line, a sample or a datagram of an older session proves nothing, and
//! neither does an answer to a question that may have gone to a group.

mod rules;

use sensor_model::{Direction, Proof};

use crate::SessionKey;

/// Datagrams of a flow that are looked at; what they cannot prove, the next ones rarely do.
const MAX_DATAGRAMS: u8 = 32;

/// Looks at a flow's datagrams as long as only one side was heard.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    speaker: Option<Direction>,
    datagrams: u8,
    is_over: bool,
    /// Digest of the last that proved something: repeated, it proves nothing again.
    last: u64,
    memory: Memory,
}

/// What earlier datagrams of the speaker say of the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// It opened with a long header of QUIC.
    pub is_quic: bool,
    /// It sent records of DTLS in the clear.
    pub is_dtls: bool,
    /// The last block of TFTP.
    pub block: Option<u16>,
}

impl Watch {
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next datagram of a flow.
    pub fn look(&mut self, key: &SessionKey, direction: Direction, payload: &[u8]) -> Option<Proof> {
        if self.is_over {
            return None;
        }
        self.datagrams = self.datagrams.saturating_add(1);
        self.is_over = *self.speaker.get_or_insert(direction) != direction || self.datagrams >= MAX_DATAGRAMS;
        if self.speaker != Some(direction) {
            return None;
        }
        let ports = match direction {
            Direction::ToResponder => (key.originator_port, key.responder_port),
            Direction::ToOriginator => (key.responder_port, key.originator_port),
        };
        let proof = rules::proof_in(payload, ports, &mut self.memory)?;
        let digest = digest(payload);
        (std::mem::replace(&mut self.last, digest) != digest).then_some(proof)
    }
}

/// FNV-1a.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;
    use crate::{Finding, Status};

    const RESPONSE: &[u8] = b"SIP/2.0 100 Trying\r\n\r\n";

    fn proofs(script: Script) -> usize {
        script.findings().0.iter().filter(|finding| matches!(finding, Finding::Proof(_))).count()
    }

    #[test]
    fn an_answer_proves_its_question_only_while_the_questioner_was_not_heard() {
        assert_eq!(proofs(Script::udp(5060).server(RESPONSE)), 1);
        assert_eq!(proofs(Script::udp(5060).client(b"OPTIONS sip:a SIP/2.0\r\n\r\n").server(RESPONSE)), 0);
    }

    #[test]
    fn a_repeated_datagram_proves_nothing_new() {
        let other: &[u8] = b"SIP/2.0 200 OK\r\n\r\n";
        assert_eq!(proofs(Script::udp(5060).server(RESPONSE).server(RESPONSE).server(other)), 2);
    }

    #[test]
    fn a_flow_is_looked_at_no_longer_than_needed() {
        let mut script = Script::udp(40_001);
        for number in 0..MAX_DATAGRAMS {
            assert_eq!(script.status, Status::More);
            script = script.client(&[0xaa, number]);
        }
        assert_eq!(script.status, Status::Done);
    }
}

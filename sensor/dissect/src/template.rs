//! Copy me. Turns the messages of a protocol into findings; refuses bytes that are not it.
//!
//! 1. Copy this file to `yours.rs`, 2. add `&yours::PROTOCOL` to `registry.rs` and `mod yours;` to `lib.rs`, 3. put a real message of it
//!    into the tests below and into `samples.rs`, which shows it to every other recogniser.
//!
//! The example is Echo (RFC 862) with a made-up greeting, so that it compiles and is tested but claims nobody's flow.

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

/// Ports are a hint only. See `Protocol` for what else can be said: peers without roles, a message a segment, another source of facts.
pub(crate) const PROTOCOL: Protocol = Protocol::tcp("echo", &[7], recognise, read);

const MAGIC: &[u8] = b"ECHO";

/// Strict: a random payload must not pass. Aim at 32 bits that must be just so, fewer only when `probe.hinted`.
fn recognise(probe: &Probe<'_>) -> Recognition {
    Recognition::starts_with_any(probe.bytes, &[MAGIC])
}

/// One message: magic, an 8-bit length, the sender's name.
fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let mut reader = Reader::new(bytes);
    if reader.take(MAGIC.len()).is_none_or(|magic| magic != MAGIC) {
        return Step::Leave;
    }
    let Some(name) = reader.prefixed8() else {
        return Step::Wait;
    };
    reading.tell_of_ip(reading.sender(), FactKind::Hostname, text::host_name(name), Strength::Confirmed);
    Step::Read(bytes.len().saturating_sub(reader.rest().len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_greeting_tells_the_senders_name() {
        let findings = Script::tcp(7).only(&PROTOCOL).client(b"ECHO\x05plc-1").findings();
        assert_eq!(findings.values_of(FactKind::Hostname), ["plc-1"]);
    }
}

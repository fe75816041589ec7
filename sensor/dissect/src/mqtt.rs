//! MQTT 3.1 to 5 (OASIS): a connection by its CONNECT or CONNACK.

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("mqtt", &[1883], recognise, read);

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;

/// One to four bytes of seven bits, lowest first (2.2.3 of version 3.1.1).
fn remaining_length(reader: &mut Reader<'_>) -> Option<u32> {
    let mut len = 0_u32;
    for shift in [0, 7, 14, 21] {
        let byte = reader.u8()?;
        len |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    let kind = reader.u8();
    let len = remaining_length(&mut reader);
    match (kind, len) {
        (Some(CONNECT), Some(len)) if len >= 10 => {
            match Recognition::starts_with_any(reader.rest(), &[b"\x00\x04MQTT", b"\x00\x06MQIsdp"]) {
                Recognition::Unsure if !probe.hinted && reader.rest().len() < 2 => Recognition::No,
                other => other,
            }
        }
        // Session present or not, then a small code: too little to know it by elsewhere.
        (Some(CONNACK), Some(len @ 2..=127)) => Recognition::of(
            probe.hinted
                && usize::try_from(len).is_ok_and(|len| len <= reader.rest().len())
                && matches!(reader.rest(), [0 | 1, ..]),
        ),
        _ => Recognition::No,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match bytes.first() {
        Some(&CONNECT) => reading.sent_by_client(true),
        Some(&CONNACK) => reading.sent_by_client(false),
        _ => return Step::Leave,
    }
    Step::Last
}

#[cfg(test)]
mod tests {
    use crate::samples::Script;

    #[test]
    fn a_connection_is_known_on_any_port() {
        let connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04plc1";
        assert_eq!(Script::tcp(11_883).client(connect).findings().services(), ["mqtt"]);
        assert_eq!(Script::tcp(1883).server(b"\x20\x02\x00\x00").findings().services(), ["mqtt"]);
    }
}

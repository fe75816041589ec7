//! OPC UA over TCP (OPC 10000-6, 7.1): the server that the client's hello asks for.

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("opcua_binary", &[4840], recognise, read).told_by("opcua");

const KINDS: &[&[u8]] = &[b"HELF", b"ACKF", b"ERRF", b"RHEF", b"OPNF", b"MSGF", b"MSGC", b"MSGA", b"CLOF"];
const MAX_MESSAGES: u32 = 8;

fn header(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut reader = Reader::new(bytes);
    let kind = reader.take(4).filter(|kind| KINDS.contains(kind))?;
    let len = usize::try_from(reader.le32()?).ok().filter(|len| (8..=0x0400_0000).contains(len))?;
    Some((kind, len))
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    match Recognition::starts_with_any(probe.bytes, KINDS) {
        Recognition::Yes if probe.bytes.len() >= 8 => Recognition::of(header(probe.bytes).is_some()),
        Recognition::Yes => Recognition::Unsure,
        other => other,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some((kind, len)) = header(bytes) else {
        return if bytes.len() < 8 { Step::Wait } else { Step::Leave };
    };
    match kind {
        b"HELF" if bytes.len() < len && len < 4096 => return Step::Wait,
        b"HELF" => {
            reading.sent_by_client(true);
            reading.tell_of_ip(reading.server(), FactKind::ServerName, endpoint_host(bytes), Strength::Probable);
        }
        b"RHEF" | b"ACKF" => reading.sent_by_client(kind == b"RHEF"),
        _ => {}
    }
    reading.one_of(MAX_MESSAGES, Step::Read(len))
}

/// Five numbers behind the header, then the endpoint URL `opc.tcp://host:port/path` (7.1.2.3).
fn endpoint_host(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::new(bytes);
    reader.skip(28)?;
    let len = usize::try_from(reader.le32()?).ok()?;
    let host = reader.take(len)?.strip_prefix(b"opc.tcp://")?;
    let host = host.split(|byte| matches!(byte, b':' | b'/')).next()?;
    // Servers under test are asked for by the name every host has.
    text::host_name(host).map(|name| name.to_lowercase()).filter(|name| name != "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_hello_tells_the_servers_name() {
        let url = b"opc.tcp://PLC-1:4840/";
        let mut hello = b"HELF".to_vec();
        hello.extend((32 + url.len() as u32).to_le_bytes());
        hello.extend([0; 20]);
        hello.extend((url.len() as u32).to_le_bytes());
        hello.extend(url);
        let findings = Script::tcp(4841).client(&hello).findings();
        assert_eq!(findings.services(), ["opcua_binary"]);
        assert_eq!(findings.values_of(FactKind::ServerName), ["plc-1"]);
    }
}

//! HTTP/1 (RFC 9112): the name that the client asks for, and the system that either side's product field gives away. Only the first request and
//! the first answer of a connection are read.

use sensor_model::{FactKind, Role, Strength};

use crate::head::{Head, tell_system};
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Parsed;

const PORTS: &[u16] = &[80, 8080, 8000, 631, 3128, 5985];

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("http", PORTS, recognise, read);

/// RFC 9110 9.3, RFC 5789, RFC 4918 9, and those of Windows.
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "NOTIFY",
    "M-POST",
];
const MAX_METHOD: usize = 14;

fn recognise(probe: &Probe<'_>) -> Recognition {
    let line = probe.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_whole = line.len() < probe.bytes.len();
    if b"HTTP/1.".starts_with(line) {
        return Recognition::Unsure;
    }
    if line.starts_with(b"HTTP/1.") {
        return Recognition::Yes;
    }
    let Some(blank) = line.iter().take(MAX_METHOD).position(|byte| *byte == b' ') else {
        let begins = METHODS.iter().any(|method| method.as_bytes().starts_with(line));
        return if begins { Recognition::Unsure } else { Recognition::No };
    };
    let is_method = METHODS.iter().any(|method| Some(method.as_bytes()) == line.get(..blank));
    let is_http = line.windows(8).any(|version| version == b" HTTP/1.");
    match (is_method, is_http, is_whole) {
        (true, true, _) => Recognition::Yes,
        // A long target whose end is in the next segment.
        (true, false, false) if line.len() < 4096 => Recognition::Unsure,
        _ => Recognition::No,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let head = match Head::parse(bytes) {
        Parsed::Whole(head) => head,
        Parsed::Short => return Step::Wait,
        Parsed::Foreign => return Step::Leave,
    };
    let is_answer = head.first_line.starts_with(b"HTTP/1.");
    if !is_answer && !head.first_line.windows(8).any(|version| version == b" HTTP/1.") {
        return Step::Leave;
    }
    reading.sent_by_client(!is_answer);
    if is_answer {
        tell_system(reading, head.field("server"));
    } else {
        // A proxy is asked for the names of others.
        if head.first_line.windows(2).any(|start| start == b" /") {
            reading.tell_of_ip(reading.server(), FactKind::ServerName, head.host(), Strength::Probable);
        }
        tell_system(reading, head.field("user-agent"));
    }
    // The Internet Printing Protocol is HTTP to everybody but the printer (RFC 8010 4.1).
    if is_answer && head.field("content-type").is_some_and(|kind| kind.starts_with(b"application/ipp")) {
        reading.tell_of_ip(reading.server(), FactKind::Serves, Some("ipp".to_owned()), Strength::Confirmed);
        reading.tell_of_ip(reading.server(), FactKind::Role, Some(Role::Printer.to_string()), Strength::Probable);
    }
    Step::Last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use crate::samples::Script;

    const REQUEST: &[u8] = b"GET /status HTTP/1.1\r\nHost: PLC.example:80\r\nUser-Agent: Mozilla/5.0 (Windows NT 6.1)\r\n\r\n";
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: Apache/2.4 (Ubuntu)\r\n\r\nbody";

    #[test]
    fn request_and_answer_tell_name_and_systems_and_end_the_session() {
        let script = Script::tcp(8123).client(&REQUEST[..20]).client(&REQUEST[20..]).server(ANSWER);
        assert_eq!(script.status, Status::Done);
        let findings = script.findings();
        assert_eq!(findings.services(), ["http"]);
        assert_eq!(findings.values_of(FactKind::ServerName), ["plc.example"]);
        assert_eq!(findings.values_of(FactKind::OperatingSystem), ["Windows 7", "Ubuntu Linux"]);
    }

    #[test]
    fn an_answer_from_the_originator_reverses_the_flow() {
        assert!(Script::tcp(40_001).client(ANSWER).findings().is_reversed());
    }

    #[test]
    fn a_printer_is_known_by_what_it_answers() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n\r\n";
        let findings = Script::tcp(631).client(REQUEST).server(answer).findings();
        assert_eq!(findings.values_of(FactKind::Role), ["printer"]);
    }
}

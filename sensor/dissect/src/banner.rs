//! Protocols that open with a line of text: SSH (RFC 4253 4.2), FTP (RFC 959), SMTP (RFC 5321), POP3, IMAP, VNC (RFC 6143 7.1.1), Telnet.

use sensor_model::{FactKind, Strength};

use crate::head::{system_in, tell_system};
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::tls;

pub(crate) const SSH: Protocol = Protocol::tcp("ssh", &[22], recognise_ssh, read_ssh);
pub(crate) const VNC: Protocol = Protocol::tcp("rfb", &[5900, 5901], recognise_vnc, read_line);
pub(crate) const FTP: Protocol = Protocol::tcp("ftp", &[21], recognise_ftp, read_greeting);
pub(crate) const SMTP: Protocol = Protocol::tcp("smtp", &[25, 587], recognise_smtp, read_greeting);
pub(crate) const POP3: Protocol = Protocol::tcp("pop3", &[110], recognise_pop3, read_greeting);
pub(crate) const IMAP: Protocol = Protocol::tcp("imap", &[143], recognise_imap, read_greeting);
pub(crate) const TELNET: Protocol = Protocol::tcp("telnet", &[23], recognise_telnet, read_telnet);

const MAX_LINE: usize = 1024;
/// Lines of both sides that are read; a server's list of extensions has some twenty.
const MAX_LINES: u32 = 48;

fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    bytes.get(..end).map(<[u8]>::trim_ascii_end)
}

fn has_word(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

fn recognise_ssh(probe: &Probe<'_>) -> Recognition {
    Recognition::starts_with_any(probe.bytes, &[b"SSH-2.0-", b"SSH-1."])
}

fn recognise_vnc(probe: &Probe<'_>) -> Recognition {
    Recognition::starts_with_any(probe.bytes, &[b"RFB 003.", b"RFB 004."])
}

/// FTP and SMTP open with the same digits: the words that follow tell, else the port.
fn recognise_ftp(probe: &Probe<'_>) -> Recognition {
    by_greeting(probe, &[b"FTP"], &[b"SMTP", b"ESMTP"], &[b"USER ", b"AUTH TLS", b"AUTH SSL", b"FEAT"])
}

fn recognise_smtp(probe: &Probe<'_>) -> Recognition {
    by_greeting(probe, &[b"SMTP"], &[b"FTP"], &[b"EHLO ", b"HELO "])
}

fn by_greeting(probe: &Probe<'_>, words: &[&[u8]], foreign: &[&[u8]], commands: &[&[u8]]) -> Recognition {
    let greeting = Recognition::starts_with_any(probe.bytes, &[b"220 ", b"220-"]);
    let command = Recognition::starts_with_any(probe.bytes, commands);
    match (greeting, command, first_line(probe.bytes)) {
        (Recognition::Yes, _, Some(line)) => {
            let is_foreign = foreign.iter().any(|word| has_word(line, word));
            Recognition::of(words.iter().any(|word| has_word(line, word)) || (probe.hinted && !is_foreign))
        }
        // POP3 opens with `USER` too, so the port must agree; `EHLO` is nobody else's.
        (_, Recognition::Yes, Some(_)) => Recognition::of(probe.hinted || commands.contains(&&b"EHLO "[..])),
        (Recognition::No, Recognition::No, _) => Recognition::No,
        _ if probe.bytes.len() < MAX_LINE => Recognition::Unsure,
        _ => Recognition::No,
    }
}

fn recognise_pop3(probe: &Probe<'_>) -> Recognition {
    if probe.hinted { Recognition::starts_with_any(probe.bytes, &[b"+OK", b"-ERR", b"USER ", b"CAPA"]) } else { Recognition::No }
}

fn recognise_imap(probe: &Probe<'_>) -> Recognition {
    if probe.hinted { Recognition::starts_with_any(probe.bytes, &[b"* OK", b"* PREAUTH", b"* BYE"]) } else { Recognition::No }
}

/// RFC 854: a negotiation is IAC, one of WILL, WONT, DO, DONT, and an option. Two in a row, or one on the port.
fn recognise_telnet(probe: &Probe<'_>) -> Recognition {
    let is_negotiation = |bytes: &[u8]| matches!(bytes, [0xff, 0xfb..=0xfe, option] if *option < 0x32 || *option == 0xff);
    let (pairs, rest) = probe.bytes.as_chunks::<3>();
    let count = pairs.iter().take_while(|bytes| is_negotiation(bytes.as_slice())).count();
    Recognition::of(count >= 3 || (probe.hinted && count >= 1 && (rest.is_empty() || count < pairs.len() || count >= 2)))
}

/// `SSH-2.0-software comments`: the comment is often the distribution.
fn read_ssh(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(line) = first_line(bytes) else {
        return if bytes.len() < MAX_LINE { Step::Wait } else { Step::Leave };
    };
    if !line.starts_with(b"SSH-") {
        return Step::Leave;
    }
    let system = system_in(line).or_else(|| has_word(line, b"ROSSSH").then(|| "RouterOS".to_owned()));
    reading.tell_of_ip(reading.sender(), FactKind::OperatingSystem, system, Strength::Probable);
    Step::Last
}

/// Lines until the client has said a few or both sides change to TLS (STARTTLS: RFC 3207, RFC 2595, RFC 4217).
fn read_greeting(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    if bytes.first() == Some(&tls::HANDSHAKE) {
        return tls::read_upgraded(reading, bytes);
    }
    let Some(line) = first_line(bytes) else {
        return if bytes.len() < MAX_LINE { Step::Wait } else { Step::Leave };
    };
    if line.starts_with(b"220") || line.starts_with(b"+OK") || line.starts_with(b"* OK") {
        reading.sent_by_client(false);
        tell_system(reading, Some(line));
    }
    let len = bytes.iter().position(|byte| *byte == b'\n').unwrap_or_default().saturating_add(1);
    reading.one_of(MAX_LINES, Step::Read(len))
}

fn read_line(_: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match first_line(bytes) {
        Some(_) => Step::Last,
        None if bytes.len() < MAX_LINE => Step::Wait,
        None => Step::Leave,
    }
}

fn read_telnet(_: &mut Reading<'_>, _: &[u8]) -> Step {
    Step::Last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn a_banner_tells_service_and_system() {
        let findings = Script::tcp(2222).server(b"SSH-2.0-OpenSSH_8.9p1 Ubuntu-3\r\n").client(b"SSH-2.0-PuTTY\r\n").findings();
        assert_eq!(findings.services(), ["ssh"]);
        assert_eq!(findings.values_of(FactKind::OperatingSystem), ["Ubuntu Linux"]);
    }

    #[test]
    fn ftp_and_smtp_are_told_apart_by_their_words_and_else_by_the_port() {
        for (port, greeting, wanted) in [
            (2100, &b"220 ProFTPD Server ready.\r\n"[..], vec!["ftp"]),
            (2500, b"220 mail.example ESMTP Postfix\r\n", vec!["smtp"]),
            (21, b"220 Welcome\r\n", vec!["ftp"]),
            (25, b"220 Welcome\r\n", vec!["smtp"]),
            (21, b"220 mail.example ESMTP\r\n", vec!["smtp"]),
            (9999, b"220 Welcome\r\n", vec![]),
        ] {
            assert_eq!(Script::tcp(port).server(greeting).findings().services(), wanted, "{port}");
        }
    }

    #[test]
    fn telnet_is_known_by_its_negotiation() {
        let negotiation = b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23";
        assert_eq!(Script::tcp(2323).server(negotiation).findings().services(), ["telnet"]);
        assert_eq!(Script::tcp(23).server(&negotiation[..3]).findings().services(), ["telnet"]);
    }
}

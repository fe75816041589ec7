//! Services that are known by a few strict first bytes and tell nothing more: databases, remote procedure calls, logs, boot files, RADIUS.

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;

pub(crate) const MYSQL: Protocol = Protocol::tcp("mysql", &[3306], recognise_mysql, read_once);
pub(crate) const POSTGRESQL: Protocol = Protocol::tcp("postgresql", &[5432], recognise_postgresql, read_once);
pub(crate) const TDS: Protocol = Protocol::tcp("tds", &[1433], recognise_tds, read_once);
pub(crate) const DCE_RPC: Protocol = Protocol::tcp("dce_rpc", &[135], recognise_dce_rpc, read_once);
pub(crate) const PROFINET_CONTEXT: Protocol =
    Protocol::udp("profinet_io_cm", &[34964], recognise_profinet, read_datagram).told_by("profinet");
pub(crate) const QUIC: Protocol = Protocol::udp("quic", &[443], recognise_quic, read_datagram);
pub(crate) const SYSLOG: Protocol = Protocol::udp("syslog", &[514], recognise_syslog, read_datagram);
pub(crate) const TFTP: Protocol = Protocol::udp("tftp", &[69], recognise_tftp, read_datagram);
pub(crate) const RADIUS: Protocol = Protocol::udp("radius", &[1812, 1813, 1645, 1646], recognise_radius, read_datagram);

fn read_once(_: &mut Reading<'_>, _: &[u8]) -> Step {
    Step::Last
}

fn read_datagram(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    reading.one_of(4, Step::Read(bytes.len()))
}

/// The server's greeting: length in three bytes, packet 0, protocol 10, a printable version ended by zero.
fn recognise_mysql(probe: &Probe<'_>) -> Recognition {
    let [low, high, 0, 0, 10, version @ ..] = probe.bytes else {
        return Recognition::No;
    };
    let len = usize::from(u16::from_le_bytes([*low, *high]));
    let end = version.iter().position(|byte| *byte == 0);
    let printable =
        end.and_then(|end| version.get(..end)).is_some_and(|text| text.len() >= 3 && text.iter().all(u8::is_ascii_graphic));
    Recognition::of(printable && len.checked_add(4) == Some(probe.bytes.len()))
}

/// Length, then version 3.0 or the code of a TLS or GSS request (PostgreSQL manual, 55.7).
fn recognise_postgresql(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    Recognition::of(match (reader.be32(), reader.be32()) {
        (Some(8), Some(80_877_103 | 80_877_104)) => true,
        (Some(len), Some(0x0003_0000)) => usize::try_from(len) == Ok(probe.bytes.len()) && reader.rest().starts_with(b"user\0"),
        _ => false,
    })
}

/// [MS-TDS] 2.2.3.1: type, status, length of the whole packet, process, number, window 0. The pre-login, whose version option stands first
/// (2.2.6.5), is known anywhere; on the port so are batches, calls, logins and answers.
fn recognise_tds(probe: &Probe<'_>) -> Recognition {
    const PRE_LOGIN: u8 = 0x12;
    const ANSWER: u8 = 4;
    let [kind @ (1..=4 | 6 | 7 | 14 | 16..=18), status @ 0..=0x1f, high, low, process_high, process_low, _, 0, rest @ ..] =
        probe.bytes
    else {
        return Recognition::No;
    };
    // Clients do not know their process, and send 0.
    if *kind != ANSWER && (*process_high, *process_low) != (0, 0) {
        return Recognition::No;
    }
    let fits = usize::from(u16::from_be_bytes([*high, *low])) == probe.bytes.len();
    let is_pre_login = *kind == PRE_LOGIN && *status == 1 && matches!(rest, [0, 0, 6..=255, ..]);
    Recognition::of(fits && (is_pre_login || probe.hinted))
}

/// A bind or its answer: version 5.0 or 5.1, fragment flags, little-endian data, the fragment's length (C706 12.6.3).
fn recognise_dce_rpc(probe: &Probe<'_>) -> Recognition {
    let [5, 0 | 1, 0 | 2 | 11..=15, flags, 0x10, 0, 0, 0, low, high, ..] = probe.bytes else {
        return Recognition::No;
    };
    // Bit 3 is reserved.
    if flags & 0x08 != 0 {
        return Recognition::No;
    }
    let len = usize::from(u16::from_le_bytes([*low, *high]));
    Recognition::of(len >= 16 && (len == probe.bytes.len() || probe.hinted || len < probe.bytes.len()))
}

/// Connectionless remote procedure calls (C706 12.5) to the interfaces of PROFINET IO, whose identifiers end in PROFIBUS's own node.
fn recognise_profinet(probe: &Probe<'_>) -> Recognition {
    const NODE: &[u8] = b"\x82\x71\x00\xa0\x24\x42\xdf\x7d";
    let [4, 0..=10, _, _, 0 | 0x10, 0 | 1, 0, _, rest @ ..] = probe.bytes else {
        return Recognition::No;
    };
    // Behind the object stands the interface, sixteen bytes each, in either byte order.
    let interface = rest.get(16..32).unwrap_or_default();
    Recognition::of(interface.ends_with(NODE))
}

/// A long header (RFC 9000 17.2) of a version in use: 1, 2 (RFC 9369), or a draft, and identifiers of at most 20 bytes.
fn recognise_quic(probe: &Probe<'_>) -> Recognition {
    Recognition::of(is_quic(probe.bytes))
}

/// A long header of a version that is in use.
pub(crate) fn is_quic(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let fits = (|| {
        reader.u8().filter(|first| first & 0xc0 == 0xc0)?;
        reader.be32().filter(|version| matches!(*version, 1 | 0x6b33_43cf | 0xff00_0017..=0xff00_0022))?;
        reader.prefixed8().filter(|id| id.len() <= 20)?;
        reader.prefixed8().filter(|id| id.len() <= 20)
    })();
    fits.is_some()
}

/// `<priority>` of 0 to 191 (RFC 5424 6.2.1), then text.
fn recognise_syslog(probe: &Probe<'_>) -> Recognition {
    let priority = probe.bytes.strip_prefix(b"<").and_then(|rest| {
        let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
        std::str::from_utf8(rest.get(..end)?).ok()?.parse::<u8>().ok()
    });
    Recognition::of(probe.hinted && priority.is_some_and(|priority| priority < 192))
}

/// A read or write request: file name and mode, each ended by zero (RFC 1350 5).
fn recognise_tftp(probe: &Probe<'_>) -> Recognition {
    let Some(rest) = probe.bytes.strip_prefix(b"\x00\x01").or_else(|| probe.bytes.strip_prefix(b"\x00\x02")) else {
        return Recognition::No;
    };
    let mut parts = rest.split(|byte| *byte == 0);
    let named = parts.next().is_some_and(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic));
    let mode = parts.next().unwrap_or_default();
    Recognition::of(named && [&b"octet"[..], b"netascii", b"mail"].iter().any(|known| mode.eq_ignore_ascii_case(known)))
}

/// A known code, the length of the datagram, and attributes that fill it (RFC 2865 3 and 5).
fn recognise_radius(probe: &Probe<'_>) -> Recognition {
    let mut reader = Reader::new(probe.bytes);
    let code = reader.u8();
    let _ = reader.u8();
    let fits =
        matches!(code, Some(1..=5 | 11..=13 | 40..=45)) && reader.be16().is_some_and(|len| usize::from(len) == probe.bytes.len());
    if !(probe.hinted && fits && reader.skip(16).is_some()) {
        return Recognition::No;
    }
    while !reader.is_empty() {
        let (_, len) = (reader.u8(), reader.u8());
        let Some(()) = len.and_then(|len| len.checked_sub(2)).and_then(|len| reader.skip(usize::from(len))) else {
            return Recognition::No;
        };
    }
    Recognition::Yes
}

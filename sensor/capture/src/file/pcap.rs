//! Records of the classic pcap format: a 24-byte file header, then a 16-byte header and the bytes of each packet.
//! Refuses versions nobody wrote. Format: draft-ietf-opsawg-pcap; old variants as libpcap and Wireshark read them.

use sensor_wire::LinkType;

use super::bytes::{ByteOrder, Fields};
use super::step::{Fault, Step, frame_limit};
use crate::Frame;

/// What the file header said.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    link: LinkType,
    nanos_per_tick: i64,
    /// Bytes after the usual 16 of a record header.
    extra_header: usize,
    lengths: Lengths,
    frame_limit: u32,
}

/// Which of the two lengths of a record comes first. Versions before 2.3 had the wire length first, 2.3 was written both ways, and
/// so is "543.0" of DG/UX (libpcap `sf-pcap.c`).
#[derive(Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    Unsure,
}

/// Why a header cannot be used.
#[derive(Debug)]
pub(super) enum Refused {
    NotPcap,
    Short,
    Version(u16, u16),
    LinkType(u32),
}

pub(super) const FILE_HEADER: usize = 24;

impl Pcap {
    /// From the start of a file.
    pub fn open(file: &[u8]) -> Result<Self, Refused> {
        let (magic, _) = file.split_first_chunk::<4>().ok_or(Refused::NotPcap)?;
        let (order, nanos_per_tick, extra_header) = match u32::from_be_bytes(*magic) {
            0xa1b2_c3d4 => (ByteOrder::Big, 1_000, 0),
            0xd4c3_b2a1 => (ByteOrder::Little, 1_000, 0),
            0xa1b2_3c4d => (ByteOrder::Big, 1, 0),
            0x4d3c_b2a1 => (ByteOrder::Little, 1, 0),
            // Kuznetzov's patched tcpdump: interface index, protocol and packet type behind the lengths.
            0xa1b2_cd34 => (ByteOrder::Big, 1_000, 8),
            0x34cd_b2a1 => (ByteOrder::Little, 1_000, 8),
            _ => return Err(Refused::NotPcap),
        };
        let header = file.first_chunk::<FILE_HEADER>().ok_or(Refused::Short)?;
        let mut fields = Fields::new(order, header);
        let [_magic, versions, _zone, _accuracy, snaplen, link] = [(); 6].map(|()| fields.array::<4>().unwrap_or_default());
        let [a, b, c, d] = versions;
        let (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        let lengths = match (major, minor) {
            (2, 0..=2) | (543, _) => Lengths::WireFirst,
            (2, 3) => Lengths::Unsure,
            (2, _) => Lengths::CapturedFirst,
            _ => return Err(Refused::Version(major, minor)),
        };
        // The upper 16 bits say whether and how long a frame check sequence follows each frame; it stays in the frame, as it was on the wire.
        let number = order.u32(link) & 0xffff;
        let link = LinkType::from_number(number).ok_or(Refused::LinkType(number))?;
        let frame_limit = frame_limit(order.u32(snaplen));
        Ok(Self { order, link, nanos_per_tick, extra_header, lengths, frame_limit })
    }

    /// Takes one record from the front of `rest`.
    #[inline]
    pub fn next<'a>(&self, rest: &mut &'a [u8], mut take: impl FnMut(Frame<'a>)) -> Result<Step, Fault> {
        if rest.is_empty() {
            return Ok(Step::End);
        }
        let Some((header, body)) = self.record_header(rest) else {
            let claimed = 16_usize.saturating_add(self.extra_header);
            return Ok(Step::Truncated { claimed, present: rest.len() });
        };
        if header.captured > self.frame_limit {
            return Err(Fault(format!("the packet claims {} bytes, at most {} can be", header.captured, self.frame_limit)));
        }
        let claimed = header.captured as usize;
        let Some((bytes, after)) = body.split_at_checked(claimed) else {
            return Ok(Step::Truncated { claimed, present: body.len() });
        };
        *rest = after;
        // Some writers store more than was on the wire (padding): then what is stored counts.
        let wire_len = header.wire.max(header.captured);
        take(Frame { seen_at_nanos: header.nanos, wire_len, link: self.link, bytes });
        Ok(Step::Frame)
    }

    #[inline]
    fn record_header<'a>(&self, record: &'a [u8]) -> Option<(RecordHeader, &'a [u8])> {
        let mut fields = Fields::new(self.order, record);
        let (seconds, ticks) = (i64::from(fields.u32()?), i64::from(fields.u32()?));
        let (first, second) = (fields.u32()?, fields.u32()?);
        let body = fields.rest().get(self.extra_header..)?;
        let (captured, wire) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::Unsure => (first.min(second), first.max(second)),
        };
        let nanos = seconds.saturating_mul(1_000_000_000).saturating_add(ticks.saturating_mul(self.nanos_per_tick));
        Some((RecordHeader { nanos, captured, wire }, body))
    }
}

struct RecordHeader {
    nanos: i64,
    captured: u32,
    wire: u32,
}

//! Frames out of the bytes of a capture file, a chunk at a time, without copying.

use std::collections::BTreeMap;
use std::fmt;

use super::link_name::link_name;
use super::pcap::{Pcap, Refused};
use super::pcapng::{Pcapng, SECTION_HEADER};
use super::step::{Fault, Step};
use crate::{CaptureError, Frame};

/// Walks one capture from its first packet to its last.
#[derive(Debug)]
pub struct Reader<'a> {
    name: &'a str,
    file: &'a [u8],
    rest: &'a [u8],
    format: Format,
    packets: u64,
    frames: u64,
    unreadable: BTreeMap<u16, u64>,
    /// What went wrong while decompressing; told after the last whole packet.
    damage: Option<&'a str>,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// How a chunk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum ChunkEnd {
    /// There may be more: call again.
    More,
    /// The capture is read to its end.
    End,
    /// The capture ends inside a packet; all whole ones were given.
    Truncated(Truncation),
}

/// Where a capture ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Number of the packet that is not whole, the first being 1.
    pub packet: u64,
    /// Where its record or block starts in the (decompressed) file.
    pub offset: u64,
    pub claimed_bytes: u64,
    pub present_bytes: u64,
}

impl fmt::Display for Truncation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packet, offset, claimed_bytes, present_bytes } = self;
        write!(f, "the last packet #{packet} at offset {offset} claims {claimed_bytes} bytes, {present_bytes} are there")
    }
}

/// Packets that were passed over because the link type of their interface cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadableLink {
    pub number: u32,
    pub name: &'static str,
    pub packets: u64,
}

impl<'a> Reader<'a> {
    /// A reader over a whole capture file in memory; `name` is what errors call it.
    pub fn over(name: &'a str, file: &'a [u8]) -> Result<Self, CaptureError> {
        let (format, rest) = if file.starts_with(&SECTION_HEADER) {
            (Format::Pcapng(Pcapng::new()), file)
        } else {
            let (header, records) = Pcap::open(file).map_err(|refused| not_readable(name, file, &refused))?;
            (Format::Pcap(header), records)
        };
        Ok(Self { name, file, rest, format, packets: 0, frames: 0, unreadable: BTreeMap::new(), damage: None })
    }

    pub(super) fn with_damage(mut self, damage: Option<&'a str>) -> Self {
        self.damage = damage;
        self
    }

    /// Appends at most `max` frames (at least one is tried). An error comes alone: the frames before it came with earlier calls, and
    /// calling again gives it again.
    pub fn read_chunk(&mut self, max: usize, frames: &mut Vec<Frame<'a>>) -> Result<ChunkEnd, CaptureError> {
        let mut taken = 0_usize;
        while taken < max.max(1) {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.next(&mut self.rest, frames),
                Format::Pcapng(pcapng) => pcapng.next(&mut self.rest, frames),
            };
            match step {
                Ok(Step::Frame) => {
                    taken = taken.saturating_add(1);
                    self.packets = self.packets.saturating_add(1);
                }
                Ok(Step::Passed) => {}
                Ok(Step::Unreadable { number }) => {
                    let packets = self.unreadable.entry(number).or_default();
                    *packets = packets.saturating_add(1);
                    self.packets = self.packets.saturating_add(1);
                }
                // What ends the capture is found again by the next call.
                _ if taken > 0 => break,
                Ok(Step::End) => return self.finish(ChunkEnd::End),
                Ok(Step::Truncated { claimed, present }) => {
                    let truncation = self.truncation(claimed, present);
                    return self.finish(ChunkEnd::Truncated(truncation));
                }
                Err(Fault(reason)) => {
                    let (packet, offset) = (self.packets.saturating_add(1), self.offset());
                    return Err(CaptureError::Malformed { file: self.name.to_owned(), packet, offset, reason });
                }
            }
        }
        self.frames = self.frames.saturating_add(taken as u64);
        Ok(ChunkEnd::More)
    }

    /// Bytes read and bytes in all, of the decompressed file.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.offset(), self.file.len() as u64)
    }

    /// Packets passed over so far, by link type. Empty for most captures; they belong into the count of packets.
    pub fn unreadable(&self) -> impl Iterator<Item = UnreadableLink> {
        self.unreadable.iter().map(|(number, packets)| {
            let number = u32::from(*number);
            UnreadableLink { number, name: link_name(number), packets: *packets }
        })
    }

    fn offset(&self) -> u64 {
        self.file.len().saturating_sub(self.rest.len()) as u64
    }

    fn truncation(&self, claimed: usize, present: usize) -> Truncation {
        Truncation {
            packet: self.packets.saturating_add(1),
            offset: self.offset(),
            claimed_bytes: claimed as u64,
            present_bytes: present as u64,
        }
    }

    fn finish(&self, end: ChunkEnd) -> Result<ChunkEnd, CaptureError> {
        if let Some(reason) = self.damage {
            return Err(CaptureError::Decompress { file: self.name.to_owned(), reason: reason.to_owned() });
        }
        match self.unreadable().next() {
            // Nothing of the capture could be read: that is a refusal, not an empty result.
            Some(link) if self.frames == 0 => Err(unknown_link(self.name, link.number)),
            _ => Ok(end),
        }
    }
}

fn not_readable(name: &str, file: &[u8], refused: &Refused) -> CaptureError {
    let file_name = name.to_owned();
    match refused {
        Refused::NotPcap => CaptureError::NotACapture { file: file_name, start: start_of(file), hint: hint(file) },
        Refused::Short => CaptureError::Malformed {
            file: file_name,
            packet: 0,
            offset: 0,
            reason: format!("the file ends inside its header: {} of 24 bytes are there", file.len()),
        },
        Refused::Version(major, minor) => CaptureError::Malformed {
            file: file_name,
            packet: 0,
            offset: 4,
            reason: format!("pcap version {major}.{minor} is unknown, 2.4 is usual"),
        },
        Refused::LinkType(number) => unknown_link(name, *number),
    }
}

fn unknown_link(name: &str, number: u32) -> CaptureError {
    CaptureError::UnknownLinkType { file: name.to_owned(), number, name: link_name(number) }
}

fn start_of(file: &[u8]) -> String {
    let bytes: Vec<String> = file.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    if bytes.is_empty() { "nothing: it is empty".to_owned() } else { format!("`{}`", bytes.join(" ")) }
}

/// What to do about a file that some other program wrote.
fn hint(file: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"snoop\0\0\0", "it is a snoop file; convert it: editcap -F pcapng IN OUT"),
        (b"GMBU", "it is a Network Monitor file; convert it: editcap -F pcapng IN OUT"),
        (b"RTSS", "it is a Network Monitor file; convert it: editcap -F pcapng IN OUT"),
        (b"TRSNIFF", "it is a Sniffer file; convert it: editcap -F pcapng IN OUT"),
        (b"BZh", "it is compressed with bzip2; unpack it first"),
        (b"\xfd7zXZ\0", "it is compressed with xz; unpack it first"),
        (b"\x04\x22\x4d\x18", "it is compressed with lz4; unpack it first"),
        (b"PK\x03\x04", "it is a zip archive; unpack it first"),
    ];
    let known = KNOWN.iter().find(|(start, _)| file.starts_with(start));
    known.map_or("pcap and pcapng can be read, also compressed with gzip or zstd", |(_, hint)| hint)
}

//! Frames out of a capture, a chunk at a time. Reading into memory that stays in the cache is cheaper than mapping the file: at a mix of frame
//! sizes the misses of headers far apart cost more than the kernel's copy.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Cursor, ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::Path;

use super::chunk::{Chunk, Span};
use super::link_name::link_name;
use super::pcap::{FILE_HEADER, Pcap};
use super::pcapng::{Pcapng, SECTION_HEADER};
use super::refusal::{not_readable, unknown_link};
use super::source::Source;
use super::step::{Fault, Step};
use crate::{CaptureError, Frame};

/// What is read at a time: enough for the system call not to show, little enough to stay in the cache.
const READ_BYTES: RangeInclusive<usize> = 16 << 10..=256 << 10;

/// One capture, walked from its first packet to its last.
#[derive(Debug)]
pub struct CaptureFile {
    name: String,
    source: Source,
    /// Read, and not yet given out in frames.
    carried: Vec<u8>,
    /// The source has no more.
    is_read: bool,
    format: Format,
    /// Where the next record begins in the unpacked file.
    offset: u64,
    packets: u64,
    frames: u64,
    unreadable: BTreeMap<u16, u64>,
    /// What went wrong while reading or unpacking; told after the last whole packet.
    damage: Option<String>,
    /// Bytes of a record, of late.
    usual_len: usize,
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

/// A capture that is in memory already.
pub fn parse_bytes(bytes: &[u8]) -> Result<CaptureFile, CaptureError> {
    CaptureFile::over("memory", Source::over(Cursor::new(bytes.to_vec())))
}

impl CaptureFile {
    /// Opens `path`; `-` is standard input.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let path = path.as_ref();
        Self::over(&path.display().to_string(), Source::open(path))
    }

    fn over(name: &str, source: io::Result<Source>) -> Result<Self, CaptureError> {
        let mut source = source.map_err(|source| CaptureError::Open { file: name.to_owned(), source })?;
        let mut start = Vec::new();
        let read = source.by_ref().take(FILE_HEADER as u64).read_to_end(&mut start);
        let damage = read.err().map(|error| reason(&error));
        if let Some(reason) = damage.as_ref().filter(|_| start.is_empty()) {
            return Err(CaptureError::Decompress { file: name.to_owned(), reason: reason.clone() });
        }
        let (format, header_len) = if start.starts_with(&SECTION_HEADER) {
            (Format::Pcapng(Pcapng::new()), 0)
        } else {
            (Format::Pcap(Pcap::open(&start).map_err(|refused| not_readable(name, &start, &refused))?), FILE_HEADER)
        };
        Ok(Self {
            name: name.to_owned(),
            source,
            carried: start.split_off(header_len),
            is_read: damage.is_some(),
            format,
            offset: header_len as u64,
            packets: 0,
            frames: 0,
            unreadable: BTreeMap::new(),
            damage,
            usual_len: 256,
        })
    }

    /// Refills `chunk` with the next frames, `max` of them unless the capture ends before. An error comes alone: the frames
    /// before it came with earlier calls, and calling again gives it again.
    pub fn next_chunk(&mut self, max: usize, chunk: &mut Chunk) -> Result<ChunkEnd, CaptureError> {
        let max = max.max(1);
        chunk.spans.clear();
        chunk.buffer.resize(chunk.buffer.len().max(self.carried.len()), 0);
        chunk.buffer.get_mut(..self.carried.len()).into_iter().for_each(|start| start.copy_from_slice(&self.carried));
        chunk.filled = self.carried.len();
        let mut at = 0;
        let end = loop {
            match self.walk(max, &mut at, chunk) {
                // More bytes may make it whole.
                Ok(Step::End | Step::Truncated { .. }) if !self.is_read => {
                    if chunk.spans.is_empty() {
                        // What was passed over so far need not be kept.
                        chunk.buffer.copy_within(at..chunk.filled, 0);
                        chunk.filled = chunk.filled.saturating_sub(at);
                        at = 0;
                    }
                    self.read_more(max.saturating_sub(chunk.spans.len()), chunk);
                }
                end => break end,
            }
        };
        self.carried.clear();
        self.carried.extend_from_slice(chunk.buffer.get(at..chunk.filled).unwrap_or_default());
        if let Some(len) = at.checked_div(chunk.spans.len()) {
            self.usual_len = len;
            self.frames = self.frames.saturating_add(chunk.spans.len() as u64);
            // What ends the capture is found again by the next call.
            return Ok(ChunkEnd::More);
        }
        match end {
            Ok(Step::Truncated { claimed, present }) => self.finish(ChunkEnd::Truncated(self.truncation(claimed, present))),
            Ok(_) => self.finish(ChunkEnd::End),
            Err(Fault(reason)) => {
                let (file, packet) = (self.name.clone(), self.packets.saturating_add(1));
                Err(CaptureError::Malformed { file, packet, offset: self.offset, reason })
            }
        }
    }

    /// Gives frames of what is in the chunk's buffer from `at` on; ends with what stopped it.
    fn walk(&mut self, max: usize, at: &mut usize, chunk: &mut Chunk) -> Result<Step, Fault> {
        let Chunk { spans, buffer, filled } = chunk;
        let mut rest = buffer.get(*at..*filled).unwrap_or_default();
        let before = rest.len();
        let stopped = loop {
            if spans.len() >= max {
                break Ok(Step::Frame);
            }
            let take = |frame: Frame<'_>| spans.push(Span::within(buffer, &frame));
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.next(&mut rest, take),
                Format::Pcapng(pcapng) => pcapng.next(&mut rest, take),
            };
            match step {
                Ok(Step::Frame) => self.packets = self.packets.saturating_add(1),
                Ok(Step::Passed) => {}
                Ok(Step::Unreadable { number }) => {
                    let packets = self.unreadable.entry(number).or_default();
                    *packets = packets.saturating_add(1);
                    self.packets = self.packets.saturating_add(1);
                }
                stopped => break stopped,
            }
        };
        let taken = before.saturating_sub(rest.len());
        *at = at.saturating_add(taken);
        self.offset = self.offset.saturating_add(taken as u64);
        stopped
    }

    /// Reads once, about as much as `frames` more frames take.
    fn read_more(&mut self, frames: usize, chunk: &mut Chunk) {
        let wanted = frames.saturating_mul(self.usual_len).clamp(*READ_BYTES.start(), *READ_BYTES.end());
        let end = chunk.filled.saturating_add(wanted);
        if chunk.buffer.len() < end {
            chunk.buffer.resize(end, 0);
        }
        match self.source.read(chunk.buffer.get_mut(chunk.filled..end).unwrap_or_default()) {
            Ok(0) => self.is_read = true,
            Ok(got) => chunk.filled = chunk.filled.saturating_add(got),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                self.is_read = true;
                self.damage = Some(reason(&error));
            }
        }
    }

    /// Bytes taken from the file so far, as they lie there (compressed or not).
    #[must_use]
    pub fn taken_bytes(&self) -> u64 {
        self.source.taken()
    }

    /// Packets passed over so far, by link type. Empty for most captures; they belong into the count of packets.
    pub fn unreadable(&self) -> impl Iterator<Item = UnreadableLink> {
        self.unreadable.iter().map(|(number, packets)| {
            let number = u32::from(*number);
            UnreadableLink { number, name: link_name(number), packets: *packets }
        })
    }

    fn truncation(&self, claimed: usize, present: usize) -> Truncation {
        Truncation {
            packet: self.packets.saturating_add(1),
            offset: self.offset,
            claimed_bytes: claimed as u64,
            present_bytes: present as u64,
        }
    }

    fn finish(&self, end: ChunkEnd) -> Result<ChunkEnd, CaptureError> {
        if let Some(reason) = self.damage.clone() {
            let file = self.name.clone();
            return Err(if self.source.compressed {
                CaptureError::Decompress { file, reason }
            } else {
                CaptureError::Read { file, reason }
            });
        }
        match self.unreadable().next() {
            // Nothing of the capture could be read: that is a refusal, not an empty result.
            Some(link) if self.frames == 0 => Err(unknown_link(&self.name, link.number)),
            _ => Ok(end),
        }
    }
}

fn reason(error: &io::Error) -> String {
    if error.kind() == ErrorKind::UnexpectedEof { "it ends too early".to_owned() } else { error.to_string() }
}

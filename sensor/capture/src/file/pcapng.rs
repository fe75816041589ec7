//! Blocks of the pcapng format (draft-ietf-opsawg-pcapng): sections, their interfaces and the three kinds of packet block.
//! Blocks that are none of these are passed over.

use super::bytes::{ByteOrder, Fields};
use super::interface::Interface;
use super::step::{Fault, Step};
use crate::Frame;

/// State of the section the reader is in.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// Simple packets have no time of their own.
    last_nanos: i64,
}

pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Type, length, and the length again behind the body.
const SMALLEST_BLOCK: u32 = 12;
/// Room for the longest packet of any link type with its options; a bound for what a length field can make us hold.
const LARGEST_BLOCK: u32 = 256 << 20;
/// Block type and both lengths of the header.
const BLOCK_HEADER: usize = 8;
const MAX_INTERFACES: usize = 65_536;

impl Pcapng {
    pub const fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new(), last_nanos: 0 }
    }

    /// Takes one block from the front of `rest`.
    #[inline]
    pub fn next<'a>(&mut self, rest: &mut &'a [u8], take: impl FnMut(Frame<'a>)) -> Result<Step, Fault> {
        if rest.is_empty() {
            return Ok(Step::End);
        }
        let mut fields = Fields::new(self.order, rest);
        let (Some(raw_type), Some(raw_len)) = (fields.array::<4>(), fields.array::<4>()) else {
            return Ok(Step::Truncated { claimed: BLOCK_HEADER, present: rest.len() });
        };
        // The type of a section header reads the same both ways, so that its byte order can be learnt before its length.
        let order = match (raw_type == SECTION_HEADER, fields.array::<4>()) {
            (false, _) => self.order,
            (true, Some(magic)) => section_order(magic)?,
            (true, None) => return Ok(Step::Truncated { claimed: BLOCK_HEADER.saturating_add(4), present: rest.len() }),
        };
        let len = order.u32(raw_len);
        if len < SMALLEST_BLOCK {
            return Err(Fault(format!("the block claims {len} bytes, at least {SMALLEST_BLOCK} must be")));
        }
        if len > LARGEST_BLOCK {
            return Err(Fault(format!("the block claims {len} bytes, at most {LARGEST_BLOCK} can be")));
        }
        // Some writers leave the padding out of the length.
        let padded = (len as usize).next_multiple_of(4);
        let Some((block, after)) = rest.split_at_checked(padded) else {
            return Ok(Step::Truncated { claimed: padded, present: rest.len() });
        };
        let body = block_body(order, block, len)?;
        let step = if raw_type == SECTION_HEADER {
            self.start_section(order, body)
        } else {
            self.read_block(order.u32(raw_type), body, take)
        }?;
        *rest = after;
        Ok(step)
    }

    fn start_section(&mut self, order: ByteOrder, body: &[u8]) -> Result<Step, Fault> {
        let mut fields = Fields::new(order, body);
        let (_magic, major, minor) = (fields.u32(), fields.u16(), fields.u16());
        let (Some(major), Some(minor)) = (major, minor) else {
            return Err(Fault("the section header is too short".to_owned()));
        };
        if major != 1 {
            return Err(Fault(format!("the section has pcapng version {major}.{minor}, only 1.x can be read")));
        }
        self.order = order;
        self.interfaces.clear();
        Ok(Step::Passed)
    }

    #[inline]
    fn read_block<'a>(&mut self, kind: u32, body: &'a [u8], take: impl FnMut(Frame<'a>)) -> Result<Step, Fault> {
        let too_short = || Fault(format!("the block of type {kind} has {} bytes, too few for its fields", body.len()));
        match kind {
            ENHANCED_PACKET => {
                let mut fields = Fields::new(self.order, body);
                let interface = fields.u32().ok_or_else(too_short)?;
                self.timed_packet(interface, fields, take)
            }
            PACKET => {
                let mut fields = Fields::new(self.order, body);
                let interface = fields.u16().ok_or_else(too_short)?;
                let _drops = fields.u16();
                self.timed_packet(interface.into(), fields, take)
            }
            SIMPLE_PACKET => {
                let mut fields = Fields::new(self.order, body);
                let wire_len = fields.u32().ok_or_else(too_short)?;
                self.simple_packet(wire_len, fields.rest(), take)
            }
            INTERFACE_DESCRIPTION => {
                if self.interfaces.len() >= MAX_INTERFACES {
                    return Err(Fault(format!("the section describes more than {MAX_INTERFACES} interfaces")));
                }
                self.interfaces.push(Interface::parse(self.order, body).ok_or_else(too_short)?);
                Ok(Step::Passed)
            }
            _ => Ok(Step::Passed),
        }
    }

    /// What enhanced packet blocks and the older packet blocks have in common, from the time stamp on.
    #[inline]
    fn timed_packet<'a>(&mut self, interface: u32, mut fields: Fields<'a>, take: impl FnMut(Frame<'a>)) -> Result<Step, Fault> {
        let described = self.interfaces.len();
        let found = usize::try_from(interface).ok().and_then(|at| self.interfaces.get(at));
        let Some(interface) = found else {
            return Err(Fault(format!("the packet names interface {interface}, the section describes {described}")));
        };
        let (high, low, captured, wire) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let (Some(high), Some(low), Some(captured), Some(wire)) = (high, low, captured, wire) else {
            return Err(Fault("the packet block is too short for its fields".to_owned()));
        };
        let limit = interface.frame_limit();
        if captured > limit {
            return Err(Fault(format!("the packet claims {captured} bytes, at most {limit} can be")));
        }
        let room = fields.rest().len();
        let Some(bytes) = fields.bytes(captured as usize) else {
            return Err(Fault(format!("the packet claims {captured} bytes, its block has room for {room}")));
        };
        self.last_nanos = interface.nanos(high, low);
        Ok(give(interface, self.last_nanos, wire.max(captured), bytes, take))
    }

    fn simple_packet<'a>(&self, wire_len: u32, stored: &'a [u8], take: impl FnMut(Frame<'a>)) -> Result<Step, Fault> {
        let Some(interface) = self.interfaces.first() else {
            return Err(Fault("the simple packet comes before any interface".to_owned()));
        };
        // The captured length is not written: it is the wire length cut at the snap length. A wire length of zero is
        // a writer that did not know it; then the whole block counts.
        let whole = u32::try_from(stored.len()).unwrap_or(u32::MAX);
        let wanted = if wire_len == 0 { whole } else { wire_len };
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = wanted.min(snaplen).min(whole);
        let limit = interface.frame_limit();
        if captured > limit {
            return Err(Fault(format!("the packet claims {captured} bytes, at most {limit} can be")));
        }
        let bytes = stored.get(..captured as usize).unwrap_or(stored);
        Ok(give(interface, self.last_nanos, wire_len.max(captured), bytes, take))
    }
}

#[inline]
fn give<'a>(interface: &Interface, seen_at_nanos: i64, wire_len: u32, bytes: &'a [u8], mut take: impl FnMut(Frame<'a>)) -> Step {
    let Some(link) = interface.link else {
        return Step::Unreadable { number: interface.number };
    };
    take(Frame { seen_at_nanos, wire_len, link, bytes });
    Step::Frame
}

fn section_order(magic: [u8; 4]) -> Result<ByteOrder, Fault> {
    match magic {
        [0x1a, 0x2b, 0x3c, 0x4d] => Ok(ByteOrder::Big),
        [0x4d, 0x3c, 0x2b, 0x1a] => Ok(ByteOrder::Little),
        [a, b, c, d] => Err(Fault(format!(
            "the section's byte-order magic is `{a:02x}{b:02x}{c:02x}{d:02x}`; was the file copied in text mode?"
        ))),
    }
}

/// The bytes between the header and the second length, which must repeat the first.
#[inline]
fn block_body(order: ByteOrder, block: &[u8], len: u32) -> Result<&[u8], Fault> {
    let again = block.last_chunk::<4>().map(|bytes| order.u32(*bytes));
    if again != Some(len) {
        let again = again.unwrap_or(0);
        return Err(Fault(format!("the block's length is {len} at its start and {again} at its end")));
    }
    let end = block.len().saturating_sub(4);
    Ok(block.get(BLOCK_HEADER..end).unwrap_or_default())
}

//! The interface description block of pcapng: link type, snap length and how its time stamps count.

use sensor_wire::LinkType;

use super::bytes::{ByteOrder, Fields};
use super::step::frame_limit;

/// One capture interface of a section.
#[derive(Debug)]
pub(super) struct Interface {
    pub number: u16,
    pub link: Option<LinkType>,
    /// Zero says: whole packets.
    pub snaplen: u32,
    resolution: Resolution,
    offset_nanos: i64,
}

/// Ticks of a time stamp to nanoseconds.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    Multiply(i64),
    Divide(u128),
    /// Ticks of 2^-n seconds.
    Binary(u32),
}

const NANOS: i64 = 1_000_000_000;
const OPTION_END: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

impl Interface {
    /// From the body of an interface description block; None where it is too short.
    pub fn parse(order: ByteOrder, body: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(order, body);
        let (number, _reserved, snaplen) = (fields.u16()?, fields.u16()?, fields.u32()?);
        let (mut resolution, mut offset_nanos) = (Resolution::Multiply(1_000), 0);
        // Options that run past the block end are left out, as the rest of the block is whole.
        while let Some((code, value)) = next_option(&mut fields) {
            match (code, value) {
                (OPTION_END, _) => break,
                (IF_TSRESOL, [code, ..]) => resolution = Resolution::from_code(*code),
                (IF_TSOFFSET, value) => {
                    offset_nanos = Fields::new(order, value).i64().unwrap_or(0).saturating_mul(NANOS);
                }
                _ => {}
            }
        }
        let link = LinkType::from_number(u32::from(number));
        Some(Self { number, link, snaplen, resolution, offset_nanos })
    }

    #[inline]
    pub fn frame_limit(&self) -> u32 {
        frame_limit(self.snaplen)
    }

    #[inline]
    pub fn nanos(&self, high: u32, low: u32) -> i64 {
        let ticks = (u64::from(high) << 32) | u64::from(low);
        self.resolution.nanos(ticks).saturating_add(self.offset_nanos)
    }
}

impl Resolution {
    /// draft-ietf-opsawg-pcapng, if_tsresol: the high bit chooses a power of two.
    fn from_code(code: u8) -> Self {
        let exponent = u32::from(code & 0x7f);
        match (code & 0x80 != 0, exponent.checked_sub(9)) {
            (true, _) => Self::Binary(exponent),
            // A divisor beyond u128 makes every time stamp zero, and so does the largest one.
            (false, Some(finer)) if finer > 0 => Self::Divide(10_u128.checked_pow(finer).unwrap_or(u128::MAX)),
            _ => Self::Multiply(10_i64.saturating_pow(9_u32.saturating_sub(exponent))),
        }
    }

    #[inline]
    fn nanos(self, ticks: u64) -> i64 {
        // Time stamps are unsigned, but at a nanosecond or coarser the upper half lies after the year 2262: there it is a time before
        // 1970 that the writer stored as a signed number.
        let signed = ticks.cast_signed();
        let wide = match self {
            Self::Multiply(factor) => return signed.saturating_mul(factor),
            Self::Divide(divisor) => u128::from(ticks).checked_div(divisor).unwrap_or(0).cast_signed(),
            Self::Binary(shift @ 0..=30) => i128::from(signed).saturating_mul(NANOS.into()).checked_shr(shift).unwrap_or(0),
            Self::Binary(shift) => i128::from(ticks).saturating_mul(NANOS.into()).checked_shr(shift).unwrap_or(0),
        };
        i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
    }
}

fn next_option<'a>(fields: &mut Fields<'a>) -> Option<(u16, &'a [u8])> {
    let (code, len) = (fields.u16()?, usize::from(fields.u16()?));
    let value = fields.bytes(len)?;
    // The last option may come without its padding.
    let _padding = fields.bytes(len.next_multiple_of(4).saturating_sub(len));
    Some((code, value))
}

//! One JSON object on one line, field by field, without a value tree in between: `conn.log` has a line a flow, and a scan has
//! millions of flows. Takes only text that needs no escaping.

use std::io::Write;
use std::net::IpAddr;

use sensor_model::MacAddr;

/// Room that is asked for at once: hardly a line is longer.
const USUAL_LEN: usize = 1_024;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A field's name as it stands in the line, so that it is copied as one piece: `name!("proto")`.
macro_rules! name {
    ($name:literal) => {
        Name(concat!(",\"", $name, "\":"))
    };
}
pub(super) use name;

/// Made by [`name!`].
#[derive(Clone, Copy, Debug)]
pub struct Name(pub &'static str);

/// A line under way; [`Line::end`] closes it.
#[derive(Debug)]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Line<'a> {
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.reserve(USUAL_LEN);
        Self { start: out.len(), out }
    }

    pub fn end(self) {
        // The first name came with a comma.
        if let Some(first) = self.out.get_mut(self.start) {
            *first = b'{';
        }
        self.out.extend_from_slice(b"}\n");
    }

    #[inline]
    pub fn number(&mut self, name: Name, value: u64) {
        self.name(name);
        self.digits(value);
    }

    /// Left out when there are none.
    #[inline]
    pub fn count(&mut self, name: Name, value: u64) {
        if value > 0 {
            self.number(name, value);
        }
    }

    /// Names from closed sets, letters and digits: what JSON must escape (RFC 8259 7) does not occur.
    #[inline]
    pub fn text(&mut self, name: Name, value: &str) {
        self.bytes(name, value.as_bytes());
    }

    /// As [`Line::text`]; quick where the length is known.
    #[inline]
    pub fn bytes(&mut self, name: Name, value: &[u8]) {
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(value);
        self.out.push(b'"');
    }

    /// Seconds with six decimals, cut off, as Zeek writes times and intervals.
    #[inline]
    pub fn seconds(&mut self, name: Name, nanos: i64) {
        self.name(name);
        let micros = nanos.div_euclid(1_000);
        if micros < 0 {
            self.out.push(b'-');
        }
        let micros = micros.unsigned_abs();
        self.digits(micros / 1_000_000);
        let mut rest = micros % 1_000_000;
        let mut decimals = *b".000000";
        for place in decimals.iter_mut().skip(1).rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.out.extend_from_slice(&decimals);
    }

    #[inline]
    pub fn address(&mut self, name: Name, address: IpAddr) {
        self.name(name);
        self.out.push(b'"');
        match address {
            IpAddr::V4(v4) => {
                let [first, rest @ ..] = v4.octets();
                self.few_digits(first.into());
                for octet in rest {
                    self.out.push(b'.');
                    self.few_digits(octet.into());
                }
            }
            // Writing to memory cannot fail.
            IpAddr::V6(v6) => {
                let _ = write!(self.out, "{v6}");
            }
        }
        self.out.push(b'"');
    }

    #[inline]
    pub fn mac(&mut self, name: Name, mac: MacAddr) {
        let mut text = *b"00:00:00:00:00:00";
        for (pair, octet) in text.chunks_mut(3).zip(mac.0) {
            pair[0] = HEX[usize::from(octet >> 4)];
            pair[1] = HEX[usize::from(octet & 15)];
        }
        self.bytes(name, &text);
    }

    /// Inlined, for then the length is a constant and the copy a few moves.
    #[inline(always)]
    fn name(&mut self, name: Name) {
        self.out.extend_from_slice(name.0.as_bytes());
    }

    fn digits(&mut self, value: u64) {
        match u16::try_from(value) {
            Ok(value @ ..=9_999) => self.few_digits(value),
            _ => self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// Numbers below 10,000: most of a line's. Four places are written, and those after the number are taken back.
    #[inline]
    fn few_digits(&mut self, value: u16) {
        let places = [value / 1_000, value / 100 % 10, value / 10 % 10, value % 10].map(|digit| b'0' + digit as u8);
        let leading = usize::from(value < 1_000) + usize::from(value < 100) + usize::from(value < 10);
        self.out.extend_from_slice(&(u32::from_le_bytes(places) >> (8 * leading)).to_le_bytes());
        self.out.truncate(self.out.len() - leading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_json_with_the_same_values() {
        let mut out = Vec::new();
        let mut line = Line::begin(&mut out);
        line.seconds(name!("ts"), 1_700_000_000_000_001_999);
        line.seconds(name!("early"), -1_500_000_000);
        line.address(name!("v4"), IpAddr::from([10, 0, 200, 1]));
        line.address(name!("v6"), IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]));
        line.mac(name!("mac"), MacAddr([0, 0x1a, 0xff, 9, 0xa0, 1]));
        line.number(name!("largest"), u64::MAX);
        line.text(name!("proto"), "tcp");
        line.end();
        let text = std::str::from_utf8(&out).unwrap();
        assert_eq!(
            text,
            "{\"ts\":1700000000.000001,\"early\":-1.500000,\"v4\":\"10.0.200.1\",\"v6\":\"fd00::1\",\"mac\":\"00:1a:ff:09:a0:01\",\
             \"largest\":18446744073709551615,\"proto\":\"tcp\"}\n"
        );
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["largest"], u64::MAX);
    }

    #[test]
    fn numbers_of_every_length_are_written_as_they_are() {
        for value in (0..10_100).chain([65_535, 65_536, 1_000_000]) {
            let mut out = Vec::new();
            let mut line = Line::begin(&mut out);
            line.number(name!("n"), value);
            line.end();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"n\":{value}}}\n"));
        }
    }
}

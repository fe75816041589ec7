//! One JSON object on one line, field by field, without a value tree in between: `conn.log` has a line a flow, and a scan has
//! millions of flows. Takes only text that needs no escaping.

use std::io::Write;
use std::net::IpAddr;

use sensor_model::MacAddr;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A line under way; [`Line::end`] closes it.
#[derive(Debug)]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    separator: u8,
}

impl<'a> Line<'a> {
    pub const fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    pub fn end(self) {
        self.out.extend_from_slice(b"}\n");
    }

    pub fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.digits(value);
    }

    /// Left out when there are none.
    pub fn count(&mut self, name: &str, value: u64) {
        if value > 0 {
            self.number(name, value);
        }
    }

    /// Names from closed sets, letters and digits: what JSON must escape (RFC 8259 7) does not occur.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quoted(|out| out.extend_from_slice(value.as_bytes()));
    }

    /// Seconds with six decimals, cut off, as Zeek writes times and intervals.
    pub fn seconds(&mut self, name: &str, nanos: i64) {
        self.name(name);
        let micros = nanos.div_euclid(1_000);
        if micros < 0 {
            self.out.push(b'-');
        }
        let micros = micros.unsigned_abs();
        self.digits(micros / 1_000_000);
        self.out.push(b'.');
        let mut decimals = [b'0'; 6];
        let mut rest = micros % 1_000_000;
        for place in decimals.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.out.extend_from_slice(&decimals);
    }

    pub fn address(&mut self, name: &str, address: IpAddr) {
        self.name(name);
        self.out.push(b'"');
        match address {
            IpAddr::V4(v4) => {
                for (at, octet) in v4.octets().into_iter().enumerate() {
                    if at > 0 {
                        self.out.push(b'.');
                    }
                    self.digits(u64::from(octet));
                }
            }
            // Writing to memory cannot fail.
            IpAddr::V6(v6) => {
                let _ = write!(self.out, "{v6}");
            }
        }
        self.out.push(b'"');
    }

    pub fn mac(&mut self, name: &str, mac: MacAddr) {
        self.name(name);
        let mut text = *b"00:00:00:00:00:00";
        for (pair, octet) in text.chunks_mut(3).zip(mac.0) {
            pair[0] = HEX[usize::from(octet >> 4)];
            pair[1] = HEX[usize::from(octet & 15)];
        }
        self.quoted(|out| out.extend_from_slice(&text));
    }

    fn name(&mut self, name: &str) {
        self.out.push(std::mem::replace(&mut self.separator, b','));
        self.quoted(|out| out.extend_from_slice(name.as_bytes()));
        self.out.push(b':');
    }

    fn quoted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    fn digits(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_json_with_the_same_values() {
        let mut out = Vec::new();
        let mut line = Line::begin(&mut out);
        line.seconds("ts", 1_700_000_000_000_001_999);
        line.seconds("early", -1_500_000_000);
        line.address("v4", IpAddr::from([10, 0, 200, 1]));
        line.address("v6", IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]));
        line.mac("mac", MacAddr([0, 0x1a, 0xff, 9, 0xa0, 1]));
        line.number("largest", u64::MAX);
        line.text("proto", "tcp");
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
}

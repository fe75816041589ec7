//! A walk over BER (X.690), as SNMP, LDAP and Kerberos use it: one tag, one length, one value at a time.

use crate::reader::Reader;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The next element: its tag and its contents. Only tags of one byte and definite lengths of up to four.
pub(crate) fn element<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8().filter(|tag| tag & 0x1f != 0x1f)?;
    let len = length(reader)?;
    reader.take(len).map(|contents| (tag, contents))
}

/// The next element if it has this tag.
pub(crate) fn expect<'a>(reader: &mut Reader<'a>, wanted: u8) -> Option<&'a [u8]> {
    let mut ahead = *reader;
    let (_, contents) = element(&mut ahead).filter(|(tag, _)| *tag == wanted)?;
    *reader = ahead;
    Some(contents)
}

/// X.690 8.1.3.
pub(crate) fn length(reader: &mut Reader<'_>) -> Option<usize> {
    let first = reader.u8()?;
    if first < 0x80 {
        return Some(usize::from(first));
    }
    let octets = reader.take(usize::from(first & 0x7f)).filter(|octets| (1..=4).contains(&octets.len()))?;
    Some(octets.iter().fold(0, |sum: usize, octet| sum << 8 | usize::from(*octet)))
}

/// A small non-negative integer.
pub(crate) fn small(contents: &[u8]) -> Option<u32> {
    (!contents.is_empty() && contents.len() <= 4 && contents.first()? & 0x80 == 0)
        .then(|| contents.iter().fold(0, |sum: u32, octet| sum << 8 | u32::from(*octet)))
}

/// The length of the element at the front, header included, whether its contents are all here or not.
pub(crate) fn whole_len(bytes: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(bytes);
    reader.u8()?;
    let len = length(&mut reader)?;
    bytes.len().saturating_sub(reader.rest().len()).checked_add(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_short_and_long_form_are_read() {
        assert_eq!(element(&mut Reader::new(&[4, 2, 7, 8, 9])), Some((4, &[7, 8][..])));
        assert_eq!(element(&mut Reader::new(&[4, 0x81, 1, 7])), Some((4, &[7][..])));
        assert_eq!(element(&mut Reader::new(&[4, 0x80, 0, 0])), None);
        assert_eq!(element(&mut Reader::new(&[4, 0x84, 0xff, 0xff, 0xff, 0xff])), None);
        assert_eq!(whole_len(&[0x30, 0x82, 1, 0]), Some(260));
    }
}

//! The DNS message (RFC 1035 4): names with bounded compression, questions and records as they come.

use crate::reader::Reader;

pub(crate) const TYPE_A: u16 = 1;
pub(crate) const TYPE_CNAME: u16 = 5;
pub(crate) const TYPE_PTR: u16 = 12;
pub(crate) const TYPE_TXT: u16 = 16;
pub(crate) const TYPE_AAAA: u16 = 28;
pub(crate) const TYPE_SRV: u16 = 33;

pub(crate) const HEADER_LEN: usize = 12;
/// RFC 1035 2.3.4.
const MAX_NAME: usize = 255;
/// Pointers followed for one name. They must point backwards, so this only bounds the work.
const MAX_POINTERS: usize = 32;
/// Questions and records read of one message; a crafted one with more is cut here.
const MAX_RECORDS: usize = 256;

/// RFC 1035 4.1.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub is_response: bool,
    pub opcode: u8,
    /// Reserved since RFC 1035, always zero. (RFC 2535 made two neighbours of it AD and CD.)
    pub reserved: bool,
    pub code: u8,
    pub questions: u16,
    pub answers: u16,
    pub authorities: u16,
    pub additionals: u16,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        reader.be16()?;
        let (high, low) = (reader.u8()?, reader.u8()?);
        Some(Self {
            is_response: high & 0x80 != 0,
            opcode: high >> 3 & 0x0f,
            reserved: low & 0x40 != 0,
            code: low & 0x0f,
            questions: reader.be16()?,
            answers: reader.be16()?,
            authorities: reader.be16()?,
            additionals: reader.be16()?,
        })
    }

    /// Of all three sections.
    pub fn records(&self) -> usize {
        [self.answers, self.authorities, self.additionals].iter().fold(0, |sum, n| usize::from(*n).saturating_add(sum))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub name: Name,
    pub kind: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Record<'a> {
    pub name: Name,
    pub kind: u16,
    pub section: Section,
    pub data: &'a [u8],
    /// Where `data` starts in the message, for the names in it.
    data_offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Answer,
    Other,
}

/// A name as labels joined by dots, without the root's; bytes as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name(pub Vec<u8>);

impl Name {
    pub fn ends_with(&self, suffix: &str) -> bool {
        let start = self.0.len().checked_sub(suffix.len());
        start.and_then(|start| self.0.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(suffix.as_bytes()))
    }

    pub fn starts_with(&self, prefix: &str) -> bool {
        self.0.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Message<'a> {
    pub header: Header,
    pub questions: Vec<Question>,
    pub records: Vec<Record<'a>>,
    /// Every counted question and record was there, and nothing behind them.
    pub is_exact: bool,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// What can be read of a message; a cut one gives its whole records.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::parse(bytes)?;
        let mut message = Self { header, questions: Vec::new(), records: Vec::new(), is_exact: false, bytes };
        let end = message.parse_sections();
        message.is_exact = end == Some(bytes.len());
        Some(message)
    }

    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    fn parse_sections(&mut self) -> Option<usize> {
        let mut at = HEADER_LEN;
        for _ in 0..usize::from(self.header.questions).min(MAX_RECORDS) {
            let (name, after) = name_at(self.bytes, at)?;
            let mut reader = Reader::new(self.bytes.get(after..)?);
            let kind = reader.be16()?;
            // The top bit asks for a unicast answer in multicast DNS (RFC 6762 5.4).
            reader.be16().filter(|class| matches!(class & 0x7fff, 1..=4 | 254 | 255))?;
            self.questions.push(Question { name, kind });
            at = after.checked_add(4)?;
        }
        for index in 0..self.header.records().min(MAX_RECORDS) {
            let (name, after) = name_at(self.bytes, at)?;
            let mut reader = Reader::new(self.bytes.get(after..)?);
            let kind = reader.be16()?;
            reader.skip(6)?;
            let data = reader.prefixed16()?;
            let data_offset = after.checked_add(10)?;
            let section = if index < usize::from(self.header.answers) { Section::Answer } else { Section::Other };
            self.records.push(Record { name, kind, section, data, data_offset });
            at = data_offset.checked_add(data.len())?;
        }
        Some(at)
    }

    /// A name within a record's data, `skip` bytes in (SRV has its target behind six).
    pub fn name_in(&self, record: &Record<'_>, skip: usize) -> Option<Name> {
        name_at(self.bytes, record.data_offset.checked_add(skip)?).map(|(name, _)| name)
    }
}

/// The name at an offset, and the offset behind it (RFC 1035 4.1.4).
pub(crate) fn name_at(bytes: &[u8], start: usize) -> Option<(Name, usize)> {
    let mut name = Vec::new();
    let mut at = start;
    let mut behind = None;
    let mut limit = start;
    let mut pointers = 0_usize;
    loop {
        let len = *bytes.get(at)?;
        let next = at.checked_add(1)?;
        match len {
            0 => return Some((Name(name), behind.unwrap_or(next))),
            1..=63 => {
                let end = next.checked_add(usize::from(len))?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(bytes.get(next..end)?);
                at = end;
            }
            0xc0.. => {
                let target = usize::from(u16::from_be_bytes([len & 0x3f, *bytes.get(next)?]));
                behind = behind.or(next.checked_add(1));
                pointers = pointers.checked_add(1)?;
                // Only backwards, before everything this name has visited: no circle.
                if target >= limit || target < HEADER_LEN || pointers > MAX_POINTERS {
                    return None;
                }
                (at, limit) = (target, target);
            }
            // 01 and 10 are reserved.
            _ => return None,
        }
        if name.len() > MAX_NAME {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_compressed_name_is_joined_and_the_offset_behind_the_pointer_returned() {
        let mut bytes = vec![0; HEADER_LEN];
        bytes.extend(b"\x05plant\x05local\x00\x03plc\xc0\x0c");
        assert_eq!(name_at(&bytes, 25), Some((Name(b"plc.plant.local".to_vec()), 31)));
    }

    #[test]
    fn pointers_forwards_or_to_themselves_are_refused() {
        let mut bytes = vec![0; HEADER_LEN];
        bytes.extend(b"\xc0\x0c\xc0\x0e\x01a\xc0\x14\x01b\x00");
        assert_eq!(name_at(&bytes, 12), None);
        assert_eq!(name_at(&bytes, 14), None);
        assert_eq!(name_at(&bytes, 16), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_no_name_is_too_long(bytes in proptest::collection::vec(any::<u8>(), 0..512), at in 0usize..600) {
            if let Some((name, _)) = name_at(&bytes, at) {
                prop_assert!(name.0.len() <= MAX_NAME);
            }
            let _ = Message::parse(&bytes);
        }
    }
}

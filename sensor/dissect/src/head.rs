//! The head of a message in the style of HTTP (RFC 9112 2.1): a first line, header fields, an empty line. Shared by HTTP, SSDP, SIP and RTSP.

use sensor_model::{FactKind, Strength};

use crate::protocol::Reading;
use crate::reader::Parsed;
use crate::text;

/// A head longer than this is not waited for.
const MAX_HEAD: usize = 8 * 1024;
const MAX_FIELDS: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub first_line: &'a [u8],
    fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Head<'a> {
    pub fn parse(bytes: &'a [u8]) -> Parsed<Self> {
        let mut head = Head::default();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let whole = |line: &&[u8]| line.ends_with(b"\n");
        let Some(first) = lines.next().filter(whole) else {
            return if bytes.len() < MAX_HEAD { Parsed::Short } else { Parsed::Foreign };
        };
        head.first_line = first.trim_ascii();
        for line in lines {
            let content = line.trim_ascii();
            if whole(&line) && content.is_empty() {
                return Parsed::Whole(head);
            }
            if let Some(colon) = content.iter().position(|byte| *byte == b':')
                && let Some((name, [_, value @ ..])) = content.split_at_checked(colon)
                && head.fields.len() < MAX_FIELDS
            {
                head.fields.push((name.trim_ascii(), value.trim_ascii()));
            }
        }
        if bytes.len() < MAX_HEAD { Parsed::Short } else { Parsed::Foreign }
    }

    /// A datagram is the whole head, ended or not.
    pub fn of_datagram(bytes: &'a [u8]) -> Option<Self> {
        if let Parsed::Whole(head) = Self::parse(bytes) {
            return Some(head);
        }
        let mut head = Head::default();
        let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        head.first_line = lines.next()?;
        for line in lines.take(MAX_FIELDS) {
            if let Some(colon) = line.iter().position(|byte| *byte == b':')
                && let Some((name, [_, value @ ..])) = line.split_at_checked(colon)
            {
                head.fields.push((name.trim_ascii(), value.trim_ascii()));
            }
        }
        Some(head)
    }

    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| *value)
    }

    /// The host of a `Host` field or URL authority: without port, brackets or user.
    pub fn host(&self) -> Option<String> {
        let host = self.field("host")?;
        text::host_name(host.split(|byte| *byte == b':').next()?).map(|name| name.to_lowercase())
    }
}

/// Words in product strings that give an operating system away.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows NT 10.0", "Windows 10 or later"),
    ("Windows NT 6.3", "Windows 8.1"),
    ("Windows NT 6.2", "Windows 8"),
    ("Windows NT 6.1", "Windows 7"),
    ("Windows NT 6.0", "Windows Vista"),
    ("Windows NT 5.1", "Windows XP"),
    ("Windows NT 5.2", "Windows Server 2003"),
    ("Windows NT 5.0", "Windows 2000"),
    ("Windows", "Windows"),
    ("Microsoft-IIS", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("Darwin", "Darwin"),
    ("Ubuntu", "Ubuntu Linux"),
    ("Debian", "Debian Linux"),
    ("Raspbian", "Raspbian Linux"),
    ("CentOS", "CentOS Linux"),
    ("Red Hat", "Red Hat Linux"),
    ("FreeBSD", "FreeBSD"),
    ("OpenWrt", "OpenWrt Linux"),
    ("RouterOS", "RouterOS"),
    ("VxWorks", "VxWorks"),
    ("IOS-XE", "Cisco IOS XE"),
    ("IOS Software", "Cisco IOS"),
    ("Cisco IOS", "Cisco IOS"),
    ("Linux", "Linux"),
];

/// The operating system that a product string names.
pub(crate) fn system_in(product: &[u8]) -> Option<String> {
    let product = text::printable(product)?;
    SYSTEMS.iter().find(|(word, _)| product.contains(word)).map(|(_, system)| (*system).to_owned())
}

/// What a product field says of its sender.
pub(crate) fn tell_system(reading: &mut Reading<'_>, product: Option<&[u8]>) {
    let system = product.and_then(system_in);
    reading.tell_of_ip(reading.sender(), FactKind::OperatingSystem, system, Strength::Probable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_their_case_and_blanks() {
        let Parsed::Whole(head) = Head::parse(b"GET / HTTP/1.1\r\nhOST : plc.example:80\r\nServer:x\r\n\r\nbody: no\r\n") else {
            panic!("the head is whole");
        };
        assert_eq!(head.host(), Some("plc.example".to_owned()));
        assert_eq!((head.field("server"), head.field("body")), (Some(&b"x"[..]), None));
    }

    #[test]
    fn a_head_without_its_end_is_waited_for_but_not_for_ever() {
        assert!(matches!(Head::parse(b"GET / HTTP/1.1\r\nHost: a\r\n"), Parsed::Short));
        assert!(matches!(Head::parse(&[b'a'; MAX_HEAD]), Parsed::Foreign));
    }
}

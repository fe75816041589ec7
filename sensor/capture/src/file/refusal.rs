//! What is said of a file that cannot be read at all, and what to do about it.

use super::link_name::link_name;
use super::pcap::Refused;
use crate::CaptureError;

/// Why the file `name`, which begins with `file`, cannot be read at all.
pub(super) fn not_readable(name: &str, file: &[u8], refused: &Refused) -> CaptureError {
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

pub(super) fn unknown_link(name: &str, number: u32) -> CaptureError {
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

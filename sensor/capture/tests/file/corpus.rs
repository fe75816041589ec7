//! Every third-party capture with known counts: as many packets and wire bytes as independent tools saw.

use std::path::PathBuf;

use sensor_capture::{CaptureError, CaptureFile, Chunk, ChunkEnd};

/// Where we and the other tools differ, what we give, and why we are right.
const DIFFERENCES: [(&str, &str); 5] = [
    // Switch tags, which tshark 4.0 cannot read: its truth is empty.
    ("linktypes/tcpdump__brcm-tag.pcap", "23 packets, 4082 bytes"),
    ("linktypes/tcpdump__dsa.pcap", "8 packets, 722 bytes"),
    // Six enhanced and two simple packet blocks; tshark 4.0 counts its three custom blocks as packets too.
    ("linktypes/gopacket__be-test202.pcapng", "8 packets"),
    // A section of pcapng version 2.0 follows the first packet; tshark stops there as well, and reads one.
    ("linktypes/gopacket__be-test901.pcapng", "damaged at packet #2, offset 480: the section has pcapng version 2.0"),
    // The record claims 4,093,509,168 bytes on the wire, which tshark cuts at 2^31 - 1.
    ("malformed/nDPI__fuzz-2021-06-07-c6c72a0a56.pcap", "1 packets, 4093509168 bytes"),
];

/// Captures that end inside their last packet (README of the collection).
const CUT_SHORT: usize = 5;

fn shared_captures() -> Option<PathBuf> {
    let beside_repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = std::env::var_os("CORDON_SHARED").map_or_else(|| PathBuf::from(beside_repository), PathBuf::from);
    let captures = shared.join("captures");
    captures.join("MANIFEST.tsv").exists().then_some(captures)
}

#[derive(Debug, PartialEq, Eq)]
struct Counted {
    packets: u64,
    wire_bytes: u64,
    truncated: bool,
    /// Bytes of packets with an unreadable link type are not known, so only packets can be compared.
    unreadable: u64,
}

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} packets, {} bytes", self.packets, self.wire_bytes)
    }
}

fn count(path: &std::path::Path) -> Result<Counted, CaptureError> {
    let mut file = CaptureFile::open(path)?;
    let mut counted = Counted { packets: 0, wire_bytes: 0, truncated: false, unreadable: 0 };
    let mut chunk = Chunk::default();
    loop {
        let end = file.next_chunk(64, &mut chunk)?;
        let frames = chunk.frames();
        counted.packets += frames.len() as u64;
        counted.wire_bytes += frames.iter().map(|frame| u64::from(frame.wire_len)).sum::<u64>();
        match end {
            ChunkEnd::More => {}
            ChunkEnd::End => break,
            ChunkEnd::Truncated(truncation) => {
                eprintln!("{}: {truncation}", path.display());
                counted.truncated = true;
                break;
            }
        }
    }
    counted.unreadable = file.unreadable().map(|link| link.packets).sum();
    counted.packets += counted.unreadable;
    Ok(counted)
}

/// `"tshark": {"packets": N, "bytes_wire": M` of a truth file, which independent tools wrote with spaces as here.
fn truth(text: &str) -> Option<(u64, u64)> {
    let tshark = text.split_once("\"tshark\"")?.1;
    let number = |key: &str| {
        let rest = tshark.split_once(&format!("\"{key}\":"))?.1.trim_start();
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    Some((number("packets")?, number("bytes_wire")?))
}

#[test]
fn every_capture_of_the_collection_has_the_packets_and_bytes_that_other_tools_saw() {
    let Some(captures) = shared_captures() else {
        eprintln!("NOT CHECKED: no ../shared/captures beside the repository (set CORDON_SHARED to point elsewhere)");
        return;
    };
    let manifest = std::fs::read_to_string(captures.join("MANIFEST.tsv")).expect("manifest");
    let (mut equal, mut refused, mut cut_short, mut wrong) = (0, 0, 0, Vec::new());
    for row in manifest.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [path, .., truth_path] = columns.as_slice() else { panic!("manifest row {row}") };
        let truth_text = std::fs::read_to_string(captures.join(truth_path)).expect("truth");
        let (packets, wire_bytes) = truth(&truth_text).expect("counts in the truth");
        let got = count(&captures.join(path));
        cut_short += usize::from(got.as_ref().is_ok_and(|counted| counted.truncated));
        let text = got.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        let explained = DIFFERENCES.iter().any(|(known, ours)| known == path && text.contains(ours));
        match got {
            Ok(counted) if counted.packets == packets && (counted.unreadable > 0 || counted.wire_bytes == wire_bytes) => {
                equal += 1
            }
            Err(CaptureError::UnknownLinkType { .. }) => refused += 1,
            _ if explained => {}
            _ => wrong.push(format!("{path}: {text}; the truth is {packets} packets, {wire_bytes} bytes")),
        }
    }
    eprintln!("{equal} equal, {refused} refused for their link type, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cut_short, CUT_SHORT, "captures that end inside a packet");
}

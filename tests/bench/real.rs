//! Third-party captures one after the other in one file, again and again, each round a day later: traffic that nobody made for a benchmark.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::capture::CaptureWriter;
use sensor_capture::{CaptureFile, Chunk, ChunkEnd};
use sensor_wire::LinkType;

/// Enough that starting a program does not count.
const PACKETS: u64 = 1_500_000;
const DAY_NANOS: u64 = 86_400_000_000_000;
/// Rounds begin here, whatever the captures say, so that no time is negative.
const START_NANOS: u64 = 1_780_272_000_000_000_000;

/// Writes the capture and gives its packets; None where there is no collection beside the repository.
pub fn concatenate(into: &Path) -> Result<Option<u64>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("CORDON_SHARED").map_or(beside, PathBuf::from).join("captures");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut writer = CaptureWriter::create(into).with_context(|| format!("writing {}", into.display()))?;
    let (mut packets, mut day) = (0, 0);
    while packets < PACKETS {
        let before = packets;
        for file in &files {
            packets += append(file, START_NANOS + day * DAY_NANOS, &mut writer)?;
        }
        if packets == before {
            return Ok(None);
        }
        day += 1;
    }
    writer.finish()?;
    Ok(Some(packets))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.to_string_lossy().contains(".pcap") {
            files.push(path);
        }
    }
}

/// The Ethernet frames of one capture, whose first packet is moved to `start`.
fn append(path: &Path, start: u64, writer: &mut CaptureWriter) -> Result<u64> {
    let Ok(mut file) = CaptureFile::open(path) else { return Ok(0) };
    let (mut chunk, mut first, mut packets) = (Chunk::default(), None, 0);
    while let Ok(ChunkEnd::More) = file.next_chunk(4_096, &mut chunk) {
        for frame in chunk.frames() {
            if frame.link == LinkType::Ethernet && !frame.bytes.is_empty() {
                let first = *first.get_or_insert(frame.seen_at_nanos);
                let since = u64::try_from(frame.seen_at_nanos.saturating_sub(first)).unwrap_or(0) % DAY_NANOS;
                writer.write(start + since, frame.bytes)?;
                packets += 1;
            }
        }
    }
    Ok(packets)
}

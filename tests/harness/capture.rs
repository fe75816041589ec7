//! Writes capture files: classic pcap with nanoseconds, Ethernet (draft-ietf-opsawg-pcap 4).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const LINKTYPE_ETHERNET: u32 = 1;
const SNAP_LEN: u32 = 262_144;

/// A capture file that grows by one frame at a time.
#[derive(Debug)]
pub struct CaptureWriter {
    file: BufWriter<File>,
    frames: u64,
}

impl CaptureWriter {
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(&MAGIC_NANOSECONDS.to_le_bytes())?;
        file.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        file.write_all(&SNAP_LEN.to_le_bytes())?;
        file.write_all(&LINKTYPE_ETHERNET.to_le_bytes())?;
        Ok(Self { file, frames: 0 })
    }

    /// Adds one whole frame seen at `at_nanos` since the Unix epoch.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn write(&mut self, at_nanos: u64, frame: &[u8]) -> io::Result<()> {
        let (seconds, nanos) = (at_nanos / 1_000_000_000, at_nanos % 1_000_000_000);
        let len = u32::try_from(frame.len()).unwrap_or(SNAP_LEN);
        for field in [u32::try_from(seconds).unwrap_or(u32::MAX), u32::try_from(nanos).unwrap_or(0), len, len] {
            self.file.write_all(&field.to_le_bytes())?;
        }
        self.frames += 1;
        self.file.write_all(frame)
    }

    /// Writes out what is left, and tells how many frames there are.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self) -> io::Result<u64> {
        self.file.flush()?;
        Ok(self.frames)
    }
}

//! A capture file from its first to its last packet, or to what is wrong with it.

use std::path::Path;

use anyhow::Result;
use sensor_capture::{CaptureFile, Chunk, ChunkEnd};

use super::{Heard, Session};

const CHUNK_FRAMES: usize = 2_048;

pub fn run(mut session: Session, path: &Path) -> Result<Heard> {
    let mut file = CaptureFile::open(path)?;
    let mut chunk = Chunk::default();
    let mut warnings = Vec::new();
    loop {
        let end = file.next_chunk(CHUNK_FRAMES, &mut chunk);
        match end {
            Ok(ChunkEnd::More) => session.take(&chunk.frames()),
            Ok(ChunkEnd::End) => break,
            Ok(ChunkEnd::Truncated(truncation)) => {
                warnings.push(format!("the file is cut short: {truncation}"));
                break;
            }
            Err(error) if session.packets == 0 => return Err(error.into()),
            Err(error) => {
                warnings.push(error.to_string());
                break;
            }
        }
    }
    warnings.extend(
        file.unreadable().map(|link| {
            format!("{} packets are of link type {} ({}), which cannot be read", link.packets, link.number, link.name)
        }),
    );
    let (survey, duplicates, map) = session.finish(0);
    Ok(Heard {
        source: path.display().to_string(),
        capture: None,
        warnings,
        lost: 0,
        sent: 0,
        lasted: survey.span(),
        duplicates,
        survey,
        map,
    })
}

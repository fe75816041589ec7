//! Capture files to documents: the same path as live, with packet time as the clock.

mod lines;
mod shards;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use sensor_capture::{CaptureError, CaptureFile, Chunk, ChunkEnd, Frame};
use sensor_flow::Reports;
use sensor_model::{Accounting, DuplicatePath};

use crate::config::Config;
use crate::counts::{FrameCounts, StageCounts};
use crate::export::document::write_lines;
use crate::export::staged::{Folder, Staged, StagedError, commit};
use crate::export::stats::{FileStats, MapStats, Stats};
use crate::hub::Hub;
use shards::{News, PIECE_FRAMES, Shards};

/// Pieces that several workers take at a time, and the bytes of frames beyond which no further piece is added.
const PIECES_TOGETHER: usize = 8;
const BYTES_TOGETHER: u64 = 8 << 20;
/// Flows whose last records are made together at the end.
const LAST_FLOWS: usize = 2_048;

/// What to read, and where to write.
#[derive(Clone, Debug)]
pub struct Job {
    pub files: Vec<PathBuf>,
    pub out: PathBuf,
    pub workers: usize,
    /// Also the map and the alerts, not only the flows.
    pub with_map: bool,
}

/// Reads all files and writes all documents. True when every file was read to its end.
pub fn run(job: &Job, config: &Config) -> Result<bool> {
    let folder = Folder::open(&job.out)?;
    let mut output = Output::stage(&folder, job.with_map)?;
    let mut limits = config.limits(shards::SHARDS);
    if !job.with_map {
        limits.flow.reports = Reports::EndsOnly;
    }
    let mut replay = Replay {
        shards: Shards::new(&limits, config.wire_options(), job.workers),
        hub: job.with_map.then(|| Hub::new(config.hub())),
        workers: job.workers,
    };
    let bar = progress_bar(&job.files);
    let mut files = Vec::new();
    for path in &job.files {
        let stats = replay.read_file(path, &mut output, &bar)?;
        if let Some(error) = &stats.error {
            bar.suspend(|| eprintln!("error: {error}"));
        }
        files.push(stats);
    }
    replay.finish(&mut output)?;
    bar.finish_and_clear();
    let all_whole = files.iter().all(|file| file.error.is_none());
    if files.iter().all(|file| file.error.is_some() && file.packets == 0) {
        // There is nothing to say about the traffic; what was written earlier stays.
        return Ok(false);
    }
    output.write_documents(&replay, config, files)?;
    output.commit()?;
    Ok(all_whole)
}

#[derive(Debug)]
struct Replay {
    shards: Shards,
    hub: Option<Hub>,
    workers: usize,
}

impl Replay {
    fn read_file(&mut self, path: &Path, output: &mut Output, bar: &ProgressBar) -> Result<FileStats, StagedError> {
        let before = *self.shards.frames();
        let error = match CaptureFile::open(path) {
            Ok(file) => self.read_frames(file, path, output, bar)?,
            Err(error) => Some(error.to_string()),
        };
        let after = self.shards.frames();
        Ok(FileStats {
            path: path.display().to_string(),
            packets: after.packets - before.packets,
            bytes: after.wire_bytes - before.wire_bytes,
            error,
        })
    }

    /// Reads to the end, or to what is wrong with the file.
    fn read_frames(
        &mut self,
        mut file: CaptureFile,
        path: &Path,
        output: &mut Output,
        bar: &ProgressBar,
    ) -> Result<Option<String>, StagedError> {
        let start = bar.position();
        let together = if self.workers == 1 { 1 } else { PIECES_TOGETHER };
        let (mut pieces, mut next) = (Vec::new(), Vec::new());
        let (mut news, mut untold) = (News::default(), News::default());
        let mut end = fill(&mut file, together, &mut pieces);
        let error = loop {
            let read_on =
                || if matches!(end, Ok(ChunkEnd::More)) { fill(&mut file, together, &mut next) } else { Ok(ChunkEnd::End) };
            let next_end = self.take_pieces(&pieces, (&mut news, &mut untold), output, read_on)?;
            std::mem::swap(&mut news, &mut untold);
            bar.set_position(start + file.taken_bytes());
            match std::mem::replace(&mut end, next_end) {
                Ok(ChunkEnd::More) => std::mem::swap(&mut pieces, &mut next),
                Ok(ChunkEnd::End) => break None,
                Ok(ChunkEnd::Truncated(truncation)) => break Some(format!("`{}` is cut short: {truncation}", path.display())),
                Err(error) => break Some(error.to_string()),
            }
        };
        tell(&mut self.hub, &mut untold, output)?;
        let unreadable: u64 = file.unreadable().map(|link| link.packets).sum();
        self.shards.count_unreadable(unreadable);
        let left_out = file.unreadable().next().map(|link| {
            format!(
                "`{}` has {} packets of link type {} ({}) that cannot be read",
                path.display(),
                link.packets,
                link.number,
                link.name
            )
        });
        Ok(error.or(left_out))
    }

    /// Works on some pieces and fills `news`. One worker then tells them and reads on; beside several, the `untold` news of the pieces
    /// before are told and the next ones read meanwhile. Gives what reading on came to.
    fn take_pieces<R>(
        &mut self,
        pieces: &[Chunk],
        (news, untold): (&mut News, &mut News),
        output: &mut Output,
        read_on: impl FnOnce() -> R,
    ) -> Result<R, StagedError> {
        let frames: Vec<Vec<Frame<'_>>> = pieces.iter().map(Chunk::frames).collect();
        let (shards, hub) = (&mut self.shards, &mut self.hub);
        if self.workers == 1 {
            shards.take(&frames, news);
            tell(hub, news, output)?;
            return Ok(read_on());
        }
        thread::scope(|scope| {
            scope.spawn(|| shards.take(&frames, news));
            tell(hub, untold, output)?;
            Ok(read_on())
        })
    }

    /// The last word on every flow that is still there.
    fn finish(&mut self, output: &mut Output) -> Result<(), StagedError> {
        let mut news = News::default();
        for flows in self.shards.by_age().chunks(LAST_FLOWS) {
            self.shards.last_records(flows, &mut news);
            tell(&mut self.hub, &mut news, output)?;
        }
        Ok(())
    }
}

/// Refills `pieces`, every one full but the last of a capture: so where a piece ends depends on the capture alone.
fn fill(file: &mut CaptureFile, together: usize, pieces: &mut Vec<Chunk>) -> Result<ChunkEnd, CaptureError> {
    let mut unused = std::mem::take(pieces).into_iter();
    let mut bytes = 0;
    while pieces.len() < together && bytes < BYTES_TOGETHER {
        let mut piece = unused.next().unwrap_or_default();
        match file.next_chunk(PIECE_FRAMES, &mut piece) {
            Ok(ChunkEnd::More) => {
                bytes += piece.bytes();
                pieces.push(piece);
            }
            // Told once more when it stands alone.
            _ if !pieces.is_empty() => break,
            end => return end,
        }
    }
    Ok(ChunkEnd::More)
}

/// Empties `news`.
fn tell(hub: &mut Option<Hub>, news: &mut News, output: &mut Output) -> Result<(), StagedError> {
    output.conn_log.write(|out| out.write_all(&news.lines))?;
    news.lines.clear();
    let Some(hub) = hub else { return Ok(()) };
    for event in news.events.drain(..) {
        hub.take(event);
    }
    output.write_alerts(hub)
}

/// The documents on their way.
#[derive(Debug)]
struct Output {
    conn_log: Staged,
    stats: Staged,
    map: Option<MapOutput>,
}

#[derive(Debug)]
struct MapOutput {
    flow_map: Staged,
    alerts: Staged,
}

impl Output {
    fn stage(folder: &Folder, with_map: bool) -> Result<Self, StagedError> {
        let map = || Ok(MapOutput { flow_map: folder.stage("flowmap.json")?, alerts: folder.stage("alerts.ndjson")? });
        Ok(Self {
            conn_log: folder.stage("conn.log")?,
            stats: folder.stage("stats.json")?,
            map: if with_map { Some(map()?) } else { None },
        })
    }

    fn write_alerts(&mut self, hub: &mut Hub) -> Result<(), StagedError> {
        let Some(map) = &mut self.map else { return Ok(()) };
        let alerts = hub.take_alerts();
        map.alerts.write(|out| write_lines(out, &alerts))
    }

    fn write_documents(&mut self, replay: &Replay, config: &Config, files: Vec<FileStats>) -> Result<(), StagedError> {
        let (frames, stages) = (replay.shards.frames(), replay.shards.stages());
        let map_stats = match &replay.hub {
            Some(hub) => Some(self.write_map(hub, frames, &stages, replay.shards.duplicate_paths())?),
            None => None,
        };
        let stats = Stats::new(&config.name.0, frames, &stages, map_stats, files);
        self.stats.write(|out| {
            serde_json::to_writer_pretty(&mut *out, &stats)?;
            out.write_all(b"\n")
        })
    }

    fn write_map(
        &mut self,
        hub: &Hub,
        frames: &FrameCounts,
        stages: &StageCounts,
        duplicates: Vec<DuplicatePath>,
    ) -> Result<MapStats, StagedError> {
        let mut map = hub.flow_map(Accounting {
            packets: frames.packets,
            lost_packets: 0,
            skipped_packets: frames.skipped_total(),
            missed_bytes: 0,
            evicted_flows: stages.flows_evicted,
        });
        map.coverage.duplicates = duplicates;
        if let Some(output) = &mut self.map {
            output.flow_map.write(|out| write_lines(out, &[&map]))?;
        }
        Ok(MapStats {
            assets: map.assets.len(),
            assets_refused_internal: hub.unplaced().internal,
            assets_refused_external: hub.unplaced().external,
            hearsay: hub.unplaced().hearsay,
            assets_evicted: hub.unplaced().evicted,
            conversations: map.conversations.len(),
            conversations_refused: hub.conversations().refused,
            conversations_evicted: hub.conversations().evicted,
            alerts: hub.alerts().total,
            alerts_suppressed: hub.alerts().suppressed,
        })
    }

    fn commit(self) -> Result<(), StagedError> {
        let map = self.map.map(|map| [map.flow_map, map.alerts]);
        commit([self.conn_log, self.stats].into_iter().chain(map.into_iter().flatten()).collect())
    }
}

/// By bytes of the files; hidden when nobody watches.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let total = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|metadata| metadata.len()).sum();
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta} left") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests;

//! Capture files to documents: the same path as live, with packet time as the clock.

mod lines;
mod shards;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use sensor_capture::{CaptureError, CaptureFile, ChunkEnd, Frame, Reader};
use sensor_flow::Reports;
use sensor_model::Accounting;

use crate::config::Config;
use crate::counts::{FrameCounts, StageCounts};
use crate::export::staged::{Folder, Staged, StagedError, commit};
use crate::export::stats::{FileStats, MapStats, Stats};
use crate::hub::Hub;
use shards::{CHUNK_FRAMES, News, Shards};

/// Flows whose last records are made together at the end.
const LAST_FLOWS: usize = 16_384;

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
            Ok(file) => match file.reader() {
                Ok(reader) => self.read_frames(reader, path, output, bar)?,
                Err(error) => Some(error.to_string()),
            },
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
        mut reader: Reader<'_>,
        path: &Path,
        output: &mut Output,
        bar: &ProgressBar,
    ) -> Result<Option<String>, StagedError> {
        let start = bar.position();
        let mut frames: Vec<Frame<'_>> = Vec::with_capacity(CHUNK_FRAMES);
        let mut next: Vec<Frame<'_>> = Vec::with_capacity(CHUNK_FRAMES);
        let mut told = News::default();
        let mut end = fill(&mut reader, &mut frames);
        let error = loop {
            let goes_on = matches!(end, Ok(ChunkEnd::More));
            let mut read_on = || if goes_on { fill(&mut reader, &mut next) } else { Ok(ChunkEnd::End) };
            let (news, next_end) = self.take_chunk(&frames, told, output, &mut read_on)?;
            bar.set_position(start + reader.progress().0);
            told = news;
            match std::mem::replace(&mut end, next_end) {
                Ok(ChunkEnd::More) => {}
                Ok(ChunkEnd::End) => break None,
                Ok(ChunkEnd::Truncated(truncation)) => break Some(format!("`{}` is cut short: {truncation}", path.display())),
                Err(error) => break Some(error.to_string()),
            }
            std::mem::swap(&mut frames, &mut next);
            next.clear();
        };
        self.tell(told, output)?;
        let unreadable: u64 = reader.unreadable().map(|link| link.packets).sum();
        self.shards.count_unreadable(unreadable);
        let left_out = reader.unreadable().next().map(|link| {
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

    /// Works on a chunk. One worker then tells what it came to and reads on; beside several, the news of the chunk before are told and
    /// the next chunk is read meanwhile.
    fn take_chunk<R>(
        &mut self,
        frames: &[Frame<'_>],
        before: News,
        output: &mut Output,
        read_on: &mut impl FnMut() -> R,
    ) -> Result<(News, R), StagedError> {
        let base = self.shards.frames().packets;
        let (shards, hub) = (&mut self.shards, &mut self.hub);
        let mut news = News::default();
        if self.workers == 1 {
            shards.take(base, frames, &mut news);
            tell(hub, news, output)?;
            return Ok((before, read_on()));
        }
        thread::scope(|scope| {
            scope.spawn(|| shards.take(base, frames, &mut news));
            tell(hub, before, output)?;
            Ok(read_on())
        })
        .map(|next| (news, next))
    }

    fn tell(&mut self, news: News, output: &mut Output) -> Result<(), StagedError> {
        tell(&mut self.hub, news, output)
    }

    /// The last word on every flow that is still there.
    fn finish(&mut self, output: &mut Output) -> Result<(), StagedError> {
        for flows in self.shards.by_age().chunks(LAST_FLOWS) {
            let mut news = News::default();
            self.shards.last_records(flows, &mut news);
            self.tell(news, output)?;
        }
        Ok(())
    }
}

/// Fills a whole chunk, so that where chunks end depends on the capture alone.
fn fill<'a>(reader: &mut Reader<'a>, frames: &mut Vec<Frame<'a>>) -> Result<ChunkEnd, CaptureError> {
    loop {
        let wanted = CHUNK_FRAMES - frames.len();
        match reader.read_chunk(wanted, frames) {
            Ok(ChunkEnd::More) if frames.len() < CHUNK_FRAMES => {}
            end => return end,
        }
    }
}

fn tell(hub: &mut Option<Hub>, news: News, output: &mut Output) -> Result<(), StagedError> {
    output.conn_log.write(|out| out.write_all(&news.lines))?;
    let Some(hub) = hub else { return Ok(()) };
    for event in news.events {
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
        map.alerts.write(|out| {
            alerts.iter().try_for_each(|alert| {
                serde_json::to_writer(&mut *out, alert)?;
                out.write_all(b"\n")
            })
        })
    }

    fn write_documents(&mut self, replay: &Replay, config: &Config, files: Vec<FileStats>) -> Result<(), StagedError> {
        let (frames, stages) = (replay.shards.frames(), replay.shards.stages());
        let map_stats = match &replay.hub {
            Some(hub) => Some(self.write_map(hub, frames, &stages)?),
            None => None,
        };
        let stats = Stats::new(&config.name.0, frames, &stages, map_stats, files);
        self.stats.write(|out| {
            serde_json::to_writer_pretty(&mut *out, &stats)?;
            out.write_all(b"\n")
        })
    }

    fn write_map(&mut self, hub: &Hub, frames: &FrameCounts, stages: &StageCounts) -> Result<MapStats, StagedError> {
        let map = hub.flow_map(Accounting {
            packets: frames.packets,
            lost_packets: 0,
            skipped_packets: frames.skipped_total(),
            missed_bytes: 0,
            evicted_flows: stages.flows_evicted,
        });
        if let Some(output) = &mut self.map {
            output.flow_map.write(|out| {
                serde_json::to_writer(&mut *out, &map)?;
                out.write_all(b"\n")
            })?;
        }
        Ok(MapStats {
            assets: map.assets.len(),
            assets_refused_internal: hub.unplaced().internal,
            assets_refused_external: hub.unplaced().external,
            hearsay: hub.unplaced().hearsay,
            conversations: map.conversations.len(),
            conversations_refused: hub.conversations().refused,
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

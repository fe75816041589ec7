//! Capture files to documents: the same path as live, with packet time as the clock.

mod shards;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use sensor_capture::{CaptureError, CaptureFile, ChunkEnd, Frame, Reader};
use sensor_model::Accounting;

use crate::config::Config;
use crate::event::Event;
use crate::export::conn_log::write_record;
use crate::export::staged::{Folder, Staged, StagedError, commit};
use crate::export::stats::{FileStats, MapStats, Stats};
use crate::hub::Hub;
use shards::{CHUNK_FRAMES, Shards};

/// What to read, and where to write.
#[derive(Clone, Debug)]
pub struct Job {
    pub files: Vec<PathBuf>,
    pub out: PathBuf,
    pub workers: usize,
}

/// Reads all files and writes all documents. True when every file was read to its end.
pub fn run(job: &Job, config: &Config) -> Result<bool> {
    let folder = Folder::open(&job.out)?;
    let mut output = Output::stage(&folder)?;
    let mut replay = Replay {
        shards: Shards::new(&config.limits(shards::SHARDS), config.wire_options(), job.workers),
        hub: Hub::new(config.hub(true)),
        waiting: Vec::new(),
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
    hub: Hub,
    /// Events of the last chunk: the hub takes them while the next one is worked on.
    waiting: Vec<Event>,
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
        let error = loop {
            frames.clear();
            let end = fill(&mut reader, &mut frames);
            self.take_chunk(&frames, output)?;
            bar.set_position(start + reader.progress().0);
            match end {
                Ok(ChunkEnd::More) => {}
                Ok(ChunkEnd::End) => break None,
                Ok(ChunkEnd::Truncated(truncation)) => break Some(format!("`{}` is cut short: {truncation}", path.display())),
                Err(error) => break Some(error.to_string()),
            }
        };
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

    fn take_chunk(&mut self, frames: &[Frame<'_>], output: &mut Output) -> Result<(), StagedError> {
        let base = self.shards.frames().packets;
        let (shards, hub) = (&mut self.shards, &mut self.hub);
        let mut news = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        let told = thread::scope(|scope| {
            scope.spawn(|| shards.take(base, frames, &mut news));
            tell(hub, waiting, output)
        });
        self.waiting = news;
        told
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), StagedError> {
        tell(&mut self.hub, std::mem::take(&mut self.waiting), output)?;
        let mut last = Vec::new();
        self.shards.drain(&mut last);
        tell(&mut self.hub, last, output)
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

fn tell(hub: &mut Hub, events: Vec<Event>, output: &mut Output) -> Result<(), StagedError> {
    for event in events {
        hub.take(event);
    }
    output.write_news(hub)
}

/// The four documents on their way.
#[derive(Debug)]
struct Output {
    conn_log: Staged,
    flow_map: Staged,
    alerts: Staged,
    stats: Staged,
}

impl Output {
    fn stage(folder: &Folder) -> Result<Self, StagedError> {
        Ok(Self {
            conn_log: folder.stage("conn.log")?,
            flow_map: folder.stage("flowmap.json")?,
            alerts: folder.stage("alerts.ndjson")?,
            stats: folder.stage("stats.json")?,
        })
    }

    fn write_news(&mut self, hub: &mut Hub) -> Result<(), StagedError> {
        let records = hub.take_ended();
        self.conn_log.write(|out| records.iter().try_for_each(|record| write_record(out, record)))?;
        let alerts = hub.take_alerts();
        self.alerts.write(|out| {
            alerts.iter().try_for_each(|alert| {
                serde_json::to_writer(&mut *out, alert)?;
                out.write_all(b"\n")
            })
        })
    }

    fn write_documents(&mut self, replay: &Replay, config: &Config, files: Vec<FileStats>) -> Result<(), StagedError> {
        let (frames, stages, hub) = (replay.shards.frames(), replay.shards.stages(), &replay.hub);
        let map = hub.flow_map(Accounting {
            packets: frames.packets,
            lost_packets: 0,
            skipped_packets: frames.skipped_total(),
            missed_bytes: 0,
            evicted_flows: stages.flows_evicted,
        });
        let stats = MapStats {
            assets: map.assets.len(),
            assets_refused_internal: hub.unplaced().internal,
            assets_refused_external: hub.unplaced().external,
            hearsay: hub.unplaced().hearsay,
            conversations: map.conversations.len(),
            conversations_refused: hub.conversations().refused,
            alerts: hub.alerts().total,
            alerts_suppressed: hub.alerts().suppressed,
        };
        let stats = Stats::new(&config.name.0, frames, &stages, stats, files);
        self.flow_map.write(|out| {
            serde_json::to_writer(&mut *out, &map)?;
            out.write_all(b"\n")
        })?;
        self.stats.write(|out| {
            serde_json::to_writer_pretty(&mut *out, &stats)?;
            out.write_all(b"\n")
        })
    }

    fn commit(self) -> Result<(), StagedError> {
        commit(vec![self.conn_log, self.flow_map, self.alerts, self.stats])
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

//! Capture files to documents: the same path as live, with packet time as the clock.

mod lane;
mod lanes;
mod lines;
mod summary;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use sensor_capture::{CaptureFile, ChunkEnd};
use sensor_flow::{Reports, join_paths};
use sensor_model::{Accounting, DuplicatePath};

use crate::config::Config;
use crate::counts::{FrameCounts, StageCounts};
use crate::export::document::write_lines;
use crate::export::staged::{Folder, Staged, StagedError, commit};
use crate::export::stats::{FileStats, MapStats, Stats};
use crate::hub::Hub;
use crate::view::print;
use lane::{Lane, SHARDS};
use lanes::News;
use summary::Summary;

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
    let mut limits = config.limits(SHARDS);
    if !job.with_map {
        limits.flow.reports = Reports::EndsOnly;
    }
    let mut replay = Replay {
        lanes: Lane::all(&limits, config.wire_options(), job.workers),
        hub: job.with_map.then(|| Hub::new(config.hub())),
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
    let stats = output.write_documents(&replay, config, files)?;
    output.commit()?;
    print(&format!("{}\n", Summary { stats: &stats, out: &job.out }))?;
    Ok(all_whole)
}

#[derive(Debug)]
struct Replay {
    lanes: Vec<Lane>,
    hub: Option<Hub>,
}

impl Replay {
    fn read_file(&mut self, path: &Path, output: &mut Output, bar: &ProgressBar) -> Result<FileStats, StagedError> {
        let before = self.frames();
        let error = match CaptureFile::open(path) {
            Ok(file) => self.read_frames(file, path, output, bar)?,
            Err(error) => Some(error.to_string()),
        };
        let after = self.frames();
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
        let (start, hub) = (bar.position(), &mut self.hub);
        let end = lanes::read(&mut file, &mut self.lanes, |news, taken_bytes| {
            bar.set_position(start + taken_bytes);
            tell(hub, news, output)
        })?;
        let error = match end {
            Ok(ChunkEnd::More | ChunkEnd::End) => None,
            Ok(ChunkEnd::Truncated(truncation)) => Some(format!("`{}` is cut short: {truncation}", path.display())),
            Err(error) => Some(error.to_string()),
        };
        let unreadable: u64 = file.unreadable().map(|link| link.packets).sum();
        self.lanes.iter_mut().for_each(|lane| lane.count_unreadable(unreadable));
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

    fn finish(&mut self, output: &mut Output) -> Result<(), StagedError> {
        let hub = &mut self.hub;
        lanes::last_records(&self.lanes, |news| tell(hub, news, output))
    }

    fn frames(&self) -> FrameCounts {
        let mut sum = FrameCounts::default();
        self.lanes.iter().for_each(|lane| sum.add(lane.frames()));
        sum
    }

    fn stages(&self) -> StageCounts {
        let mut sum = StageCounts::default();
        self.lanes.iter().for_each(|lane| lane.add_stages(&mut sum));
        sum
    }
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

    fn write_documents(&mut self, replay: &Replay, config: &Config, files: Vec<FileStats>) -> Result<Stats, StagedError> {
        let (frames, stages) = (replay.frames(), replay.stages());
        let duplicates = join_paths(replay.lanes.iter().flat_map(Lane::duplicate_paths));
        let map_stats = match &replay.hub {
            Some(hub) => Some(self.write_map(hub, &frames, &stages, duplicates)?),
            None => None,
        };
        let stats = Stats::new(&config.name.0, &frames, &stages, map_stats, files);
        self.stats.write(|out| {
            serde_json::to_writer_pretty(&mut *out, &stats)?;
            out.write_all(b"\n")
        })?;
        Ok(stats)
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

//! `sensor selftest`: whether a mirror port shows what it should. Listens for a minute, or reads a capture, and says of each thing that can
//! be wrong whether it is, how that shows, and what to do at the switch.
//!
//! ```text
//! frames -> survey.rs (rates, sizes, MACs) ----------+
//!        -> Worker -> Hub (hosts, VLANs, loss) ------+-> checks.rs -> report.rs -> table or JSON
//! ```

mod checks;
mod listen;
mod read;
mod report;
mod survey;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{ArgGroup, Args};
use sensor_capture::Frame;
use sensor_flow::{DuplicateConfig, DuplicateCounts, Duplicates, FragmentLimits, Fragments};
use sensor_model::{Accounting, FlowMap};

use crate::config::{CapturePath, Config};
use crate::event::Event;
use crate::hub::Hub;
use crate::sort::Sorted;
use crate::view::Format;
use crate::worker::Worker;
use report::Report;
use survey::Survey;

/// So often each flow is reported: loss is set against the rate of its own time.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Copies of a frame come within this time, as routers and switches delay; contents of that time at 4 million packets a second.
const DUPLICATES: DuplicateConfig = DuplicateConfig { window: Duration::from_millis(4), contents: 1 << 14 };

#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("heard_from").required(true).args(["interface", "file"])))]
pub struct Arguments {
    /// Port that receives the mirrored traffic; it is silenced as `run` does
    #[arg(long, value_name = "IF")]
    pub interface: Option<String>,
    /// Judge a capture file (pcap, pcapng, plain or compressed; `-` is standard input)
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How long to listen; Ctrl-C ends it early, with the report so far
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// How frames are taken from the port [default: the configuration's]
    #[arg(long, value_name = "PATH", conflicts_with = "file")]
    pub capture: Option<CapturePath>,
    /// Configuration file; what it leaves out has the defaults of config/sensor.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
}

/// Prints the report. True unless a check failed.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let mut config = Config::load(arguments.config.as_deref())?;
    config.capture.path = arguments.capture.unwrap_or(config.capture.path);
    config.flow.interim_interval.0 = REPORT_EVERY;
    let session = Session::new(&config);
    let heard = match (&arguments.interface, &arguments.file) {
        (Some(interface), _) => listen::run(session, interface, Duration::from_secs(arguments.seconds), &config)?,
        (None, Some(file)) => read::run(session, file)?,
        (None, None) => return Ok(false),
    };
    let report = Report::of(&heard);
    report.print(arguments.output)?;
    Ok(!report.has_failed())
}

/// What came of listening or reading.
#[derive(Debug)]
struct Heard {
    source: String,
    /// How frames were taken, and why so; None for a file.
    capture: Option<(String, String)>,
    warnings: Vec<String>,
    /// Frames that we lost, and frames that the port sent.
    lost: u64,
    sent: u64,
    /// Time listened; for a file from the first to the last packet.
    lasted: Duration,
    duplicates: DuplicateCounts,
    survey: Survey,
    map: FlowMap,
}

/// The packet path of one thread: the same rooms as `run`, and the survey beside them.
struct Session {
    worker: Worker,
    hub: Hub,
    survey: Survey,
    sorted: Sorted,
    fragments: Fragments,
    duplicates: Duplicates,
    options: sensor_wire::Options,
    events: Vec<Event>,
    packets: u64,
}

impl Session {
    fn new(config: &Config) -> Self {
        Self {
            worker: Worker::new(0, &config.limits(1), crate::live::random_seed()),
            hub: Hub::new(config.hub()),
            survey: Survey::default(),
            sorted: Sorted::new(1),
            fragments: Fragments::new(&FragmentLimits::default(), crate::live::random_seed()),
            duplicates: Duplicates::new(DUPLICATES, crate::live::random_seed()),
            options: config.wire_options(),
            events: Vec::new(),
            packets: 0,
        }
    }

    fn take(&mut self, frames: &[Frame<'_>]) {
        self.sorted.refill(frames, self.options);
        self.sorted.place_fragments(&mut self.fragments);
        self.survey.take(&self.sorted, frames);
        self.worker.take_others(self.packets, &self.sorted, frames, &mut self.events);
        for bucket in &self.sorted.buckets {
            for (observation, place) in bucket.observations.iter().zip(&bucket.places) {
                let frame = frames.get(*place as usize).map(|frame| frame.bytes).unwrap_or_default();
                // Only counted: the map is to show what the mirror shows.
                let _ = self.duplicates.judge(&observation.packet, frame, observation.seen_at);
            }
            self.worker.take(self.packets, bucket, frames, &mut self.events);
        }
        self.packets += frames.len() as u64;
        self.tell();
    }

    fn tell(&mut self) {
        for event in self.events.drain(..) {
            self.hub.take(event);
        }
        // Nobody reads them here.
        drop(self.hub.take_alerts());
    }

    /// Ends all flows. `lost` are frames that we lost ourselves.
    fn finish(mut self, lost: u64) -> (Survey, DuplicateCounts, FlowMap) {
        self.worker.drain(self.packets, &mut self.events);
        self.tell();
        let accounting = Accounting { packets: self.packets, lost_packets: lost, ..Accounting::default() };
        let map = self.hub.flow_map(accounting);
        (self.survey, *self.duplicates.counts(), map)
    }
}

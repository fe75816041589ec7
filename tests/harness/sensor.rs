//! The sensor as a user runs it: `sensor run` on a mirror port, its pages, its tables, and `sensor replay`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use sensor_model::FlowMap;

use crate::binary;
use crate::deadline::wait_for;
use crate::namespace::Namespace;
use crate::plant::{BROKER, SENSOR_HTTP, TAP};
use crate::process::Running;
use crate::scrape;
use crate::scratch::Scratch;

/// What a run of the sensor is told beyond its defaults.
#[derive(Clone, Debug)]
pub struct SensorSetting {
    /// `auto`, `af-xdp` or `libpcap`.
    pub path: &'static str,
    /// Time in which everything is taken as normal.
    pub learning: Duration,
    pub with_broker: bool,
}

/// A running sensor in a namespace; stopped when dropped.
#[derive(Debug)]
pub struct Sensor<'a> {
    pub running: Running,
    namespace: &'a Namespace,
}

impl<'a> Sensor<'a> {
    /// Starts `sensor run` and waits until it answers.
    ///
    /// # Errors
    /// When it ends before; the text carries what it said.
    pub fn start(namespace: &'a Namespace, scratch: &Scratch, setting: &SensorSetting) -> Result<Self> {
        let broker = if setting.with_broker { format!("mqtt://{BROKER}") } else { String::new() };
        let outbox = if setting.with_broker { scratch.file("outbox").display().to_string() } else { String::new() };
        let text = format!(
            "name = \"demo\"\n[capture]\npath = \"{}\"\n[flow]\ninterim_interval = \"1s\"\n\
             tcp_attempt_timeout = \"1s\"\n[alert]\nlearning = \"{}s\"\n\
             max_per_asset_an_hour = 1000\n[http]\nlisten = \"{SENSOR_HTTP}\"\n[mqtt]\nbroker = \"{broker}\"\noutbox = \"{outbox}\"\n",
            setting.path,
            setting.learning.as_secs()
        );
        Self::start_configured(namespace, scratch, &text)
    }

    /// The same with a whole configuration, which must let it answer at [`SENSOR_HTTP`].
    ///
    /// # Errors
    /// When it ends before; the text carries what it said.
    pub fn start_configured(namespace: &'a Namespace, scratch: &Scratch, text: &str) -> Result<Self> {
        let config = scratch.write("sensor.toml", text)?;
        let mut command = namespace.command(&binary::path("sensor")?.to_string_lossy());
        command.args(["run", "--interface", TAP, "--config"]).arg(config);
        let mut sensor = Self { running: Running::start("sensor run", command)?, namespace };
        wait_for("the sensor to answer on /healthz", Duration::from_secs(10), || {
            anyhow::ensure!(!sensor.running.has_ended(), "sensor run ended: {}", sensor.running.complaints());
            Ok(scrape::get(namespace, SENSOR_HTTP, "/healthz").ok())
        })
        .with_context(|| sensor.running.complaints())?;
        Ok(sensor)
    }

    /// # Errors
    /// When it does not answer.
    pub fn flow_map(&self) -> Result<FlowMap> {
        scrape::flow_map(self.namespace, SENSOR_HTTP)
    }

    /// How it is doing, as `/v1/status` has it.
    ///
    /// # Errors
    /// When it does not answer, or not with JSON.
    pub fn status(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&scrape::get(self.namespace, SENSOR_HTTP, "/v1/status")?).context("reading /v1/status")
    }

    /// The metrics page.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn metrics(&self) -> Result<String> {
        scrape::get(self.namespace, SENSOR_HTTP, "/metrics")
    }

    /// `sensor TABLE --url` as a user sees it.
    ///
    /// # Errors
    /// When the command fails.
    pub fn table(&self, table: &str) -> Result<String> {
        let url = format!("http://{SENSOR_HTTP}");
        self.namespace.run(&binary::path("sensor")?.to_string_lossy(), &[table, "--url", &url])
    }

    /// The line that tells how frames are taken, and why.
    ///
    /// # Errors
    /// When it said nothing of the kind.
    pub fn capture_path(&mut self) -> Result<String> {
        let tells = |line: &str| line.contains("AF_XDP") || line.contains("af-xdp") || line.contains("libpcap");
        self.running.wait_for_line("the line about the capture path", Duration::from_secs(5), tells)
    }
}

/// The documents of one `sensor replay`.
#[derive(Debug)]
pub struct Replayed {
    pub folder: PathBuf,
    pub flow_map: FlowMap,
}

/// Replays captures into a new folder of `scratch`.
///
/// # Errors
/// When it exits with another code than 0, or its flow map cannot be read.
pub fn replay(captures: &[&Path], scratch: &Scratch, name: &str, options: &[&str]) -> Result<Replayed> {
    let folder = scratch.file(name);
    crate::namespace::run(replay_command(captures, &folder)?.args(options))?;
    let text = std::fs::read_to_string(folder.join("flowmap.json")).context("reading flowmap.json")?;
    Ok(Replayed { folder, flow_map: serde_json::from_str(&text)? })
}

/// `sensor replay CAPTURES --out FOLDER`, not run yet.
///
/// # Errors
/// When there is no binary.
pub fn replay_command(captures: &[&Path], folder: &Path) -> Result<Command> {
    let mut command = Command::new(binary::path("sensor")?);
    command.arg("replay").args(captures).arg("--out").arg(folder);
    Ok(command)
}

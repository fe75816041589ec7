//! Configuration text to settings. `config/sensor.toml` is the only copy of the defaults; what a user's file leaves out comes from it.

mod diagnose;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use diagnose::ConfigError;
pub use values::{CapturePath, Dedup, Prefix, Reshard, SensorName, Span, VlanKey};

/// The shipped file, part of the program.
pub const DEFAULTS: &str = include_str!("../../config/sensor.toml");

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: SensorName,
    pub capture: Capture,
    pub wire: Wire,
    pub flow: Flow,
    pub dissect: Dissect,
    pub identify: Identify,
    pub map: Map,
    pub alert: Alert,
    pub store: Store,
    pub http: Http,
    pub mqtt: Mqtt,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    #[serde(deserialize_with = "values::optional")]
    pub interface: Option<String>,
    pub path: CapturePath,
    pub ring_size: u32,
    pub frame_count: u32,
    pub busy_poll: bool,
    pub libpcap_buffer_bytes: u32,
    pub max_waiting_batches: usize,
    pub dedup: Dedup,
    pub reshard: Reshard,
    pub max_handed_batches: usize,
    pub pin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    pub decap: bool,
    pub verify_checksums: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    pub max_flows: usize,
    pub tcp_idle_timeout: Span,
    pub tcp_attempt_timeout: Span,
    pub udp_idle_timeout: Span,
    pub icmp_idle_timeout: Span,
    pub interim_interval: Span,
    pub vlan_key: VlanKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dissect {
    pub max_sessions: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identify {
    pub internal: Vec<Prefix>,
    pub max_assets: usize,
    pub max_evidence_an_asset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    pub max_conversations: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    pub learning: Span,
    pub max_per_asset_an_hour: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    #[serde(deserialize_with = "values::optional")]
    pub path: Option<PathBuf>,
    pub interval: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    #[serde(deserialize_with = "values::optional")]
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    #[serde(deserialize_with = "values::optional")]
    pub broker: Option<values::Broker>,
    #[serde(deserialize_with = "values::optional")]
    pub client_id: Option<String>,
    #[serde(deserialize_with = "values::optional")]
    pub username: Option<String>,
    #[serde(deserialize_with = "values::optional")]
    pub password_file: Option<PathBuf>,
    #[serde(deserialize_with = "values::optional")]
    pub ca_file: Option<PathBuf>,
    #[serde(deserialize_with = "values::optional")]
    pub outbox: Option<PathBuf>,
    pub max_waiting: u64,
    pub kpi_interval: Span,
}

impl Config {
    /// Reads a file; None gives the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse("", Path::new("config/sensor.toml")) };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::unreadable(path, &source))?;
        Self::parse(&text, path)
    }

    /// Reads a text; `path` is what errors call it.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        diagnose::parse(text, path)
    }

    /// What each of `tables` flow tables is allowed.
    #[must_use]
    pub fn limits(&self, tables: usize) -> crate::worker::Limits {
        let share = |all: usize| all.div_ceil(tables.max(1)).max(1);
        crate::worker::Limits {
            flow: sensor_flow::Config {
                capacity: share(self.flow.max_flows),
                tcp_idle_timeout: self.flow.tcp_idle_timeout.0,
                tcp_attempt_timeout: self.flow.tcp_attempt_timeout.0,
                udp_idle_timeout: self.flow.udp_idle_timeout.0,
                icmp_idle_timeout: self.flow.icmp_idle_timeout.0,
                interim_interval: self.flow.interim_interval.0,
                reports: sensor_flow::Reports::All,
                vlan_key: self.flow.vlan_key.0,
            },
            max_sessions: share(self.dissect.max_sessions),
            duplicates: self.duplicates(tables),
        }
    }

    /// Room for what ten gigabits a second of the smallest frames bring within the window, several times over; a table that gets more
    /// than its share has room for a quarter of it.
    fn duplicates(&self, tables: usize) -> Option<sensor_flow::DuplicateConfig> {
        const CONTENTS_A_MICROSECOND: u64 = 64;
        let Dedup::Within(window) = self.capture.dedup else { return None };
        let contents = u64::try_from(window.as_micros()).unwrap_or(u64::MAX).saturating_mul(CONTENTS_A_MICROSECOND);
        let contents = usize::try_from(contents.clamp(1 << 14, 1 << 20)).unwrap_or(1 << 14);
        Some(sensor_flow::DuplicateConfig { window, contents: contents / tables.clamp(1, 4) })
    }

    #[must_use]
    pub fn live(&self, interface: &str) -> sensor_capture::LiveConfig {
        let Capture { path, ring_size, frame_count, busy_poll, libpcap_buffer_bytes, .. } = self.capture;
        sensor_capture::LiveConfig {
            interface: interface.to_owned(),
            path: path.into(),
            ring_size,
            frame_count,
            busy_poll,
            libpcap_buffer_bytes,
            // Where frames are handed over anyway the device may keep its ways.
            symmetric_hashing: self.capture.reshard != Reshard::Always,
        }
    }

    #[must_use]
    pub const fn wire_options(&self) -> sensor_wire::Options {
        sensor_wire::Options { decap: self.wire.decap, verify_checksums: self.wire.verify_checksums }
    }

    #[must_use]
    pub fn hub(&self) -> crate::hub::Settings {
        crate::hub::Settings {
            identify: sensor_identify::Config {
                internal: self.identify.internal.iter().map(|prefix| (prefix.network, prefix.length)).collect(),
                max_assets: self.identify.max_assets,
                max_evidence_an_asset: self.identify.max_evidence_an_asset,
            },
            max_conversations: self.map.max_conversations,
            alert: crate::alert::Settings {
                sensor: self.name.0.clone(),
                learning: self.alert.learning.0,
                max_per_asset_an_hour: self.alert.max_per_asset_an_hour,
                max_assets: self.identify.max_assets,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Config::parse(text, Path::new("my.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_shipped_file_is_whole_and_an_empty_one_means_the_same() {
        let shipped: Config = toml::from_str(DEFAULTS).unwrap();
        assert_eq!(shipped, Config::load(None).unwrap());
        assert_eq!(shipped, Config::parse(DEFAULTS, Path::new("x")).unwrap());
    }

    #[test]
    fn every_key_of_the_shipped_file_is_explained() {
        let mut explained = false;
        for line in DEFAULTS.lines() {
            let is_key = line.contains('=') && !line.starts_with('#');
            assert!(!is_key || explained, "no comment above `{line}`");
            explained = line.starts_with('#');
        }
    }

    #[test]
    fn a_user_file_changes_what_it_names_and_nothing_else() {
        let config = Config::parse("[flow]\nudp_idle_timeout = \"90s\"\n", Path::new("my.toml")).unwrap();
        let mut expected = Config::load(None).unwrap();
        expected.flow.udp_idle_timeout = Span(std::time::Duration::from_secs(90));
        assert_eq!(config, expected);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_a_suggestion() {
        let text = "name = \"a\"\n[flow]\n  udp_idle_timeot = \"90s\"\n";
        assert_eq!(refused(text), "my.toml:3:3: unknown key `flow.udp_idle_timeot`; did you mean `udp_idle_timeout`?");
        let text = "[flwo]\nx = 1\n";
        assert_eq!(refused(text), "my.toml:1:2: unknown key `flwo`; did you mean `flow`?");
        let text = "zzzzzz = 1\n";
        assert!(
            refused(text).starts_with("my.toml:1:1: unknown key `zzzzzz`; known here are `alert`, `capture`"),
            "{}",
            refused(text)
        );
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_place_and_what_to_write() {
        let message = refused("[flow]\nudp_idle_timeout = \"soon\"\n");
        assert_eq!(
            message,
            "my.toml:2:20: in `udp_idle_timeout = \"soon\"`: `soon` is not a time; write it as \"30s\", \"5m\", \"12h\" or \"7d\""
        );
        let message = refused("[http]\nlisten = \"here\"\n");
        assert_eq!(message, "my.toml:2:10: in `listen = \"here\"`: `here`: invalid socket address syntax");
        let message = refused("[flow]\nvlan_key = \"no\"\n");
        assert!(message.ends_with("write \"auto\", \"always\" or \"never\""), "{message}");
        assert!(refused("[flow\n").starts_with("my.toml:1:6: "), "{}", refused("[flow\n"));
        assert!(refused("[flow]\nmax_flows = -1\n").starts_with("my.toml:2:13: "));
        assert!(refused("flow = 3\n").starts_with("my.toml:1:8: "));
        assert!(refused("name = \"a/b\"\n").contains(": `a/b` is not a sensor name; use up to 64 letters"));
    }
}

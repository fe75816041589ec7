//! The configuration file. `config/enforcer-sdn.toml` is embedded and is the only copy of the defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::capacity::Capacity;

/// The shipped file.
pub const DEFAULTS: &str = include_str!("../../config/enforcer-sdn.toml");

/// Everything that can be set. Lists and values of a user's file replace the default's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub state: PathBuf,
    pub policy: Vec<PathBuf>,
    pub flowmap: Vec<String>,
    #[serde(deserialize_with = "duration")]
    pub confirm_within: Duration,
    pub serve: Serve,
    #[serde(default, rename = "point")]
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    pub listen: String,
    #[serde(deserialize_with = "duration")]
    pub drift_interval: Duration,
}

/// A device that can hold rules, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub name: String,
    pub target: String,
    pub driver: String,
    #[serde(default)]
    pub via: Vec<String>,
    /// Prefixes by the side of the point that they lie on; empty: every packet crosses the point.
    #[serde(default)]
    pub sides: BTreeMap<String, Vec<String>>,
    /// Zones of the policy that it stands at: it gets the rules for what they send and get. Empty: all rules.
    #[serde(default)]
    pub zones: Vec<String>,
    /// It judges only what the hosts of its zones send.
    #[serde(default)]
    pub one_way: bool,
    /// The device's own names of zones, interfaces or labels, and which zones of the policy or prefixes are behind each; `*` is the rest.
    #[serde(default)]
    pub device_zones: BTreeMap<String, Vec<String>>,
    /// Where the dialect has no times, a rule with a schedule is never open here, and where it has no log, nothing is logged, instead of an error.
    #[serde(default)]
    pub narrow: bool,
    #[serde(default)]
    pub capacity: Option<Capacity>,
}

impl Point {
    /// A point that nobody reaches: for rendering without a device.
    pub fn unreached(target: &str) -> Self {
        Self {
            name: "unnamed".into(),
            target: target.to_owned(),
            driver: String::new(),
            via: Vec::new(),
            sides: BTreeMap::new(),
            zones: Vec::new(),
            one_way: false,
            device_zones: BTreeMap::new(),
            narrow: false,
            capacity: None,
        }
    }
}

impl Config {
    /// The defaults, overlaid by `file` where one is given.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else { return Self::parse("", "the built-in defaults") };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration `{}`", path.display()))?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, name: &str) -> Result<Self> {
        let own: toml::Table = text.parse().map_err(|error| located(name, text, &error))?;
        let mut merged: toml::Table = DEFAULTS.parse().context("the built-in defaults are not TOML")?;
        refuse_unknown(&own, &merged, name, text)?;
        overlay(&mut merged, own);
        let config: Self = merged.try_into().with_context(|| format!("configuration {name}"))?;
        for (at, point) in config.points.iter().enumerate() {
            if config.points.iter().take(at).any(|other| other.name == point.name) {
                bail!("configuration {name}: two enforcement points are called `{}`; rename one", point.name);
            }
        }
        Ok(config)
    }

    /// The point of that name; the only one when `name` is None.
    pub fn point(&self, name: Option<&str>) -> Result<&Point> {
        let names: Vec<&str> = self.points.iter().map(|point| point.name.as_str()).collect();
        match (name, self.points.as_slice()) {
            (Some(name), points) => points
                .iter()
                .find(|point| point.name == name)
                .with_context(|| format!("no enforcement point `{name}`; the configuration has: {}", names.join(", "))),
            (None, [only]) => Ok(only),
            (None, []) => bail!("the configuration names no enforcement point; add a [[point]] section"),
            (None, _) => bail!("there are several enforcement points; choose one with --point: {}", names.join(", ")),
        }
    }
}

/// A whole number with `ms`, `s`, `m`, `h` or `d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is not a duration; write it as 500ms, 30s, 10m, 2h or 7d");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(refused()),
    };
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(refused)
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn overlay(base: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// `[[point]]` has no default, so its keys are known here.
const POINT_KEYS: &[&str] =
    &["name", "target", "driver", "via", "sides", "zones", "one_way", "device_zones", "narrow", "capacity"];

fn refuse_unknown(own: &toml::Table, defaults: &toml::Table, name: &str, text: &str) -> Result<()> {
    for (key, value) in own {
        match (key.as_str(), defaults.get(key), value) {
            ("point", _, toml::Value::Array(points)) => {
                let mut keys = points.iter().filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
                if let Some(key) = keys.find(|key| !POINT_KEYS.contains(&key.as_str())) {
                    return Err(unknown(key, POINT_KEYS.iter().copied(), name, text));
                }
                let capacities = points.iter().filter_map(|point| point.get("capacity")?.as_table());
                if let Some(key) = capacities.flat_map(toml::Table::keys).find(|key| !Capacity::KEYS.contains(&key.as_str())) {
                    return Err(unknown(key, Capacity::KEYS.iter().copied(), name, text));
                }
            }
            (_, Some(toml::Value::Table(below)), toml::Value::Table(above)) => refuse_unknown(above, below, name, text)?,
            (_, Some(_), _) => {}
            (_, None, _) => return Err(unknown(key, defaults.keys().map(String::as_str).chain(["point"]), name, text)),
        }
    }
    Ok(())
}

fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a str>, name: &str, text: &str) -> anyhow::Error {
    let line = text.lines().position(|line| line.trim_start().trim_start_matches('[').starts_with(key)).map_or(1, |at| at + 1);
    let column = text.lines().nth(line - 1).and_then(|line| line.find(key)).map_or(1, |at| at + 1);
    let nearest = known.max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key))).unwrap_or_default();
    anyhow::anyhow!("{name}:{line}:{column}: unknown key `{key}`; did you mean `{nearest}`?")
}

fn located(name: &str, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    anyhow::anyhow!("{name}:{line}:{column}: {}", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_the_default() {
        let defaults = Config::load(None).unwrap();
        assert_eq!(Config::parse(DEFAULTS, "shipped").unwrap(), defaults);
        assert_eq!(defaults.confirm_within, Duration::from_secs(600));
        assert!(defaults.points.is_empty());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_a_suggestion() {
        let message = |text: &str| Config::parse(text, "e.toml").unwrap_err().to_string();
        assert_eq!(message("# x\nstat = \"/x\"\n"), "e.toml:2:1: unknown key `stat`; did you mean `state`?");
        assert_eq!(message("[serve]\nlisten_on = \"\"\n"), "e.toml:2:1: unknown key `listen_on`; did you mean `listen`?");
        assert_eq!(
            message("[[point]]\nname = \"r\"\n tarjet = \"x\"\n"),
            "e.toml:3:2: unknown key `tarjet`; did you mean `target`?"
        );
        assert!(message("state = \n").starts_with("e.toml:1:9: "), "{}", message("state = \n"));
    }

    #[test]
    fn two_points_of_one_name_are_refused() {
        let point = "[[point]]\nname = \"r\"\ntarget = \"nftables\"\ndriver = \"nft\"\n";
        assert!(Config::parse(&point.repeat(2), "e.toml").unwrap_err().to_string().contains("rename one"));
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "30", "s", "-1s", "1w", "99999999999999999999s", "18446744073709551615d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}

//! The verdicts as a table or JSON.

use anyhow::Result;
use sensor_model::TapCoverage;
use serde::Serialize;

use super::Heard;
use super::checks::{Check, State, checks_of};
use crate::view::coverage::show_vlans;
use crate::view::{Format, print, print_json, print_table};

#[derive(Debug, Serialize)]
pub struct Report<'a> {
    source: &'a str,
    seconds: f64,
    frames: u64,
    verdict: State,
    checks: Vec<Check>,
    coverage: &'a TapCoverage,
}

impl<'a> Report<'a> {
    pub fn of(heard: &'a Heard) -> Self {
        let checks = checks_of(heard);
        let verdict = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
        Report {
            source: &heard.source,
            seconds: heard.lasted.as_secs_f64(),
            frames: heard.survey.frames,
            verdict,
            checks,
            coverage: &heard.map.coverage,
        }
    }

    pub fn has_failed(&self) -> bool {
        self.verdict == State::Fail
    }

    pub fn print(&self, format: Format) -> Result<()> {
        if format == Format::Json {
            return print_json(self);
        }
        print_table(
            &["check.", "is.", "what was seen, and what to do"],
            self.checks.iter().map(|check| vec![check.name.to_owned(), check.state.as_str().to_owned(), check.text()]),
        )?;
        if !self.coverage.vlans.is_empty() {
            show_vlans(&self.coverage.vlans)?;
        }
        print(&format!("{}: {}\n", self.source, self.verdict.sentence()))
    }
}

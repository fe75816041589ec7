//! The sensor's books: where frames, packets, events and alerts went, stage by stage, as `/v1/status` tells.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::deadline::wait_for;
use crate::sensor::Sensor;

/// One stage between the wire and the broker.
#[derive(Clone, Debug, Deserialize)]
pub struct Stage {
    pub stage: String,
    pub unit: String,
    pub entered: u64,
    lost: Vec<Part>,
    set_aside: Vec<Part>,
    pub waiting: u64,
    pub passed: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Part {
    why: String,
    count: u64,
}

/// All stages, in order.
#[derive(Clone, Debug)]
pub struct Ledger(pub Vec<Stage>);

impl Ledger {
    /// # Errors
    /// When the sensor does not answer.
    pub fn read(sensor: &Sensor<'_>) -> Result<Self> {
        let status = sensor.status()?;
        Ok(Self(serde_json::from_value(status.get("stages").context("a status without stages")?.clone())?))
    }

    /// Waits until `frames` frames came over the wire and none of them is on its way any more.
    ///
    /// # Errors
    /// When that does not come true in time; the text has the books.
    pub fn settled(sensor: &Sensor<'_>, frames: u64) -> Result<Self> {
        let mut last = None;
        let waited = wait_for("the books to settle", Duration::from_secs(10), || {
            let ledger = Self::read(sensor)?;
            let packets = || ledger.0.iter().filter(|stage| matches!(stage.unit.as_str(), "frames" | "packets"));
            let is_settled =
                ledger.of("wire").is_ok_and(|wire| wire.entered >= frames) && packets().all(|stage| stage.waiting == 0);
            last = Some(ledger.clone());
            Ok(is_settled.then_some(ledger))
        });
        waited.with_context(|| format!("{last:?}"))
    }

    /// # Errors
    /// When there is no such stage.
    pub fn of(&self, name: &str) -> Result<&Stage> {
        self.0.iter().find(|stage| stage.stage == name).with_context(|| format!("no stage `{name}`"))
    }

    /// Every loss, as `stage: why` with its count.
    #[must_use]
    pub fn losses(&self) -> BTreeMap<String, u64> {
        let parts = self.0.iter().flat_map(|stage| stage.lost.iter().map(move |part| (&stage.stage, part)));
        parts.filter(|(_, part)| part.count > 0).map(|(stage, part)| (format!("{stage}: {}", part.why), part.count)).collect()
    }

    /// # Errors
    /// When a stage does not add up, or does not hand on what the next one got.
    pub fn balances(&self) -> Result<()> {
        for Stage { stage, entered, lost, set_aside, waiting, passed, .. } in &self.0 {
            let told: u64 = lost.iter().chain(set_aside).map(|part| part.count).sum::<u64>() + waiting + passed;
            ensure!(*entered == told, "{stage}: {entered} entered, {told} told: {self:?}");
        }
        for pair in self.0.windows(2) {
            let [before, after] = pair else { continue };
            let same = before.unit == after.unit || (before.unit == "frames" && after.unit == "packets");
            ensure!(!same || before.passed == after.entered, "{} to {}: {self:?}", before.stage, after.stage);
        }
        Ok(())
    }
}

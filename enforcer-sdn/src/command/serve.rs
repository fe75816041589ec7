//! `serve`: recovers timers whose watchdog is gone, ends quarantines whose time is over, compares every point with what was confirmed,
//! publishes metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use prometheus::{IntCounter, IntGauge, Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::apply;
use crate::cli::Cli;
use crate::command::devices;
use crate::command::lift::{Lift, Seen};
use crate::config::Config;
use crate::exit::Exit;
use crate::store;
use crate::watchdog::Arm;

/// How often a pending plan's deadline is looked at; half of the second that a rollback may be late.
const RECOVER_INTERVAL: Duration = Duration::from_millis(500);

pub fn serve(cli: &Cli, config: &Config) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    runtime.block_on(run(config, &Arm { config: cli.config.clone() }))
}

async fn run(config: &Config, arm: &Arm) -> Result<Exit> {
    let metrics = Arc::new(Metrics::new()?);
    let listener = TcpListener::bind(&config.serve.listen)
        .await
        .with_context(|| format!("cannot listen on `{}`; set serve.listen in the configuration", config.serve.listen))?;
    let address = listener.local_addr()?;
    let published = Arc::clone(&metrics);
    let router = Router::new().route("/healthz", get(async || "ok\n")).route("/metrics", get(async move || published.text()));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut tick = tokio::time::interval(RECOVER_INTERVAL);
    let mut last_drift_check: Option<Instant> = None;
    let mut lift = Lift::default();
    // Without systemd there is no socket to notify: not an error.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    println!("serving on http://{address}: /metrics /healthz; {} enforcement points", config.points.len());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = tick.tick() => {}
        }
        let due = last_drift_check.is_none_or(|last| last.elapsed() >= config.serve.drift_interval);
        if due {
            last_drift_check = Some(Instant::now());
        }
        tokio::task::block_in_place(|| {
            look(config, &metrics, due);
            tell(&lift.look(config, arm), &metrics);
        });
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    server.abort();
    Ok(Exit::Done)
}

/// One round. A device that cannot be reached is told and tried again: serving goes on.
fn look(config: &Config, metrics: &Metrics, drift_is_due: bool) {
    match apply::recover(config) {
        Ok(false) => {}
        Ok(true) => {
            metrics.recoveries.inc();
            eprintln!("warning: a plan was rolled back: its time was over and its own timer was gone");
        }
        Err(error) => {
            metrics.failures.inc();
            eprintln!("error: cannot roll back a plan whose time is over, trying again: {error:#}");
        }
    }
    metrics.pending.set(i64::from(store::pending(&config.state).is_ok_and(|pending| pending.is_some())));
    if !drift_is_due {
        return;
    }
    match devices::drifted(config) {
        Ok(found) => {
            metrics.drifted.set(i64::try_from(found.len()).unwrap_or(i64::MAX));
            found.iter().for_each(|line| eprintln!("warning: {line}"));
        }
        Err(error) => {
            metrics.failures.inc();
            eprintln!("error: cannot compare the enforcement points: {error:#}");
        }
    }
}

fn tell(seen: &Seen, metrics: &Metrics) {
    metrics.overdue.set(i64::try_from(seen.overdue).unwrap_or(i64::MAX));
    metrics.lifted.inc_by(seen.lifted.len() as u64);
    seen.lifted.iter().for_each(|line| eprintln!("warning: {line}"));
    if let Some(problem) = &seen.problem {
        eprintln!("error: {problem}");
    }
}

struct Metrics {
    registry: Registry,
    overdue: IntGauge,
    lifted: IntCounter,
    drifted: IntGauge,
    pending: IntGauge,
    recoveries: IntCounter,
    failures: IntCounter,
}

impl Metrics {
    fn new() -> Result<Self> {
        let registry = Registry::new();
        let gauge = |name: &str, text: &str| -> Result<IntGauge> {
            let gauge = IntGauge::new(name, text)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counter = |name: &str, text: &str| -> Result<IntCounter> {
            let counter = IntCounter::new(name, text)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let drifted = gauge("enforcer_drifted_points", "Enforcement points that do not run what was applied last.")?;
        let pending = gauge("enforcer_pending_plans", "Applied plans that wait for their confirmation (0 or 1).")?;
        let recoveries =
            counter("enforcer_recoveries_total", "Plans rolled back by the server because their own timer was gone.")?;
        let failures = counter("enforcer_device_failures_total", "Attempts to reach an enforcement point that failed.")?;
        let overdue =
            gauge("enforcer_overdue_quarantines", "Quarantines whose time is over and that enforcement points still hold.")?;
        let lifted = counter("enforcer_quarantines_ended_total", "Quarantines ended by the server because their time was over.")?;
        Ok(Self { registry, overdue, lifted, drifted, pending, recoveries, failures })
    }

    fn text(&self) -> String {
        // Encoding fails only for metrics without a name; an empty answer then shows as an absent series.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

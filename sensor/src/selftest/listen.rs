//! A port for some time: opened as `run` opens it, by one thread for all its queues, so that both directions of a flow always meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sensor_capture::{Live, mute};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{Heard, Session};
use crate::config::Config;

/// How long to rest when no queue had a frame. Rings hold more than what comes meanwhile.
const REST: Duration = Duration::from_millis(1);

pub fn run(mut session: Session, interface: &str, listen_for: Duration, config: &Config) -> Result<Heard> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let muted = mute(interface)?;
    let mut live = Live::open(&config.live(interface))?;
    let mut queues = live.take_queues();
    eprintln!("listening on {interface} for {} s; Ctrl-C ends it with the report so far", listen_for.as_secs());
    let started = Instant::now();
    let mut warnings: Vec<String> = live.warnings().iter().chain(muted.warnings()).cloned().collect();
    'listening: while started.elapsed() < listen_for && !stop.load(Ordering::Relaxed) {
        let mut frames = 0;
        for queue in &mut queues {
            match queue.poll(Duration::ZERO, |batch| session.take(batch)) {
                Ok(count) => frames += count,
                Err(error) => {
                    warnings.push(format!("the capture ended early: {error}"));
                    break 'listening;
                }
            }
        }
        if frames == 0 {
            thread::sleep(REST);
        }
    }
    let lasted = started.elapsed();
    let stats = live.stats();
    let (survey, duplicates, map) = session.finish(stats.lost());
    Ok(Heard {
        source: interface.to_owned(),
        capture: Some((live.path().name().to_owned(), live.reason().to_owned())),
        warnings,
        lost: stats.lost(),
        sent: stats.port_sent,
        lasted,
        duplicates,
        survey,
        map,
    })
}

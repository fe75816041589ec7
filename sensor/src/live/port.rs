//! The port over all captures that were opened on it: its counts go on when the capture is opened anew.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sensor_capture::live::Ended;
use sensor_capture::{CaptureError, InterfaceState, Live, LiveConfig, Muted, Queue, SourceStats, Spreading, mute};
use tracing::{info, warn};

/// Shared by who opens the capture and who tells of it.
#[derive(Debug)]
pub struct Port {
    interface: String,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    live: Option<Live>,
    /// What the captures before the present one counted.
    past: SourceStats,
    ended: Option<Ended>,
    told: Told,
    undo: Vec<String>,
}

/// How frames are taken, in words.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub path: &'static str,
    pub reason: String,
}

impl Port {
    #[must_use]
    pub fn new(interface: &str) -> Self {
        let (told, past) = (Told::default(), SourceStats::default());
        let inner = Inner { live: None, past, ended: None, told, undo: Vec::new() };
        Self { interface: interface.to_owned(), inner: Mutex::new(inner) }
    }

    /// Silences the port and starts to capture.
    pub fn open(&self, config: &LiveConfig) -> Result<(Vec<Queue>, Spreading), CaptureError> {
        let mut inner = self.lock();
        // A port that was removed and came back has forgotten that it was silenced.
        let muted = mute(&self.interface)?;
        let mut live = Live::open(config)?;
        self.tell(&live, &muted);
        for command in muted.undo() {
            if !inner.undo.contains(command) {
                inner.undo.push(command.clone());
            }
        }
        let missed = inner.ended.map_or(0, |ended| live.missed_since(&ended));
        inner.past.not_listening += missed;
        inner.told = Told { path: live.path().name(), reason: live.reason().to_owned() };
        let (queues, spreading) = (live.take_queues(), live.spreading());
        inner.live = Some(live);
        Ok((queues, spreading))
    }

    /// Ends the capture, whose queues are gone.
    pub fn close(&self) {
        let mut inner = self.lock();
        if let Some(live) = inner.live.take() {
            let ended = live.end();
            inner.past = ended.stats.after(&inner.past);
            inner.ended = Some(ended);
        }
    }

    /// What all captures counted together.
    #[must_use]
    pub fn stats(&self) -> SourceStats {
        let inner = self.lock();
        match &inner.live {
            Some(live) => live.stats().after(&inner.past),
            None => SourceStats { interface: InterfaceState::Gone, ..inner.past },
        }
    }

    /// Why the capture must be opened anew; None while it need not.
    #[must_use]
    pub fn outdated(&self) -> Option<String> {
        self.lock().live.as_ref().and_then(Live::outdated)
    }

    #[must_use]
    pub fn told(&self) -> Told {
        self.lock().told.clone()
    }

    /// The port stays silent: says how to undo that.
    pub fn say_goodbye(&self) {
        let undo = self.lock().undo.join("; ");
        if !undo.is_empty() {
            info!(interface = self.interface, undo, "the port stays silent");
        }
    }

    fn tell(&self, live: &Live, muted: &Muted) {
        let interface = &self.interface;
        info!(interface, path = live.path().name(), reason = live.reason(), "capturing");
        for warning in live.warnings().iter().chain(muted.warnings()) {
            warn!(interface, "{warning}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made whole before the lock is given back.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Keeps the port captured: a thread for each queue, and the capture opened anew when the port was away, has another number of queues, or
//! other settings are wanted. Lanes and their flows stay.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use crossbeam_channel::Sender;
use sensor_capture::{CaptureError, Queue, Spreading, pin_thread, prefer_thread};
use sensor_flow::{FragmentLimits, Fragments};
use tracing::{error, info, warn};

use super::exchange::Exchange;
use super::lane::{Batch, Lane, random_seed};
use super::port::Port;
use super::queue::{QueueThread, Session};
use super::witness::Witness;
use crate::config::{Config, Reshard};

/// How soon a signal, or the end of a queue, is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often the port is asked whether the capture still fits it.
const ASK_PORT_EVERY: Duration = Duration::from_secs(1);
/// A port that is away is looked for this often.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What a signal asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub stop: Arc<AtomicBool>,
    pub reload: Arc<AtomicBool>,
}

pub struct Capturing<'a> {
    pub port: Arc<Port>,
    pub interface: String,
    pub config: Config,
    /// Reads the configuration again.
    pub reread: &'a dyn Fn() -> Result<Config>,
    pub sender: Sender<Batch>,
    pub asked: Asked,
}

/// The threads of one opened capture.
struct Threads {
    session: Arc<Session>,
    handles: Vec<JoinHandle<(Lane, Result<(), CaptureError>)>>,
    reshard: Reshard,
    has_told_of_split: bool,
}

impl Capturing<'_> {
    /// Until a signal asks to stop. `first` is the capture that the start already opened.
    pub fn run(mut self, first: (Vec<Queue>, Spreading)) -> Result<()> {
        let mut lanes = Vec::new();
        let mut opened = Some(first);
        let mut lanes_in_use = 0;
        while let Some((queues, spreading)) = opened.take() {
            if lanes_in_use != queues.len() {
                lanes_in_use = queues.len();
                self.share_out_anew(lanes_in_use, &mut lanes);
            }
            let threads = self.start(queues, spreading, &mut lanes)?;
            let why = self.watch(threads, &mut lanes)?;
            self.port.close();
            if self.asked.stop.load(Ordering::Relaxed) {
                break;
            }
            warn!(interface = self.interface, why, "the capture is opened anew");
            opened = self.open_again();
        }
        lanes.into_iter().for_each(Lane::end);
        self.port.say_goodbye();
        Ok(())
    }

    /// Another number of lanes: a flow may come to another one from now on, so all flows end.
    fn share_out_anew(&self, count: usize, lanes: &mut Vec<Lane>) {
        let limits = self.config.limits(count);
        lanes.iter_mut().for_each(|lane| lane.begin_anew(&limits));
        for number in lanes.len()..count {
            lanes.push(Lane::new(number, &limits, self.sender.clone()));
        }
    }

    /// One thread a queue, each with its lane.
    fn start(&self, queues: Vec<Queue>, spreading: Spreading, lanes: &mut Vec<Lane>) -> Result<Threads> {
        let reshard = self.config.capture.reshard;
        let hands_over = tell_of_spreading(&self.interface, reshard, spreading, queues.len());
        let session = Arc::new(Session {
            stop: AtomicBool::new(false),
            reshard: AtomicBool::new(hands_over),
            witness: Witness::new(),
            fragments: Mutex::new(Fragments::new(&FragmentLimits::default(), random_seed())),
        });
        let wakers: Vec<_> = queues.iter().map(Queue::waker).collect();
        let exchanges = Exchange::between(&wakers, self.config.capture.max_handed_batches);
        let (count, pin, options) = (queues.len(), self.config.capture.pin, self.config.wire_options());
        // Lanes beyond the queues have ended their flows, and wait until there are more queues again.
        let idle = lanes.split_off(count.min(lanes.len()));
        let mut handles = Vec::new();
        for ((lane, queue), exchange) in lanes.drain(..).zip(queues).zip(exchanges) {
            let number = lane.number();
            let session = Arc::clone(&session);
            let thread = QueueThread { lane, queue, exchange, session, options, lanes: count };
            let run = move || {
                if pin && let Err(cause) = pin_thread(number) {
                    warn!(number, %cause, "the queue's thread is not bound to a CPU");
                }
                // A service without the right for it runs as others do.
                let _preferred = prefer_thread();
                thread.run()
            };
            handles.push(
                thread::Builder::new().name(format!("queue-{number}")).spawn(run).context("cannot start a queue's thread")?,
            );
        }
        lanes.extend(idle);
        Ok(Threads { session, handles, reshard, has_told_of_split: false })
    }

    /// Until the capture must end; says why, and puts the lanes back in their order.
    fn watch(&mut self, mut threads: Threads, lanes: &mut Vec<Lane>) -> Result<String> {
        let mut ask_at = Instant::now() + ASK_PORT_EVERY;
        let mut why = loop {
            thread::sleep(LOOK_EVERY);
            if self.asked.stop.load(Ordering::Relaxed) {
                break "stopping".to_owned();
            }
            if self.asked.reload.swap(false, Ordering::Relaxed) && self.reload() {
                break "the configuration was read again".to_owned();
            }
            if threads.handles.iter().any(JoinHandle::is_finished) {
                break String::new();
            }
            threads.look_for_split(&self.interface);
            if Instant::now() >= ask_at {
                ask_at = Instant::now() + ASK_PORT_EVERY;
                if let Some(outdated) = self.port.outdated() {
                    break outdated;
                }
            }
        };
        threads.session.stop.store(true, Ordering::Relaxed);
        let idle = std::mem::take(lanes);
        for handle in threads.handles {
            let (lane, ended) = handle.join().map_err(|_| anyhow!("a queue's thread died"))?;
            lanes.push(lane);
            if let Err(error) = ended
                && why.is_empty()
            {
                why = error.to_string();
            }
        }
        lanes.extend(idle);
        Ok(why)
    }

    /// True when the capture must be opened anew. A file with mistakes changes nothing.
    fn reload(&mut self) -> bool {
        match (self.reread)() {
            Ok(config) => {
                let kept = Config { capture: config.capture.clone(), ..self.config.clone() };
                if kept != config {
                    warn!("only [capture] is taken over while running; the other changes come with the next start");
                }
                self.config = kept;
                info!("reloaded");
                true
            }
            Err(cause) => {
                error!(cause = %format!("{cause:#}"), "the configuration was not read again; everything stays as it was");
                false
            }
        }
    }

    /// None when a signal asked to stop first.
    fn open_again(&mut self) -> Option<(Vec<Queue>, Spreading)> {
        let mut told = String::new();
        while !self.asked.stop.load(Ordering::Relaxed) {
            match self.port.open(&self.config.live(&self.interface)) {
                Ok(opened) => return Some(opened),
                Err(cause) => {
                    let text = cause.to_string();
                    if text != told {
                        error!(interface = self.interface, cause = text, "nothing is captured; trying again");
                        told = text;
                    }
                }
            }
            if self.asked.reload.swap(false, Ordering::Relaxed) {
                self.reload();
            }
            thread::sleep(TRY_AGAIN_AFTER);
        }
        None
    }
}

impl Threads {
    fn look_for_split(&mut self, interface: &str) {
        if self.has_told_of_split || !self.session.witness.saw_split() {
            return;
        }
        self.has_told_of_split = true;
        if self.reshard == Reshard::Never {
            warn!(
                interface,
                "directions of a flow come to different queues, so flows are counted in halves; set capture.reshard"
            );
        } else {
            self.session.reshard.store(true, Ordering::Relaxed);
            warn!(interface, "directions of a flow come to different queues: packets are handed to the worker of their flow");
        }
    }
}

/// Whether packets are handed over from the start, and why.
fn tell_of_spreading(interface: &str, reshard: Reshard, spreading: Spreading, queues: usize) -> bool {
    let (hands_over, why) = match (queues, reshard, spreading) {
        (0 | 1, ..) | (_, _, Spreading::OneQueue) => return false,
        (_, Reshard::Always, _) => (true, "as configured"),
        (_, Reshard::Never, _) => (false, "as configured"),
        (_, Reshard::Auto, Spreading::Symmetric) => (false, "the device hashes both directions of a flow alike; this is watched"),
        (_, Reshard::Auto, Spreading::Unknown) => (true, "the device may bring the directions of a flow to different queues"),
    };
    info!(interface, hands_over, why, "spreading flows over workers");
    hands_over
}

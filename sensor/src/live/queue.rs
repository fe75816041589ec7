//! One receive queue, one thread: polls frames, keeps the packets of its own lane and hands the others over to theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sensor_capture::live::{BATCH, nanos_now};
use sensor_capture::{CaptureError, Queue};
use sensor_flow::Fragments;
use sensor_wire::Options;

use super::exchange::Exchange;
use super::lane::Lane;
use super::witness::Witness;
use crate::sort::Sorted;

/// How long a poll waits for frames; also how soon a stop is noticed.
const POLL: Duration = Duration::from_millis(50);
/// The same while packets wait until the other queues have shown what came before them.
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(1);
/// Polls of a queue that ends: no ring holds more batches.
const LAST_POLLS: usize = 2_048;

/// What all queues of a capture share.
#[derive(Debug)]
pub struct Session {
    pub stop: AtomicBool,
    /// Whether a packet goes to the lane that owns its flow, or stays at the queue it came to.
    pub reshard: AtomicBool,
    pub witness: Witness,
    /// One for all queues: a device may bring the first fragment of a packet to another queue than the later ones.
    pub fragments: Mutex<Fragments>,
}

#[derive(Debug)]
pub struct QueueThread {
    pub lane: Lane,
    pub queue: Queue,
    pub exchange: Exchange,
    /// Pieces of one datagram come to one queue: the card cannot hash ports that later pieces lack.
    pub session: Arc<Session>,
    pub options: Options,
    /// How many queues the port has.
    pub lanes: usize,
}

/// A thread's work of one batch.
struct Round<'a> {
    lane: &'a mut Lane,
    exchange: &'a mut Exchange,
    session: &'a Session,
    has_siblings: bool,
}

impl QueueThread {
    /// Until the stop flag is set, or the port fails; then all queues of the capture stop. Gives the lane back, with all its flows.
    pub fn run(mut self) -> (Lane, Result<(), CaptureError>) {
        let (mut own, mut shared) = (Sorted::new(1), Sorted::new(self.lanes));
        let ended = loop {
            if self.session.stop.load(Ordering::Relaxed) {
                break self.empty_ring(&mut own, &mut shared);
            }
            let is_waiting = self.exchange.is_waiting();
            let timeout = if is_waiting { WAIT_FOR_OTHERS } else { POLL };
            let mut polled = self.poll(timeout, &mut own, &mut shared);
            if matches!(polled, Ok(0)) {
                // How far the queue is must be known after the wait, not before it.
                polled = self.poll(Duration::ZERO, &mut own, &mut shared);
            }
            match polled {
                Ok(0) if !is_waiting => self.lane.rest(),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
            let lane = &mut self.lane;
            self.exchange.take(|bucket, frames| lane.take(bucket, frames));
            self.lane.flush_when_due(self.exchange.counts);
        };
        self.session.stop.store(true, Ordering::Relaxed);
        let Self { mut lane, mut exchange, .. } = self;
        exchange.take_last(|bucket, frames| lane.take(bucket, frames));
        lane.remember(exchange.counts);
        (lane, ended)
    }

    fn poll(&mut self, timeout: Duration, own: &mut Sorted, shared: &mut Sorted) -> Result<usize, CaptureError> {
        let Self { lane, queue, exchange, session, options, lanes } = self;
        let started = nanos_now();
        let mut round = Round { lane, exchange, session, has_siblings: *lanes > 1 };
        let sorted = if session.reshard.load(Ordering::Relaxed) { shared } else { own };
        let mut last = started;
        let count = queue.poll(timeout, |frames| {
            sorted.refill(frames, *options);
            if sorted.has_fragments() {
                sorted.place_fragments(&mut session.fragments.lock().unwrap_or_else(PoisonError::into_inner));
            }
            round.spread(sorted, frames);
            last = frames.last().map_or(started, |frame| frame.seen_at_nanos);
        })?;
        // A whole batch: more may wait, and all of it came later.
        self.exchange.clear(if count == BATCH { last.min(started) } else { started });
        Ok(count)
    }

    /// What the kernel had received when we were asked to stop.
    fn empty_ring(&mut self, own: &mut Sorted, shared: &mut Sorted) -> Result<(), CaptureError> {
        for _ in 0..LAST_POLLS {
            if self.poll(Duration::ZERO, own, shared)? == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl Round<'_> {
    fn spread(&mut self, sorted: &mut Sorted, frames: &[sensor_capture::Frame<'_>]) {
        let number = self.lane.number();
        self.lane.count(sorted, frames);
        if let [only] = sorted.buckets.as_slice() {
            if self.has_siblings {
                only.observations.iter().for_each(|observation| self.session.witness.note(number, &observation.packet));
            }
            self.lane.take(only, frames);
            return;
        }
        for (owner, bucket) in sorted.buckets.iter_mut().enumerate() {
            self.exchange.hand_over(owner, bucket, frames);
        }
    }
}

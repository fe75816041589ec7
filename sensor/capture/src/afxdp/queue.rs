//! One receive queue: descriptors of the ring to frames, and their chunks back to the kernel.
//!
//! A frame longer than one chunk comes as several descriptors, which may straddle two batches. It is handed over as the bytes of its
//! first buffer (at least 3,840 in copy mode, so all headers and the start of the payload) with its whole length on the wire: like a
//! frame cut at a snap length, without copying.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sensor_wire::LinkType;

use super::program::Program;
use super::ring::{FillRing, ReceiveRing};
use super::socket::Socket;
use super::umem::{Umem, chunk_of};
use crate::interface::{Interface, InterfaceState};
use crate::live::{BATCH, monotonic_nanos, nanos_now};
use crate::waker::Waker;
use crate::{CaptureError, Frame};

#[derive(Debug)]
pub(crate) struct AfXdpQueue {
    pub(super) fill: FillRing,
    pub(super) receive: ReceiveRing,
    pub(super) umem: Arc<Umem>,
    pub(super) waker: Waker,
    pub(super) socket: Arc<Socket>,
    pub(super) interface: Arc<Interface>,
    pub(super) received: Arc<AtomicU64>,
    pub(super) waiting: Waiting,
    pub(super) unfinished: Option<FirstBuffer>,
    /// Chunks of frames that were visited.
    pub(super) spent: Vec<u64>,
    pub(super) looked_at_interface: Instant,
    /// Frames of the last visit.
    pub(super) last_count: usize,
    /// The program stays attached while anybody receives.
    pub(super) _program: Arc<Program>,
}

/// What a worker does while its queue is empty.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    Sleep,
    Spin,
}

/// The first buffer of a frame whose last one has not come yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstBuffer {
    address: u64,
    len: u32,
    wire_len: u32,
}

/// Why a thread does not spin any more: there are frames or somebody rang, or nothing came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    ByWork,
    ByTime,
}

/// Frames of one visit that tell of a busy port, and how long the next one is waited for without sleeping.
const MUCH: usize = BATCH / 4;
const GAP: Duration = Duration::from_micros(50);
/// How often an idle queue looks whether its interface still exists.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl AfXdpQueue {
    /// Frames shown so far, for whoever reads statistics.
    pub fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub fn poll(&mut self, timeout: Duration, visit: impl FnOnce(&[Frame<'_>])) -> Result<usize, CaptureError> {
        if self.receive.is_empty() {
            self.wait(timeout)?;
        }
        if self.receive.is_empty() {
            return Ok(0);
        }
        let seen_at_nanos = nanos_now();
        let since_boot = seen_at_nanos.saturating_sub(monotonic_nanos());
        let mut frames = [Frame { seen_at_nanos, wire_len: 0, link: LinkType::Ethernet, bytes: &[] }; BATCH];
        let mut free = frames.iter_mut();
        let Self { receive, umem, unfinished, spent, .. } = self;
        receive.take(BATCH as u32, |descriptor| {
            let Some(first) = whole_frame(unfinished, spent, descriptor) else { return };
            spent.push(chunk_of(first.address));
            // SAFETY: upheld by `spent`: the chunk is ours since the receive ring gave it, and goes back only after the visit below.
            let bytes = unsafe { umem.bytes(first.address, first.len) };
            // SAFETY: as above, and only this thread has the chunk.
            let arrived_at = unsafe { umem.take_stamp(first.address) };
            if let (Some(bytes), Some(frame)) = (bytes, free.next()) {
                frame.bytes = bytes;
                frame.wire_len = first.wire_len;
                // Not in the future, whichever clock was set in between.
                frame.seen_at_nanos = arrived_at.map_or(seen_at_nanos, |at| since_boot.saturating_add(at).min(seen_at_nanos));
            }
        });
        let count = BATCH.saturating_sub(free.len());
        self.last_count = count;
        let frames = frames.get(..count).unwrap_or_default();
        if !frames.is_empty() {
            visit(frames);
            self.received.fetch_add(count as u64, Ordering::Relaxed);
        }
        self.fill.give(&mut self.spent);
        if self.fill.needs_wakeup() {
            self.socket.wake_kernel();
        }
        Ok(count)
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), CaptureError> {
        match self.waiting {
            Waiting::Sleep => {
                // While much comes, going to sleep for every gap costs the kernel a wake-up each time, on the CPU that receives.
                if self.last_count >= MUCH && !timeout.is_zero() {
                    self.last_count = 0;
                    if self.spin(timeout.min(GAP)) == Ended::ByWork {
                        return Ok(());
                    }
                }
                let failed = self.socket.wait(&self.waker, timeout).map_err(|error| self.receive_error(&error))?;
                if failed {
                    // The kernel reports errors at once, and would keep us from ever sleeping.
                    std::thread::sleep(timeout.min(Duration::from_millis(10)));
                }
            }
            Waiting::Spin => _ = self.spin(timeout),
        }
        if self.receive.is_empty() && self.looked_at_interface.elapsed() >= LOOK_EVERY {
            self.looked_at_interface = Instant::now();
            if self.interface.state() == InterfaceState::Gone {
                return Err(CaptureError::InterfaceGone { interface: self.interface.name().to_owned() });
            }
        }
        Ok(())
    }

    fn spin(&self, timeout: Duration) -> Ended {
        let start = Instant::now();
        while self.receive.is_empty() && !self.waker.take_ring() {
            if start.elapsed() >= timeout {
                return Ended::ByTime;
            }
            if self.fill.needs_wakeup() {
                self.socket.wake_kernel();
            }
            std::hint::spin_loop();
        }
        Ended::ByWork
    }

    fn receive_error(&self, error: &std::io::Error) -> CaptureError {
        CaptureError::Receive { interface: self.interface.name().to_owned(), reason: error.to_string() }
    }
}

/// Adds one descriptor to the frame it belongs to; gives the frame when this was its last. Chunks other than the first are spent
/// at once, as nobody looks at their bytes.
fn whole_frame(unfinished: &mut Option<FirstBuffer>, spent: &mut Vec<u64>, descriptor: libc::xdp_desc) -> Option<FirstBuffer> {
    let libc::xdp_desc { addr: address, len, options } = descriptor;
    let frame = match unfinished.take() {
        None => FirstBuffer { address, len, wire_len: len },
        Some(first) => {
            spent.push(chunk_of(address));
            FirstBuffer { wire_len: first.wire_len.saturating_add(len), ..first }
        }
    };
    if options & libc::XDP_PKT_CONTD == 0 {
        return Some(frame);
    }
    *unfinished = Some(frame);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORE: u32 = libc::XDP_PKT_CONTD;

    fn descriptor(addr: u64, len: u32, options: u32) -> libc::xdp_desc {
        libc::xdp_desc { addr, len, options }
    }

    #[test]
    fn a_frame_of_three_buffers_comes_once_with_its_whole_length_and_keeps_only_its_first_chunk() {
        // Given a jumbo frame whose descriptors straddle two batches.
        let (mut unfinished, mut spent) = (None, Vec::new());

        let first = whole_frame(&mut unfinished, &mut spent, descriptor(4_096 + 256, 3_840, MORE));
        let second = whole_frame(&mut unfinished, &mut spent, descriptor(8_192 + 256, 3_840, MORE));
        assert!(first.is_none() && second.is_none());
        let frame = whole_frame(&mut unfinished, &mut spent, descriptor(12_288 + 256, 1_320, 0)).expect("the last buffer");

        assert_eq!((frame.address, frame.len, frame.wire_len), (4_352, 3_840, 9_000));
        assert_eq!(spent, [8_192, 12_288]);
        assert!(unfinished.is_none());
    }
}

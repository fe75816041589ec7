//! Live capture through libpcap, for kernels and rights that do not allow AF_XDP. Only receives: the sending half of the library is
//! not used. VLAN tags that the kernel takes off are put back by the library.

use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Direction, Precision};
use sensor_wire::LinkType;

use crate::interface::{Interface, InterfaceState};
use crate::live::{BATCH, LiveConfig};
use crate::waker::Waker;
use crate::{CaptureError, Frame};

pub(crate) struct LibpcapQueue {
    capture: Capture<Active>,
    link: LinkType,
    interface: Arc<Interface>,
    counters: Arc<LibpcapCounters>,
    waker: Waker,
    /// Copies of the frames of one batch: the library's own bytes last only for one callback.
    arena: Vec<u8>,
    batch: Vec<Copied>,
    statistics: Statistics,
}

/// Shared with whoever reads statistics.
#[derive(Debug, Default)]
pub(crate) struct LibpcapCounters {
    pub received: AtomicU64,
    pub dropped: AtomicU64,
}

#[derive(Clone, Debug)]
struct Copied {
    seen_at_nanos: i64,
    wire_len: u32,
    bytes: Range<usize>,
}

/// The library counts in 32 bits, which wrap.
struct Statistics {
    read_at: Instant,
    dropped: u32,
}

/// Longest stored part of a frame: more than any MTU, less than the library's default, so that its ring holds more frames.
const SNAP_LENGTH: i32 = 65_535;
/// How long the kernel may hold back a block of frames that is not full.
const BLOCK_TIMEOUT_MILLIS: i32 = 10;
const STATISTICS_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn open(interface: &Arc<Interface>, config: &LiveConfig) -> Result<LibpcapQueue, CaptureError> {
    let refused = |error: pcap::Error| CaptureError::Refused { interface: interface.name().to_owned(), reason: explain(&error) };
    let buffer = i32::try_from(config.libpcap_buffer_bytes).unwrap_or(i32::MAX);
    let capture = Capture::from_device(interface.name()).map_err(refused)?;
    let capture = capture
        .promisc(true)
        .immediate_mode(false)
        .snaplen(SNAP_LENGTH)
        .timeout(BLOCK_TIMEOUT_MILLIS)
        .buffer_size(buffer)
        .precision(Precision::Nano);
    let capture = capture.open().map_err(refused)?.setnonblock().map_err(refused)?;
    // As with AF_XDP, only what arrives counts. Not every kind of interface can tell; a mirror port does not send anyway.
    let _only_incoming = capture.direction(Direction::In);
    let number = link_number(capture.get_datalink().0);
    let link = LinkType::from_number(number).ok_or_else(|| CaptureError::Refused {
        interface: interface.name().to_owned(),
        reason: format!("its link type {number} cannot be read; use an Ethernet interface"),
    })?;
    Ok(LibpcapQueue {
        capture,
        link,
        interface: Arc::clone(interface),
        counters: Arc::default(),
        waker: Waker::new()
            .map_err(|error| CaptureError::Refused { interface: interface.name().to_owned(), reason: error.to_string() })?,
        arena: Vec::new(),
        batch: Vec::with_capacity(BATCH),
        statistics: Statistics { read_at: Instant::now(), dropped: 0 },
    })
}

impl LibpcapQueue {
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub fn counters(&self) -> Arc<LibpcapCounters> {
        Arc::clone(&self.counters)
    }

    pub fn poll(&mut self, timeout: Duration, visit: impl FnOnce(&[Frame<'_>])) -> Result<usize, CaptureError> {
        self.read_statistics();
        if self.read_batch(timeout)? == 0 {
            let failed = self.waker.wait(self.capture.as_fd(), timeout).map_err(|error| self.failed(error.to_string()))?;
            if self.read_batch(timeout)? == 0 {
                if failed {
                    self.ride_out("the kernel reports an error".to_owned(), timeout)?;
                }
                return Ok(0);
            }
        }
        let nothing = Frame { seen_at_nanos: 0, wire_len: 0, link: self.link, bytes: &[] };
        let mut frames = [nothing; BATCH];
        for (frame, copied) in frames.iter_mut().zip(&self.batch) {
            frame.seen_at_nanos = copied.seen_at_nanos;
            frame.wire_len = copied.wire_len;
            frame.bytes = self.arena.get(copied.bytes.clone()).unwrap_or_default();
        }
        let count = self.batch.len().min(BATCH);
        visit(frames.get(..count).unwrap_or_default());
        self.counters.received.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    /// Copies what is there, at most one batch.
    fn read_batch(&mut self, timeout: Duration) -> Result<usize, CaptureError> {
        let Self { capture, arena, batch, .. } = self;
        arena.clear();
        batch.clear();
        let read = capture.dispatch(Some(BATCH), |packet| {
            let start = arena.len();
            arena.extend_from_slice(packet.data);
            // With nanosecond precision the library puts nanoseconds where microseconds usually are.
            let (seconds, nanos) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
            let seen_at_nanos = seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
            batch.push(Copied {
                seen_at_nanos,
                wire_len: packet.header.len.max(packet.header.caplen),
                bytes: start..arena.len(),
            });
        });
        match read {
            Ok(_) => Ok(self.batch.len()),
            // Frames that came before the error are still good; the error comes again.
            Err(_) if !self.batch.is_empty() => Ok(self.batch.len()),
            Err(error) => self.ride_out(explain(&error), timeout).map(|()| 0),
        }
    }

    /// An interface that is only down may come back; anything else is told.
    fn ride_out(&self, reason: String, timeout: Duration) -> Result<(), CaptureError> {
        match self.interface.state() {
            InterfaceState::Gone => Err(CaptureError::InterfaceGone { interface: self.interface.name().to_owned() }),
            InterfaceState::Down => {
                std::thread::sleep(timeout.min(Duration::from_millis(100)));
                Ok(())
            }
            // It went down and came up again before we looked.
            InterfaceState::Up if reason.contains("went down") => Ok(()),
            InterfaceState::Up => Err(self.failed(reason)),
        }
    }

    fn read_statistics(&mut self) {
        if self.statistics.read_at.elapsed() < STATISTICS_EVERY {
            return;
        }
        self.statistics.read_at = Instant::now();
        if let Ok(statistics) = self.capture.stats() {
            let new = statistics.dropped.wrapping_sub(self.statistics.dropped);
            self.statistics.dropped = statistics.dropped;
            self.counters.dropped.fetch_add(new.into(), Ordering::Relaxed);
        }
    }

    fn failed(&self, reason: String) -> CaptureError {
        CaptureError::Receive { interface: self.interface.name().to_owned(), reason }
    }
}

impl std::fmt::Debug for LibpcapQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibpcapQueue").field("interface", &self.interface.name()).finish_non_exhaustive()
    }
}

/// The library's DLT_ number as a LINKTYPE_ number: they differ where operating systems disagreed (libpcap `pcap-common.c`).
fn link_number(data_link: i32) -> u32 {
    match data_link {
        12 => 101, // raw IP
        other => u32::try_from(other).unwrap_or(u32::MAX),
    }
}

/// One line, with what to do about the commonest refusal.
fn explain(error: &pcap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().to_owned();
    if text.contains("permi") {
        format!("{line} (needs CAP_NET_RAW: start it as root, or by systemd/sensor.service)")
    } else {
        line
    }
}

//! Live capture: chooses between AF_XDP and libpcap, says why, and gives one queue for each worker thread.

mod config;
mod promiscuous;
mod queue;
mod stats;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use config::{LiveConfig, PathChoice};
pub use queue::Queue;
pub use stats::SourceStats;

use crate::CaptureError;
use crate::afxdp::{self, AfXdp, BUFFER_BYTES, Hook, Jumbo, Left, Refused};
use crate::counters::PortCounters;
use crate::interface::{Interface, InterfaceState};
use crate::offload::{Offload, Offloads};
use crate::spread::{Spreading, Symmetric};
use promiscuous::Promiscuous;

/// The most frames one visit gets.
pub const BATCH: usize = 64;

/// A running capture. The queues go to worker threads; this stays with the control thread and tells what was counted.
#[derive(Debug)]
pub struct Live {
    interface: Arc<Interface>,
    path: CapturePath,
    zero_copy: bool,
    reason: String,
    warnings: Vec<String>,
    /// Locked only so that the whole can be shared: a queue is for one thread at a time.
    queues: Mutex<Vec<Queue>>,
    source: Source,
    counted_before: PortCounters,
    counted_last: Mutex<PortCounters>,
    served_queues: u32,
    spreading: Spreading,
    _promiscuous: Option<Promiscuous>,
    _offloads: Offloads,
    _symmetric: Option<Symmetric>,
}

/// How frames come to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapturePath {
    /// XDP in the driver, before the kernel makes a packet of the frame.
    AfXdpNative,
    /// XDP behind the driver, in the generic hook of the kernel.
    AfXdpGeneric,
    Libpcap,
}

impl CapturePath {
    /// The word for configuration, metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfXdpNative => "af_xdp_native",
            Self::AfXdpGeneric => "af_xdp_generic",
            Self::Libpcap => "libpcap",
        }
    }
}

impl std::fmt::Display for CapturePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug)]
enum Source {
    AfXdp {
        tap: AfXdp,
        received: Vec<Arc<AtomicU64>>,
    },
    #[cfg(feature = "libpcap")]
    Libpcap(Arc<crate::libpcap::LibpcapCounters>),
}

/// What one way of capturing gives, before it is put together.
struct Opened {
    path: CapturePath,
    zero_copy: bool,
    reason: String,
    warnings: Vec<String>,
    queues: Vec<Queue>,
    source: Source,
}

impl Live {
    /// Starts to capture. Frames are kept from now on, also before the queues are polled.
    pub fn open(config: &LiveConfig) -> Result<Self, CaptureError> {
        config.check()?;
        let interface = Arc::new(Interface::find(&config.interface)?);
        match interface.state() {
            InterfaceState::Up => {}
            InterfaceState::Down => return Err(CaptureError::InterfaceDown { interface: config.interface.clone() }),
            InterfaceState::Gone => return Err(CaptureError::InterfaceGone { interface: config.interface.clone() }),
        }
        let mut offloads = Offloads::of(Arc::clone(&interface));
        if config.path != PathChoice::Libpcap {
            offloads.switch_off(Offload::VlanStripping);
        }
        let stripping = offloads.take_warnings();
        let (spreading, symmetric) = spread(&interface, config);
        offloads.switch_off(Offload::LargeReceive);
        let Opened { path, zero_copy, reason, mut warnings, queues, source } = open_path(&interface, config)?;
        // The kernel's counters begin with ours: what came before is nobody's loss.
        let counted_before = interface.counters().unwrap_or_default();
        let served_queues = interface.receive_queues();
        // libpcap puts the tags back, and has one socket for all queues.
        let spreading = if queues.len() > 1 { spreading } else { Spreading::OneQueue };
        if path != CapturePath::Libpcap {
            warnings.extend(stripping);
        }
        // The driver's hook comes before the kernel joins packets. A veth port that is fed by other XDP programs receives them only with
        // this offload on.
        if path != CapturePath::AfXdpNative && !interface.has_driver("veth") {
            offloads.switch_off(Offload::GenericReceive);
        }
        warnings.extend(offloads.take_warnings());
        let promiscuous = Promiscuous::enter(&interface);
        if let Err(error) = &promiscuous {
            warnings.push(format!("the interface is not promiscuous: {error}; only frames to its own address arrive"));
        }
        Ok(Self {
            interface,
            path,
            zero_copy,
            reason,
            warnings,
            queues: Mutex::new(queues),
            source,
            counted_before,
            counted_last: Mutex::new(counted_before),
            served_queues,
            spreading,
            _promiscuous: promiscuous.ok(),
            _offloads: offloads,
            _symmetric: symmetric,
        })
    }

    #[must_use]
    pub const fn path(&self) -> CapturePath {
        self.path
    }

    /// Whether the driver writes into our memory itself.
    #[must_use]
    pub const fn zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// One line: why this path.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What is worse than it could be, one line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// All queues, each for one thread; empty when called again. Frames of a queue that nobody polls are lost, and counted.
    pub fn take_queues(&mut self) -> Vec<Queue> {
        std::mem::take(self.queues.get_mut().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether both directions of a flow come to the same queue.
    #[must_use]
    pub const fn spreading(&self) -> Spreading {
        self.spreading
    }

    /// Why this capture must be opened anew to see everything; None while it is as good as it was.
    #[must_use]
    pub fn outdated(&self) -> Option<String> {
        if self.path == CapturePath::Libpcap || self.interface.state() == InterfaceState::Gone {
            return None;
        }
        let (served, now) = (self.served_queues, self.interface.receive_queues());
        (served != now).then(|| format!("the port had {served} receive queues and now has {now}"))
    }

    /// What was counted since the start, from any thread while the queues run. Read from the worker back to the wire, so that a frame
    /// on its way is never counted as lost.
    #[must_use]
    pub fn stats(&self) -> SourceStats {
        let mut stats = SourceStats { interface: self.interface.state(), ..SourceStats::default() };
        match &self.source {
            Source::AfXdp { tap, received } => {
                stats.add_received(received);
                stats.add_af_xdp(&tap.counters(), self.zero_copy);
            }
            #[cfg(feature = "libpcap")]
            Source::Libpcap(counters) => stats.add_libpcap(counters),
        }
        stats.add_port(&self.port_counters(), &self.counted_before, self.path);
        stats
    }

    /// Those of a port that is gone are the last ones that were asked for.
    fn port_counters(&self) -> PortCounters {
        let mut last = self.counted_last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = self.interface.counters().unwrap_or(*last);
        *last
    }

    /// Frames that came since `earlier` ended: those between two captures on the same interface.
    #[must_use]
    pub fn missed_since(&self, earlier: &Ended) -> u64 {
        if earlier.interface_index != self.interface.index() {
            return 0;
        }
        self.counted_before.received.saturating_sub(earlier.counted.received)
    }

    /// Ends the capture. The queues must be gone before, or their frames are not in the counts.
    #[must_use]
    pub fn end(self) -> Ended {
        let mut stats = self.stats();
        let told = [stats.received, stats.ring_full, stats.no_buffer, stats.not_taken, stats.buffer_full].iter().sum();
        // Frames that still lay in the rings go with them.
        stats.abandoned = stats.offered.saturating_sub(told);
        let counted = self.port_counters();
        Ended { stats, counted, interface_index: self.interface.index() }
    }
}

/// What a capture leaves behind.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    pub stats: SourceStats,
    counted: PortCounters,
    interface_index: u32,
}

fn spread(interface: &Arc<Interface>, config: &LiveConfig) -> (Spreading, Option<Symmetric>) {
    if config.path == PathChoice::Libpcap || interface.receive_queues() == 1 {
        return (Spreading::OneQueue, None);
    }
    if !config.symmetric_hashing {
        return (Spreading::Unknown, None);
    }
    match Symmetric::ask(interface) {
        Ok(symmetric) => (Spreading::Symmetric, Some(symmetric)),
        Err(_) => (Spreading::Unknown, None),
    }
}

fn open_path(interface: &Arc<Interface>, config: &LiveConfig) -> Result<Opened, CaptureError> {
    if config.path == PathChoice::Libpcap {
        return open_libpcap(interface, config, "libpcap, as configured".to_owned());
    }
    if config.path == PathChoice::Auto && interface.has_ipv4_address() {
        let reason = "the interface has an IPv4 address, and AF_XDP would take its frames from the host; using libpcap";
        return open_libpcap(interface, config, reason.to_owned());
    }
    let Refused { text: refused, left } = match open_af_xdp(interface, config) {
        Ok(opened) => return Ok(opened),
        Err(refused) => refused,
    };
    if config.path != PathChoice::Auto || left == Left::Nothing {
        let reason = format!("AF_XDP refused: {refused}");
        return Err(CaptureError::Refused { interface: config.interface.clone(), reason });
    }
    open_libpcap(interface, config, format!("AF_XDP refused: {refused}; using libpcap")).map_err(|error| match error {
        CaptureError::Refused { interface, reason } => {
            CaptureError::Refused { interface, reason: format!("AF_XDP refused: {refused}; libpcap refused: {reason}") }
        }
        other => other,
    })
}

/// The driver's hook, and where it has none, the generic one. That copies each frame once more than libpcap does: on a wire of one queue it
/// took 0.85 M frames a second and libpcap 1.55 (`make bench`). Only several queues, each with a thread of its own, can make up for it.
fn open_af_xdp(interface: &Arc<Interface>, config: &LiveConfig) -> Result<Opened, Refused> {
    if !interface.is_ethernet().unwrap_or(false) {
        return Err(Refused { text: "it is no Ethernet interface".to_owned(), left: Left::Libpcap });
    }
    let generic = || afxdp::open(interface, config, Hook::Generic);
    let native = match config.path {
        PathChoice::AfXdpGeneric => None,
        _ => Some(afxdp::open(interface, config, Hook::Driver)),
    };
    let (path, hook, mut refused, opened) = match native {
        Some(Ok(opened)) => (CapturePath::AfXdpNative, "the driver", Vec::new(), opened),
        Some(Err(refused)) if refused.left != Left::OtherHook => return Err(refused),
        Some(Err(refused)) if config.path == PathChoice::Auto && interface.receive_queues() == 1 => {
            let text =
                format!("the driver's hook refused, {}; on one queue libpcap is faster than the generic hook", refused.text);
            return Err(Refused { text, left: Left::Libpcap });
        }
        Some(Err(refused)) => {
            let refused = vec![format!("the driver's hook refused, {}", refused.text)];
            (CapturePath::AfXdpGeneric, "the generic hook", refused, generic()?)
        }
        None => (CapturePath::AfXdpGeneric, "the generic hook, as configured", Vec::new(), generic()?),
    };
    let (tap, queues) = opened;
    refused.extend_from_slice(tap.refused());
    let zero_copy = tap.zero_copy();
    let reason = describe(hook, zero_copy, queues.len(), config, &refused);
    let mut warnings = Vec::new();
    if tap.jumbo() == Jumbo::Lost {
        warnings.push(format!("this kernel drops frames above {BUFFER_BYTES} bytes on AF_XDP (multi-buffer came with 6.6)"));
    }
    if interface.has_ipv4_address() {
        warnings.push("the interface has an IPv4 address: while AF_XDP listens, the host receives nothing there".to_owned());
    }
    if config.frame_count < config.ring_size.saturating_mul(2) {
        let (frames, ring) = (config.frame_count, config.ring_size);
        warnings
            .push(format!("frame_count {frames} is less than twice ring_size {ring}: the buffers end before the ring is full"));
    }
    if let Some(error) = tap.busy_poll_refused() {
        warnings.push(format!("the kernel refused busy polling ({error}): the thread only spins"));
    }
    let received = queues.iter().map(afxdp::AfXdpQueue::received).collect();
    let queues = queues.into_iter().map(Queue::af_xdp).collect();
    Ok(Opened { path, zero_copy, reason, warnings, queues, source: Source::AfXdp { tap, received } })
}

/// One line for operators: what is active, how large, and what was tried before.
fn describe(hook: &str, zero_copy: bool, queues: usize, config: &LiveConfig, refused: &[String]) -> String {
    let copying = if zero_copy { "zero copy" } else { "copying" };
    let many = if queues == 1 { "" } else { "s" };
    let (ring, frames) = (config.ring_size, config.frame_count);
    let waiting = if config.busy_poll { "busy polling" } else { "sleeping when idle" };
    let mut text = format!(
        "AF_XDP in {hook}, {copying}, {queues} receive queue{many} with rings of {ring} frames and {frames} buffers each in one memory, {waiting}"
    );
    if !refused.is_empty() {
        text.push_str(" (");
        text.push_str(&refused.join("; "));
        text.push(')');
    }
    text
}

#[cfg(feature = "libpcap")]
fn open_libpcap(interface: &Arc<Interface>, config: &LiveConfig, reason: String) -> Result<Opened, CaptureError> {
    let queue = crate::libpcap::open(interface, config)?;
    let source = Source::Libpcap(queue.counters());
    let queues = vec![Queue::libpcap(queue)];
    Ok(Opened { path: CapturePath::Libpcap, zero_copy: false, reason, warnings: Vec::new(), queues, source })
}

#[cfg(not(feature = "libpcap"))]
fn open_libpcap(interface: &Arc<Interface>, _config: &LiveConfig, reason: String) -> Result<Opened, CaptureError> {
    let reason = format!("{reason}, which this build has not; build with the feature `libpcap`");
    Err(CaptureError::Refused { interface: interface.name().to_owned(), reason })
}

const fn is_shared<T: Send + Sync>() {}
const _: () = is_shared::<Live>();

/// The clock that frames are stamped with: nanoseconds since the Unix epoch.
#[must_use]
pub fn nanos_now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}

/// The clock of the XDP program (`bpf_ktime_get_ns`).
pub(crate) fn monotonic_nanos() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: upheld by us: the structure is ours and lives until the call returns. The clock exists on every Linux.
    let _always = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

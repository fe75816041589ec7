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
use crate::interface::{Interface, InterfaceCounters, InterfaceState};
use crate::offload::{Offload, Offloads};
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
    counted_before: InterfaceCounters,
    _promiscuous: Option<Promiscuous>,
    _offloads: Offloads,
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
        let counted_before = interface.counters().unwrap_or_default();
        let mut offloads = Offloads::of(Arc::clone(&interface));
        if config.path != PathChoice::Libpcap {
            offloads.switch_off(Offload::VlanStripping);
        }
        let stripping = offloads.take_warnings();
        offloads.switch_off(Offload::LargeReceive);
        let Opened { path, zero_copy, reason, mut warnings, queues, source } = open_path(&interface, config)?;
        // libpcap puts the tags back.
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
            _promiscuous: promiscuous.ok(),
            _offloads: offloads,
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

    /// What was counted since the start, from any thread while the queues run.
    #[must_use]
    pub fn stats(&self) -> SourceStats {
        let now = self.interface.counters().unwrap_or(self.counted_before);
        let mut stats = SourceStats {
            port_received: now.received.saturating_sub(self.counted_before.received),
            port_dropped: now.dropped.saturating_sub(self.counted_before.dropped),
            port_sent: now.sent.saturating_sub(self.counted_before.sent),
            interface: self.interface.state(),
            ..SourceStats::default()
        };
        match &self.source {
            Source::AfXdp { tap, received } => stats.add_af_xdp(&tap.counters(), received),
            #[cfg(feature = "libpcap")]
            Source::Libpcap(counters) => stats.add_libpcap(counters),
        }
        stats
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

/// The driver's hook, and where it has none, the generic one.
fn open_af_xdp(interface: &Arc<Interface>, config: &LiveConfig) -> Result<Opened, Refused> {
    if !interface.is_ethernet().unwrap_or(false) {
        return Err(Refused { text: "it is no Ethernet interface".to_owned(), left: Left::Libpcap });
    }
    let generic = || afxdp::open(interface, config, Hook::Generic);
    let native = match config.path {
        PathChoice::AfXdpGeneric => None,
        _ => Some(afxdp::open(interface, config, Hook::Driver)),
    };
    let (path, why, opened) = match native {
        Some(Ok(opened)) => (CapturePath::AfXdpNative, "AF_XDP in the driver".to_owned(), opened),
        Some(Err(refused)) if refused.left != Left::OtherHook => return Err(refused),
        Some(Err(refused)) => {
            let why = format!("AF_XDP in the generic hook, as the driver refused ({})", refused.text);
            (CapturePath::AfXdpGeneric, why, generic()?)
        }
        None => (CapturePath::AfXdpGeneric, "AF_XDP in the generic hook, as configured".to_owned(), generic()?),
    };
    let (tap, queues) = opened;
    let zero_copy = tap.zero_copy();
    let copying = if zero_copy { "zero copy" } else { "copying" };
    let count = queues.len();
    let reason = format!("{why}, {copying}, {count} receive queue{}", if count == 1 { "" } else { "s" });
    let mut warnings = Vec::new();
    if tap.jumbo() == Jumbo::Lost {
        warnings.push(format!("this kernel drops frames above {BUFFER_BYTES} bytes on AF_XDP (multi-buffer came with 6.6)"));
    }
    if interface.has_ipv4_address() {
        warnings.push("the interface has an IPv4 address: while AF_XDP listens, the host receives nothing there".to_owned());
    }
    let received = queues.iter().map(afxdp::AfXdpQueue::received).collect();
    let queues = queues.into_iter().map(Queue::af_xdp).collect();
    Ok(Opened { path, zero_copy, reason, warnings, queues, source: Source::AfXdp { tap, received } })
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

/// Packet time of frames that carry none.
pub(crate) fn nanos_now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}

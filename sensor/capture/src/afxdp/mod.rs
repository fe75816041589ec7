//! AF_XDP: frames go from the driver (or the generic hook of the kernel) into memory of ours, past the network stack.
#![deny(clippy::indexing_slicing)]

mod mapping;
mod program;
mod queue;
mod ring;
mod socket;
mod umem;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use aya::programs::XdpMode;

pub(crate) use queue::AfXdpQueue;

use crate::interface::Interface;
use crate::live::LiveConfig;
use crate::waker::Waker;
use program::Program;
use queue::Waiting;
use ring::{FillRing, ReceiveRing};
use socket::{Binding, Memory, Refusal, Socket};
use umem::{CHUNK_BYTES, HEADROOM_BYTES, Umem};

/// AF_XDP on all queues of one interface.
#[derive(Debug)]
pub(crate) struct AfXdp {
    sockets: Vec<Arc<Socket>>,
    program: Arc<Program>,
    zero_copy: bool,
    jumbo: Jumbo,
    /// What was asked for better modes than this one, and was refused.
    refused: Vec<String>,
    busy_poll_refused: Option<io::Error>,
}

/// What happens to frames longer than one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jumbo {
    /// They are received, or cannot come with the MTU of the port.
    NoneLost,
    /// The kernel drops them, as it knows no multi-buffer frames.
    Lost,
}

/// Where in the kernel frames are caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Driver,
    Generic,
}

/// Counters of the sockets and of the program.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AfXdpCounters {
    /// In the receiving half of the socket, for whatever reason.
    pub dropped: u64,
    pub ring_full: u64,
    pub fill_ring_empty: u64,
    pub invalid_buffers: u64,
    pub redirected: u64,
    pub no_socket: u64,
}

/// Bytes of a frame that fit in one buffer.
pub(crate) const BUFFER_BYTES: u32 = CHUNK_BYTES - HEADROOM_BYTES;

/// Ethernet header, two tags and the frame check sequence that some drivers leave on.
const BYTES_ABOVE_MTU: u32 = 14 + 8 + 4;
/// The kernel takes a socket down only some time after its process ended.
const PREDECESSOR_GONE_AFTER: Duration = Duration::from_secs(2);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(25);

/// Sets up one hook. The text of the error says what was refused, and what to do.
pub(crate) fn open(interface: &Arc<Interface>, config: &LiveConfig, hook: Hook) -> Result<(AfXdp, Vec<AfXdpQueue>), Refused> {
    raise_memory_limit();
    let deadline = Instant::now() + PREDECESSOR_GONE_AFTER;
    let flags = bind_flags(hook, fits_one_buffer(interface));
    let mut candidates = flags.iter().peekable();
    let (mut last, mut refused) = (None, Vec::new());
    while let Some(flags) = candidates.peek() {
        match open_with(interface, config, hook, **flags) {
            Ok((tap, queues)) => return Ok((AfXdp { refused, ..tap }, queues)),
            Err(refusal) => match refusal.source.raw_os_error() {
                Some(libc::EBUSY | libc::EEXIST) if Instant::now() < deadline => std::thread::sleep(TRY_AGAIN_AFTER),
                // The driver or the kernel lacks what these flags ask for.
                Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOTSUP) if refusal.step == "bind" => {
                    let refusal = Refused::from(refusal);
                    refused.push(format!("{} refused, {}", name_of(**flags), refusal.text));
                    last = Some(refusal);
                    candidates.next();
                }
                _ => return Err(refusal.into()),
            },
        }
    }
    Err(last.unwrap_or(Refused { text: "no way to bind".to_owned(), left: Left::OtherHook }))
}

impl AfXdp {
    pub const fn zero_copy(&self) -> bool {
        self.zero_copy
    }

    pub const fn jumbo(&self) -> Jumbo {
        self.jumbo
    }

    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    pub const fn busy_poll_refused(&self) -> Option<&io::Error> {
        self.busy_poll_refused.as_ref()
    }

    pub fn counters(&self) -> AfXdpCounters {
        let mut counters = AfXdpCounters::default();
        for statistics in self.sockets.iter().filter_map(|socket| socket.statistics().ok()) {
            counters.dropped = counters.dropped.saturating_add(statistics.rx_dropped);
            counters.ring_full = counters.ring_full.saturating_add(statistics.rx_ring_full);
            counters.fill_ring_empty = counters.fill_ring_empty.saturating_add(statistics.rx_fill_ring_empty_descs);
            counters.invalid_buffers = counters.invalid_buffers.saturating_add(statistics.rx_invalid_descs);
        }
        // The program comes before the sockets: what it counts in between has not been lost behind it.
        let verdicts = self.program.verdicts().unwrap_or_default();
        (counters.redirected, counters.no_socket) = (verdicts.redirected, verdicts.no_socket);
        counters
    }
}

/// Why AF_XDP is not to be had.
#[derive(Debug)]
pub(crate) struct Refused {
    pub text: String,
    pub left: Left,
}

/// What may still work after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    OtherHook,
    Libpcap,
    /// Another AF_XDP socket takes the frames before libpcap would see them.
    Nothing,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let Refusal { step, source } = refusal;
        let (left, why) = match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => {
                (Left::Libpcap, "operation not permitted (needs CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN)")
            }
            Some(libc::EBUSY) if step == "bind" => {
                (Left::Nothing, "another program receives on this port by AF_XDP; end it (ss --xdp)")
            }
            Some(libc::EBUSY | libc::EEXIST) => {
                (Left::Libpcap, "another XDP program is on this port, and what it takes is not seen (ip link show)")
            }
            Some(libc::ENOBUFS | libc::ENOMEM) => {
                (Left::Libpcap, "not enough locked memory (raise LimitMEMLOCK, or lower `frame_count`)")
            }
            Some(libc::EAFNOSUPPORT | libc::ENOSYS) => (Left::Libpcap, "this kernel has no AF_XDP"),
            Some(libc::EOPNOTSUPP) => (Left::OtherHook, "not supported by the driver"),
            Some(libc::ERANGE) => (Left::OtherHook, "the MTU is too large for XDP in this driver"),
            _ => (Left::OtherHook, ""),
        };
        let text = if why.is_empty() { format!("{step}: {source}") } else { format!("{step}: {why}") };
        Self { text, left }
    }
}

/// What to ask for, best first. Multi-buffer is left out where the first bind can go without: some drivers have zero copy only then.
fn bind_flags(hook: Hook, fits: bool) -> Vec<u16> {
    use libc::{XDP_COPY, XDP_USE_NEED_WAKEUP, XDP_USE_SG, XDP_ZEROCOPY};
    let mut flags = Vec::new();
    if hook == Hook::Driver {
        flags.extend(fits.then_some(XDP_ZEROCOPY));
        flags.push(XDP_ZEROCOPY | XDP_USE_SG);
    }
    flags.extend([XDP_COPY | XDP_USE_SG, XDP_COPY]);
    flags.iter().map(|flags| flags | XDP_USE_NEED_WAKEUP).collect()
}

/// What a bind asked for, in words.
const fn name_of(flags: u16) -> &'static str {
    match (flags & libc::XDP_ZEROCOPY != 0, flags & libc::XDP_USE_SG != 0) {
        (true, true) => "zero copy with frames in pieces",
        (true, false) => "zero copy",
        (false, true) => "copying with frames in pieces",
        (false, false) => "copying",
    }
}

fn fits_one_buffer(interface: &Interface) -> bool {
    interface.mtu().is_ok_and(|mtu| mtu.saturating_add(BYTES_ABOVE_MTU) <= BUFFER_BYTES)
}

/// In the order the kernel wants it: make, bind, fill, enter into the map, and attach last, when everything is ready to receive.
fn open_with(
    interface: &Arc<Interface>,
    config: &LiveConfig,
    hook: Hook,
    flags: u16,
) -> Result<(AfXdp, Vec<AfXdpQueue>), Refusal> {
    let step = |step| move |source| Refusal { step, source };
    let count = interface.receive_queues();
    let mut program = Program::load(count)?;
    let umem = Arc::new(Umem::new(count, config.frame_count).map_err(step("reserve memory"))?);
    let mut parts: Vec<(Arc<Socket>, FillRing, ReceiveRing, Vec<u64>)> = Vec::new();
    let mut busy_poll_refused = None;
    for queue in 0..count {
        let socket = Socket::new()?;
        let binding = Binding { interface_index: interface.index(), queue, flags };
        let first = parts.first().map(|(first, ..)| Arc::clone(first));
        let memory = if first.is_none() { Memory::Register(&umem) } else { Memory::Shared };
        let (mut fill, receive) = socket.make_rings(memory, config.frame_count, config.ring_size)?;
        match first {
            None => socket.bind(binding)?,
            Some(first) => socket.bind_sharing(binding, &first)?,
        }
        if config.busy_poll
            && let Err(error) = socket.prefer_busy_poll()
        {
            busy_poll_refused = Some(error);
        }
        let mut chunks: Vec<u64> = umem.chunks_of(queue).collect();
        fill.give(&mut chunks);
        program.serve_queue(queue, &socket)?;
        parts.push((Arc::new(socket), fill, receive, chunks));
    }
    let mode = match hook {
        Hook::Driver => XdpMode::Driver,
        Hook::Generic => XdpMode::Skb,
    };
    program.attach(interface.index(), mode)?;
    let program = Arc::new(program);
    let sockets: Vec<_> = parts.iter().map(|(socket, ..)| Arc::clone(socket)).collect();
    let mut queues = Vec::new();
    for (socket, fill, receive, spent) in parts {
        queues.push(AfXdpQueue {
            fill,
            receive,
            umem: Arc::clone(&umem),
            waker: Waker::new().map_err(step("make an eventfd"))?,
            socket,
            interface: Arc::clone(interface),
            received: Arc::new(AtomicU64::new(0)),
            waiting: if config.busy_poll { Waiting::Spin } else { Waiting::Sleep },
            unfinished: None,
            spent,
            looked_at_interface: Instant::now(),
            last_count: 0,
            _program: Arc::clone(&program),
        });
    }
    let zero_copy = sockets.iter().all(|socket| socket.is_zero_copy());
    // The generic hook also sees frames that the kernel joined, which are longer than the MTU.
    let can_come = hook == Hook::Generic || !fits_one_buffer(interface);
    let jumbo = if flags & libc::XDP_USE_SG == 0 && can_come { Jumbo::Lost } else { Jumbo::NoneLost };
    Ok((AfXdp { sockets, program, zero_copy, jumbo, refused: Vec::new(), busy_poll_refused }, queues))
}

/// Frame memory counts as locked for a process without CAP_IPC_LOCK, maps on kernels before 5.11. As much as allowed is taken; what
/// is missing shows in the error of the step that needs it.
fn raise_memory_limit() {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: upheld by us: the structure lives until the call returns, which only reads it.
    let raised = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) };
    if raised == 0 {
        return;
    }
    let mut limit = unlimited;
    // SAFETY: upheld by us: the structure is ours and has room for the answer.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    if known == 0 {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: upheld by us: the structure lives until the call returns, which only reads it.
        let _as_much_as_allowed = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
    }
}

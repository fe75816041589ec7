//! Counters of a running capture, from the wire to the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::afxdp::AfXdpCounters;
use crate::interface::InterfaceState;

/// Frames since the capture started, by where they got to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Shown to a worker.
    pub received: u64,
    /// Lost in the kernel: no room in libpcap's buffer, or dropped by an AF_XDP socket for another reason than those below.
    pub kernel_dropped: u64,
    /// Lost as a worker was too slow to empty its receive ring.
    pub ring_full: u64,
    /// Times the kernel found no free buffer.
    pub fill_ring_empty: u64,
    /// Lost on a receive queue that no socket serves.
    pub no_socket: u64,
    /// Frames the port took in, as its driver counts.
    pub port_received: u64,
    /// Frames the port lost before XDP or libpcap saw them, as its driver counts.
    pub port_dropped: u64,
    /// Frames the port sent. It must stay zero: the sensor never speaks.
    pub port_sent: u64,
    pub interface: InterfaceState,
}

impl SourceStats {
    pub(super) fn add_af_xdp(&mut self, counters: &AfXdpCounters, received: &[Arc<AtomicU64>]) {
        self.received = received.iter().map(|frames| frames.load(Ordering::Relaxed)).sum();
        self.kernel_dropped = counters.dropped;
        self.ring_full = counters.ring_full;
        self.fill_ring_empty = counters.fill_ring_empty;
        self.no_socket = counters.no_socket;
    }

    #[cfg(feature = "libpcap")]
    pub(super) fn add_libpcap(&mut self, counters: &crate::libpcap::LibpcapCounters) {
        self.received = counters.received.load(Ordering::Relaxed);
        self.kernel_dropped = counters.dropped.load(Ordering::Relaxed);
    }
}

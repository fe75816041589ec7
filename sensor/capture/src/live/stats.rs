//! Counters of a running capture, from the wire to the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::afxdp::AfXdpCounters;
use crate::counters::PortCounters;
use crate::interface::InterfaceState;
use crate::live::CapturePath;

/// Frames since the capture started, by where they got to. Each is lost in at most one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Frames the port took in, as its driver counts.
    pub port_received: u64,
    /// Lost in the device, as the host was too slow to fetch them. Not in `port_received`.
    pub port_missed: u64,
    /// Came damaged over the wire. Not in `port_received`.
    pub port_bad: u64,
    /// Lost by the driver or the stack before XDP or libpcap saw them.
    pub port_dropped: u64,
    /// Came while the capture was opened anew.
    pub not_listening: u64,
    /// Handed to a socket, by the XDP program or by the stack.
    pub offered: u64,
    /// Lost on a receive queue that no socket serves.
    pub no_socket: u64,
    /// Lost as a worker was too slow to empty its receive ring.
    pub ring_full: u64,
    /// Lost as the kernel found no free buffer.
    pub no_buffer: u64,
    /// Lost as libpcap's buffer was full.
    pub buffer_full: u64,
    /// Lost at an AF_XDP socket otherwise: too long for it.
    pub not_taken: u64,
    /// Lay in a receive ring when the capture was ended.
    pub abandoned: u64,
    /// Times a device found no free buffer: with zero copy the frames are then among those the port missed.
    pub fill_ring_empty: u64,
    /// Buffers that the kernel refused; must stay zero.
    pub invalid_buffers: u64,
    /// Shown to a worker.
    pub received: u64,
    /// Frames the port sent. It must stay zero: the sensor never speaks.
    pub port_sent: u64,
    pub interface: InterfaceState,
}

impl SourceStats {
    /// All frames that are known to be lost before a worker saw them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        [
            self.port_missed,
            self.port_bad,
            self.port_dropped,
            self.not_listening,
            self.no_socket,
            self.ring_full,
            self.no_buffer,
            self.buffer_full,
            self.not_taken,
            self.abandoned,
        ]
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// With what an earlier capture on the same port counted; the state is the present one.
    #[must_use]
    pub fn after(mut self, earlier: &Self) -> Self {
        for (mine, theirs) in [
            (&mut self.port_received, earlier.port_received),
            (&mut self.port_missed, earlier.port_missed),
            (&mut self.port_bad, earlier.port_bad),
            (&mut self.port_dropped, earlier.port_dropped),
            (&mut self.not_listening, earlier.not_listening),
            (&mut self.offered, earlier.offered),
            (&mut self.no_socket, earlier.no_socket),
            (&mut self.ring_full, earlier.ring_full),
            (&mut self.no_buffer, earlier.no_buffer),
            (&mut self.buffer_full, earlier.buffer_full),
            (&mut self.not_taken, earlier.not_taken),
            (&mut self.abandoned, earlier.abandoned),
            (&mut self.fill_ring_empty, earlier.fill_ring_empty),
            (&mut self.invalid_buffers, earlier.invalid_buffers),
            (&mut self.received, earlier.received),
            (&mut self.port_sent, earlier.port_sent),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        self
    }

    pub(super) fn add_af_xdp(&mut self, counters: &AfXdpCounters, zero_copy: bool) {
        self.offered = counters.redirected;
        self.no_socket = counters.no_socket;
        self.ring_full = counters.ring_full;
        // Copying, the kernel counts a frame without a buffer under both names; with zero copy the device finds no buffer before there is
        // a frame (net/xdp/xsk.c, xsk_buff_pool.c).
        self.no_buffer = if zero_copy { 0 } else { counters.fill_ring_empty.min(counters.dropped) };
        self.not_taken = counters.dropped.saturating_sub(self.no_buffer);
        self.fill_ring_empty = counters.fill_ring_empty;
        self.invalid_buffers = counters.invalid_buffers;
    }

    pub(super) fn add_received(&mut self, received: &[Arc<AtomicU64>]) {
        self.received = received.iter().map(|frames| frames.load(Ordering::Relaxed)).sum();
    }

    #[cfg(feature = "libpcap")]
    pub(super) fn add_libpcap(&mut self, counters: &crate::libpcap::LibpcapCounters) {
        self.received = counters.received.load(Ordering::Relaxed);
        self.buffer_full = counters.dropped.load(Ordering::Relaxed);
        self.offered = self.received.saturating_add(self.buffer_full);
    }

    /// Comes after the others: some drivers count what XDP could not deliver as dropped by them (veth, virtio), others do not. What is
    /// named already is no loss of the port.
    pub(super) fn add_port(&mut self, now: &PortCounters, before: &PortCounters, path: CapturePath) {
        self.port_received = now.received.saturating_sub(before.received);
        self.port_missed = now.missed.saturating_sub(before.missed);
        self.port_bad = now.bad.saturating_sub(before.bad);
        self.port_sent = now.sent.saturating_sub(before.sent);
        let behind = [self.no_socket, self.ring_full, self.no_buffer, self.not_taken].iter().sum();
        if path == CapturePath::Libpcap {
            // The stack counts as dropped what no protocol wanted, after libpcap had its copy (net/core/dev.c); what a driver drops stands
            // under another name where it is counted at all.
            return;
        }
        self.port_dropped = now.dropped.saturating_sub(before.dropped).saturating_sub(behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_driver_and_socket_both_counted_is_lost_once_and_in_the_ring() {
        // Given what a veth port and its socket say of 1,000 frames for a ring of 128.
        let counters = AfXdpCounters { ring_full: 872, redirected: 1_000, ..AfXdpCounters::default() };
        let now = PortCounters { received: 1_000, dropped: 872, ..PortCounters::default() };
        let mut stats = SourceStats::default();
        stats.add_af_xdp(&counters, false);
        stats.add_port(&now, &PortCounters::default(), CapturePath::AfXdpNative);
        assert_eq!((stats.lost(), stats.ring_full, stats.port_dropped), (872, 872, 0));
    }

    #[test]
    fn a_frame_without_a_buffer_is_no_other_loss_of_the_kernel() {
        let counters = AfXdpCounters { dropped: 10, fill_ring_empty: 7, redirected: 20, ..AfXdpCounters::default() };
        let mut stats = SourceStats::default();
        stats.add_af_xdp(&counters, false);
        assert_eq!((stats.no_buffer, stats.not_taken, stats.lost()), (7, 3, 10));
        stats.add_af_xdp(&counters, true);
        assert_eq!((stats.no_buffer, stats.not_taken), (0, 10));
    }

    #[test]
    fn two_captures_after_each_other_add_up_in_every_count() {
        let one = SourceStats { port_received: 1, received: 2, no_socket: 3, not_listening: 4, ..SourceStats::default() };
        let sum = one.after(&one);
        assert_eq!((sum.port_received, sum.received, sum.no_socket, sum.not_listening, sum.lost()), (2, 4, 6, 8, 14));
    }
}

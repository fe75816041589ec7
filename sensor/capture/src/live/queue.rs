//! What a worker thread polls.

use std::time::Duration;

use crate::afxdp::AfXdpQueue;
use crate::{CaptureError, Frame, Waker};

/// One receive queue. It belongs to one thread at a time.
#[derive(Debug)]
pub struct Queue(Kind);

#[derive(Debug)]
enum Kind {
    AfXdp(Box<AfXdpQueue>),
    #[cfg(feature = "libpcap")]
    Libpcap(Box<crate::libpcap::LibpcapQueue>),
}

impl Queue {
    pub(super) fn af_xdp(queue: AfXdpQueue) -> Self {
        Self(Kind::AfXdp(Box::new(queue)))
    }

    #[cfg(feature = "libpcap")]
    pub(super) fn libpcap(queue: crate::libpcap::LibpcapQueue) -> Self {
        Self(Kind::Libpcap(Box::new(queue)))
    }

    /// Ends the wait in [`poll`](Self::poll) from another thread.
    #[must_use]
    pub fn waker(&self) -> Waker {
        match &self.0 {
            Kind::AfXdp(queue) => queue.waker(),
            #[cfg(feature = "libpcap")]
            Kind::Libpcap(queue) => queue.waker(),
        }
    }

    /// Waits for frames and shows at most [`BATCH`](crate::live::BATCH) of them; gives how many. Nothing is shown, and 0 given, when
    /// the time was over, a signal came or somebody woke us first. An interface that is down is waited for; one that is gone is an error.
    pub fn poll(&mut self, timeout: Duration, visit: impl FnOnce(&[Frame<'_>])) -> Result<usize, CaptureError> {
        match &mut self.0 {
            Kind::AfXdp(queue) => queue.poll(timeout, visit),
            #[cfg(feature = "libpcap")]
            Kind::Libpcap(queue) => queue.poll(timeout, visit),
        }
    }
}

const fn is_send<T: Send>() {}
const _: () = is_send::<Queue>();

//! The two rings of a receiving socket. Each is written by one side and read by the other; indices run freely and wrap.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::mapping::Mapping;

/// What both rings have in common: indices, flags and entries inside one mapping.
#[derive(Debug)]
struct Ring<T> {
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    flags: NonNull<AtomicU32>,
    entries: NonNull<T>,
    mask: u32,
    _mapping: Mapping,
}

// SAFETY: upheld by `Ring`: its pointers go into the mapping it owns, and its methods that write need `&mut self`.
unsafe impl<T: Send> Send for Ring<T> {}

/// Chunks on their way to the kernel.
#[derive(Debug)]
pub(super) struct FillRing {
    ring: Ring<u64>,
    produced: u32,
}

/// Frames on their way to us.
#[derive(Debug)]
pub(super) struct ReceiveRing {
    ring: Ring<libc::xdp_desc>,
    consumed: u32,
}

impl<T: Copy> Ring<T> {
    fn map(socket: BorrowedFd<'_>, page: libc::off_t, at: &libc::xdp_ring_offset, size: u32) -> io::Result<Self> {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let len = place(at.desc).saturating_add((size as usize).saturating_mul(size_of::<T>()));
        let mapping = Mapping::of_socket(socket, page, len)?;
        let parts = (
            mapping.at(place(at.producer), 1),
            mapping.at(place(at.consumer), 1),
            mapping.at(place(at.flags), 1),
            mapping.at(place(at.desc), size as usize),
        );
        let (Some(producer), Some(consumer), Some(flags), Some(entries)) = parts else {
            return Err(io::Error::other("the kernel laid out a ring that we do not understand"));
        };
        Ok(Self { producer, consumer, flags, entries, mask: size.wrapping_sub(1), _mapping: mapping })
    }

    fn producer(&self) -> &AtomicU32 {
        // SAFETY: upheld by `map`: the place is inside the mapping, aligned, and shared with the kernel as an atomic.
        unsafe { self.producer.as_ref() }
    }

    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: upheld by `map`: the place is inside the mapping, aligned, and shared with the kernel as an atomic.
        unsafe { self.consumer.as_ref() }
    }

    fn flags(&self) -> u32 {
        // SAFETY: upheld by `map`: the place is inside the mapping, aligned, and shared with the kernel as an atomic.
        let flags = unsafe { self.flags.as_ref() };
        flags.load(Ordering::Relaxed)
    }

    /// Where the entry of an index lies. The mask keeps it below the size that `map` checked.
    fn entry(&self, index: u32) -> *mut T {
        self.entries.as_ptr().wrapping_add((index & self.mask) as usize)
    }
}

impl FillRing {
    pub fn map(socket: BorrowedFd<'_>, offsets: &libc::xdp_mmap_offsets, size: u32) -> io::Result<Self> {
        let page = libc::off_t::try_from(libc::XDP_UMEM_PGOFF_FILL_RING).map_err(io::Error::other)?;
        Ok(Self { ring: Ring::map(socket, page, &offsets.fr, size)?, produced: 0 })
    }

    /// Moves chunks from the end of `chunks` into the ring while there is room.
    pub fn give(&mut self, chunks: &mut Vec<u64>) {
        let consumed = self.ring.consumer().load(Ordering::Acquire);
        let in_ring = self.produced.wrapping_sub(consumed);
        let room = self.ring.mask.wrapping_add(1).saturating_sub(in_ring);
        for _ in 0..room {
            let Some(chunk) = chunks.pop() else { break };
            // SAFETY: upheld by the room just counted: the kernel has taken what lay here, and reads it again only after the store below.
            unsafe { self.ring.entry(self.produced).write(chunk) };
            self.produced = self.produced.wrapping_add(1);
        }
        self.ring.producer().store(self.produced, Ordering::Release);
    }

    /// Whether the kernel sleeps and must be called to take chunks.
    pub fn needs_wakeup(&self) -> bool {
        self.ring.flags() & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

impl ReceiveRing {
    pub fn map(socket: BorrowedFd<'_>, offsets: &libc::xdp_mmap_offsets, size: u32) -> io::Result<Self> {
        Ok(Self { ring: Ring::map(socket, libc::XDP_PGOFF_RX_RING, &offsets.rx, size)?, consumed: 0 })
    }

    pub fn is_empty(&self) -> bool {
        self.ring.producer().load(Ordering::Acquire) == self.consumed
    }

    /// Takes at most `max` descriptors. Their chunks are ours from then on.
    pub fn take(&mut self, max: u32, mut visit: impl FnMut(libc::xdp_desc)) {
        let produced = self.ring.producer().load(Ordering::Acquire);
        let count = produced.wrapping_sub(self.consumed).min(max);
        for _ in 0..count {
            // SAFETY: upheld by the producer index loaded with Acquire: the kernel wrote this entry before it, and writes it again only after
            // the store below.
            let descriptor = unsafe { self.ring.entry(self.consumed).read() };
            self.consumed = self.consumed.wrapping_add(1);
            visit(descriptor);
        }
        self.ring.consumer().store(self.consumed, Ordering::Release);
    }
}

//! Memory shared with the kernel, unmapped when it is dropped.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// A mapping of our own.
#[derive(Debug)]
pub(super) struct Mapping {
    /// What goes back to the kernel.
    mapped: NonNull<u8>,
    mapped_len: usize,
    /// What is used of it.
    start: NonNull<u8>,
    len: usize,
}

/// Touching one byte in each makes all pages present.
const SMALL_PAGE_BYTES: usize = 4_096;
/// Pages of this size are wanted for large mappings: they need one entry of the processor's translation cache instead of 512.
const HUGE_PAGE_BYTES: usize = 2 << 20;

// SAFETY: upheld by `Mapping`: it owns its pages, which belong to the process and to no thread. Who reads and writes them is the rings' affair.
unsafe impl Send for Mapping {}
// SAFETY: upheld by `Mapping`: its methods only do arithmetic. Which thread may touch which bytes is said where they are touched.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Fresh zeroed pages, all present, huge where the kernel has some.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        let mut mapping = Self::map(len.saturating_add(HUGE_PAGE_BYTES), libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)?;
        let skipped = mapping.mapped.as_ptr().align_offset(HUGE_PAGE_BYTES);
        let start = mapping.mapped.as_ptr().wrapping_add(skipped);
        mapping.start = NonNull::new(start).ok_or_else(io::Error::last_os_error)?;
        mapping.len = len;
        // Advice only: where there are no huge pages, small ones do.
        // SAFETY: upheld by `map`: the range was mapped by us with room for the alignment, and advice changes no content.
        let _advised = unsafe { libc::madvise(start.cast(), len, libc::MADV_HUGEPAGE) };
        for page in (0..len).step_by(SMALL_PAGE_BYTES) {
            // SAFETY: upheld by the range: the byte lies in our mapping, which nobody else knows yet.
            unsafe { start.wrapping_add(page).write_volatile(0) };
        }
        Ok(mapping)
    }

    /// A ring of an AF_XDP socket.
    pub fn of_socket(socket: BorrowedFd<'_>, offset: libc::off_t, len: usize) -> io::Result<Self> {
        Self::map(len, libc::MAP_SHARED | libc::MAP_POPULATE, socket.as_raw_fd(), offset)
    }

    fn map(len: usize, flags: i32, fd: i32, offset: libc::off_t) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: upheld by the kernel: without MAP_FIXED it chooses an address where nothing of ours lies.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { mapped: start, mapped_len: len, start, len })
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    /// Where `count` values of type `T` lie from `offset` on; None unless all of them are inside and aligned.
    pub fn at<T>(&self, offset: usize, count: usize) -> Option<NonNull<T>> {
        let end = count.checked_mul(size_of::<T>())?.checked_add(offset)?;
        let pointer = self.start.as_ptr().wrapping_add(offset).cast::<T>();
        if end <= self.len && pointer.is_aligned() { NonNull::new(pointer) } else { None }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: upheld by `map`: exactly these pages were given to us, and pointers into them live only in the owner of this value.
        let _unmapped = unsafe { libc::munmap(self.mapped.as_ptr().cast(), self.mapped_len) };
    }
}

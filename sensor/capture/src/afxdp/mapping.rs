//! Memory shared with the kernel, unmapped when it is dropped.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// A mapping of our own.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: upheld by `Mapping`: it owns its pages, which belong to the process and to no thread. Who reads and writes them is the rings' affair.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Fresh zeroed pages, all present, so that the kernel can pin them.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        Self::map(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1, 0)
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
        Ok(Self { start, len })
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
        let _unmapped = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

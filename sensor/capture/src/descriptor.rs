//! Sockets as the kernel gives them: opening, options, waiting.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

pub(crate) fn open_socket(family: i32, kind: i32) -> io::Result<OwnedFd> {
    // SAFETY: upheld by the kernel: the call takes three integers and touches no memory of ours.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: upheld by the kernel: it just gave us this descriptor, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(crate) fn set_option<T>(socket: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    let from = std::ptr::from_ref(value).cast();
    // SAFETY: upheld by us: pointer and length describe `value`, which the kernel only reads.
    let answer = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, from, len) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until a descriptor is readable or the time is over; a signal ends the wait too. True when the kernel reports an error on it.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    wait_readable_or(fd, None, timeout)
}

/// The same, and a second descriptor that ends the wait when it is readable.
pub(crate) fn wait_readable_or(fd: BorrowedFd<'_>, other: Option<BorrowedFd<'_>>, timeout: Duration) -> io::Result<bool> {
    let millis = i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    // The kernel skips negative descriptors (poll(2)).
    let other = other.map_or(-1, |other| other.as_raw_fd());
    let mut wanted = [fd.as_raw_fd(), other].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: upheld by us: two structures, and a count of two.
    let ready = unsafe { libc::poll(wanted.as_mut_ptr(), 2, millis) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
    }
    let [first, _] = wanted;
    Ok(first.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0)
}

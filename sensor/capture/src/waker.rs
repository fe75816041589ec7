//! Ends the wait of a thread that polls a queue, when another thread has work for it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::descriptor::wait_readable_or;

/// Wakes one queue's thread. Cheap while the thread is awake: one atomic operation.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    event: OwnedFd,
    rung: AtomicBool,
    asleep: AtomicBool,
}

impl Waker {
    /// A waker that nobody waits with yet.
    pub fn new() -> io::Result<Self> {
        // SAFETY: upheld by the kernel: the call takes two integers and touches no memory of ours.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: upheld by the kernel: it just gave us this descriptor, and nobody else knows its number.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self(Arc::new(Bell { event, rung: AtomicBool::new(false), asleep: AtomicBool::new(false) })))
    }

    /// Ends the present wait, or the next one.
    pub fn wake(&self) {
        // Both flags in one total order: either the sleeper sees the bell, or we see it asleep.
        let was_rung = self.0.rung.swap(true, Ordering::SeqCst);
        if !was_rung && self.0.asleep.load(Ordering::SeqCst) {
            let one = 1_u64;
            // SAFETY: upheld by us: eight bytes, which the kernel only reads. A full counter wakes as well.
            let _rung = unsafe { libc::write(self.0.event.as_raw_fd(), std::ptr::from_ref(&one).cast(), size_of::<u64>()) };
        }
    }

    /// Waits until `fd` is readable, somebody rings, or the time is over. True when the kernel reports an error on `fd`.
    pub(crate) fn wait(&self, fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
        self.0.asleep.store(true, Ordering::SeqCst);
        let timeout = if self.0.rung.load(Ordering::SeqCst) { Duration::ZERO } else { timeout };
        let answer = wait_readable_or(fd, Some(self.0.event.as_fd()), timeout);
        self.0.asleep.store(false, Ordering::SeqCst);
        self.take_ring();
        answer
    }

    /// Whether somebody rang since the last wait; for a thread that spins.
    pub(crate) fn take_ring(&self) -> bool {
        // A thread that spins asks often: no write where nobody rang.
        if !self.0.rung.load(Ordering::Relaxed) || !self.0.rung.swap(false, Ordering::SeqCst) {
            return false;
        }
        let mut count = 0_u64;
        // SAFETY: upheld by us: room for eight bytes, which the kernel writes whole or not at all.
        let _silenced = unsafe { libc::read(self.0.event.as_raw_fd(), std::ptr::from_mut(&mut count).cast(), size_of::<u64>()) };
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::descriptor::open_socket;

    #[test]
    fn a_ring_before_or_during_the_wait_ends_it_and_none_lets_it_last() {
        let silent = open_socket(libc::AF_INET, libc::SOCK_DGRAM).expect("a socket that nobody writes to");
        let waker = Waker::new().expect("an eventfd");
        let long = Duration::from_secs(20);
        let started = Instant::now();

        waker.wake();
        waker.wait(silent.as_fd(), long).expect("a wait");
        let ringer = waker.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(30));
                ringer.wake();
            });
            waker.wait(silent.as_fd(), long).expect("a wait");
        });
        assert!(started.elapsed() < long);

        let started = Instant::now();
        waker.wait(silent.as_fd(), Duration::from_millis(40)).expect("a wait");
        assert!(started.elapsed() >= Duration::from_millis(40), "woken by an old ring");
    }

    #[test]
    fn no_ring_is_missed_by_a_thread_that_goes_to_sleep_at_that_moment() {
        let silent = open_socket(libc::AF_INET, libc::SOCK_DGRAM).expect("a socket that nobody writes to");
        let (waker, answer) = (Waker::new().expect("an eventfd"), Waker::new().expect("an eventfd"));
        let (ringer, asked) = (waker.clone(), answer.clone());
        let started = Instant::now();
        std::thread::scope(|scope| {
            let fd = silent.as_fd();
            scope.spawn(move || {
                for _ in 0..2_000 {
                    ringer.wake();
                    asked.wait(fd, Duration::from_secs(60)).expect("a wait");
                }
            });
            for _ in 0..2_000 {
                waker.wait(fd, Duration::from_secs(60)).expect("a wait");
                answer.wake();
            }
        });
        assert!(started.elapsed() < Duration::from_secs(50), "a ring was missed");
    }
}

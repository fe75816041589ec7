//! One AF_XDP socket that only receives: it has no transmit ring, so there is no way to send through it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use super::ring::{FillRing, ReceiveRing};
use super::umem::Umem;
use crate::descriptor::{open_socket, set_option};
use crate::waker::Waker;

/// A socket of one receive queue. Shared between the thread that receives and the one that reads statistics.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
}

/// How a socket is bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub interface_index: u32,
    pub queue: u32,
    pub flags: u16,
}

/// How a socket comes to the memory of all queues.
#[derive(Clone, Copy, Debug)]
pub(super) enum Memory<'a> {
    /// The first one registers it.
    Register(&'a Umem),
    /// The others take it over when they are bound.
    Shared,
}

/// A step of setting up AF_XDP that the kernel refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub step: &'static str,
    pub source: io::Error,
}

/// asm-generic/socket.h; the kernels of other architectures that AF_XDP is used on have the same numbers.
const SO_BUSY_POLL: i32 = 46;
const SO_PREFER_BUSY_POLL: i32 = 69;
const SO_BUSY_POLL_BUDGET: i32 = 70;
const BUSY_POLL_MICROS: i32 = 20;
const BUSY_POLL_FRAMES: i32 = 64;
/// The kernel insists on a completion ring even where nothing is sent.
const COMPLETION_RING_SIZE: u32 = 2;

impl Socket {
    pub fn new() -> Result<Self, Refusal> {
        let fd = open_socket(libc::AF_XDP, libc::SOCK_RAW).map_err(|source| Refusal { step: "socket", source })?;
        Ok(Self { fd })
    }

    /// Registers the memory and makes the rings; the fill ring holds all chunks of the queue, so that it never lacks room.
    pub fn make_rings(&self, memory: Memory<'_>, chunks: u32, ring_size: u32) -> Result<(FillRing, ReceiveRing), Refusal> {
        let step = |step| move |source| Refusal { step, source };
        if let Memory::Register(umem) = memory {
            self.set(libc::XDP_UMEM_REG, &umem.registration()).map_err(step("register memory"))?;
        }
        self.set(libc::XDP_UMEM_FILL_RING, &chunks).map_err(step("make fill ring"))?;
        self.set(libc::XDP_UMEM_COMPLETION_RING, &COMPLETION_RING_SIZE).map_err(step("make completion ring"))?;
        self.set(libc::XDP_RX_RING, &ring_size).map_err(step("make receive ring"))?;
        let offsets = self.ring_offsets().map_err(step("ask for ring offsets"))?;
        let fill = FillRing::map(self.fd.as_fd(), &offsets, chunks).map_err(step("map fill ring"))?;
        let receive = ReceiveRing::map(self.fd.as_fd(), &offsets, ring_size).map_err(step("map receive ring"))?;
        Ok((fill, receive))
    }

    pub fn bind(&self, binding: Binding) -> Result<(), Refusal> {
        self.bind_to(binding, 0)
    }

    /// Binds to another queue of the same interface, with the memory and the mode of `first`: this takes no flag beside its own.
    pub fn bind_sharing(&self, binding: Binding, first: &Self) -> Result<(), Refusal> {
        let owner = first.fd.as_raw_fd().cast_unsigned();
        self.bind_to(Binding { flags: libc::XDP_SHARED_UMEM, ..binding }, owner)
    }

    fn bind_to(&self, binding: Binding, memory_owner: u32) -> Result<(), Refusal> {
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: binding.flags,
            sxdp_ifindex: binding.interface_index,
            sxdp_queue_id: binding.queue,
            sxdp_shared_umem_fd: memory_owner,
        };
        let len = size_of::<libc::sockaddr_xdp>() as libc::socklen_t;
        // SAFETY: upheld by us: address and length belong together, and live until the call returns.
        let answer = unsafe { libc::bind(self.fd.as_raw_fd(), std::ptr::from_ref(&address).cast(), len) };
        if answer < 0 { Err(Refusal { step: "bind", source: io::Error::last_os_error() }) } else { Ok(()) }
    }

    /// Waits until frames are there, or somebody rings. True when the kernel reports an error on the socket instead.
    pub fn wait(&self, waker: &Waker, timeout: Duration) -> io::Result<bool> {
        waker.wait(self.fd.as_fd(), timeout)
    }

    /// Lets a thread that waits drive the device itself instead of its interrupts (`Documentation/networking/af_xdp.rst`, busy poll).
    pub fn prefer_busy_poll(&self) -> io::Result<()> {
        let [preferred, micros, budget] = [1, BUSY_POLL_MICROS, BUSY_POLL_FRAMES];
        set_option(self.fd.as_fd(), libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, &preferred)?;
        set_option(self.fd.as_fd(), libc::SOL_SOCKET, SO_BUSY_POLL, &micros)?;
        set_option(self.fd.as_fd(), libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget)
    }

    /// Calls the kernel to take chunks from the fill ring (need_wakeup).
    pub fn wake_kernel(&self) {
        let (none, no_address) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: upheld by us: a length of zero and null pointers; the kernel writes nothing.
        let _nothing =
            unsafe { libc::recvfrom(self.fd.as_raw_fd(), none, 0, libc::MSG_DONTWAIT, no_address, std::ptr::null_mut()) };
    }

    pub fn statistics(&self) -> io::Result<libc::xdp_statistics> {
        let none = libc::xdp_statistics {
            rx_dropped: 0,
            rx_invalid_descs: 0,
            tx_invalid_descs: 0,
            rx_ring_full: 0,
            rx_fill_ring_empty_descs: 0,
            tx_ring_empty_descs: 0,
        };
        // Kernels before 5.9 answer with the first three only; the others stay zero.
        self.get(libc::XDP_STATISTICS, none).map(|(statistics, _)| statistics)
    }

    /// Whether the driver puts frames into our memory itself.
    pub fn is_zero_copy(&self) -> bool {
        let options = self.get(libc::XDP_OPTIONS, libc::xdp_options { flags: 0 });
        options.is_ok_and(|(options, _)| options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }

    fn ring_offsets(&self) -> io::Result<libc::xdp_mmap_offsets> {
        let zero = || libc::xdp_ring_offset { producer: 0, consumer: 0, desc: 0, flags: 0 };
        let none = libc::xdp_mmap_offsets { rx: zero(), tx: zero(), fr: zero(), cr: zero() };
        let (offsets, len) = self.get(libc::XDP_MMAP_OFFSETS, none)?;
        // Before 5.4 there were no ring flags, and the structure was shorter and laid out otherwise.
        if len == size_of::<libc::xdp_mmap_offsets>() { Ok(offsets) } else { Err(io::Error::from_raw_os_error(libc::ENOSYS)) }
    }

    fn set<T>(&self, option: i32, value: &T) -> io::Result<()> {
        set_option(self.fd.as_fd(), libc::SOL_XDP, option, value)
    }

    /// The option, and how many bytes of it the kernel wrote.
    fn get<T: Copy>(&self, option: i32, mut value: T) -> io::Result<(T, usize)> {
        let mut len = size_of::<T>() as libc::socklen_t;
        let to = std::ptr::from_mut(&mut value).cast();
        // SAFETY: upheld by us: the length says how much room `value` has; it is made of integers, so whatever is written is a value of it.
        let answer = unsafe { libc::getsockopt(self.fd.as_raw_fd(), libc::SOL_XDP, option, to, &raw mut len) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok((value, len as usize)) }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

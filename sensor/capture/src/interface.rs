//! A network interface as the kernel describes it: index, state, queues, counters. Asks through sockets opened at the start, so
//! that the answers come from the network namespace of the thread that opened it, whichever thread asks later.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::CaptureError;
use crate::counters::{CounterSocket, PortCounters};
use crate::descriptor::open_socket;

/// One interface of the namespace it was looked up in.
#[derive(Debug)]
pub(crate) struct Interface {
    name: String,
    index: u32,
    control: OwnedFd,
    counters: Option<CounterSocket>,
}

/// Whether frames can arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InterfaceState {
    #[default]
    Up,
    Down,
    /// Removed, or replaced by another of the same name.
    Gone,
}

impl InterfaceState {
    /// The word for documents and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Gone => "gone",
        }
    }
}

/// linux/ethtool.h: `struct ethtool_channels`.
#[repr(C)]
#[derive(Default)]
struct Channels {
    command: u32,
    max: [u32; 4],
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

/// linux/ethtool.h: `struct ethtool_drvinfo`.
#[repr(C)]
struct Driver {
    command: u32,
    name: [u8; 32],
    rest: [u8; 160],
}

const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GCHANNELS: u32 = 0x3c;

impl Interface {
    pub fn find(name: &str) -> Result<Self, CaptureError> {
        let failed = |error: io::Error| match error.raw_os_error() {
            Some(libc::ENODEV) => CaptureError::NoInterface { interface: name.to_owned(), known: known_interfaces() },
            _ => CaptureError::Refused { interface: name.to_owned(), reason: error.to_string() },
        };
        let control = open_socket(libc::AF_INET, libc::SOCK_DGRAM).map_err(failed)?;
        let counters = CounterSocket::open().ok();
        let mut interface = Self { name: name.to_owned(), index: 0, control, counters };
        interface.index = interface.current_index().map_err(failed)?;
        Ok(interface)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn index(&self) -> u32 {
        self.index
    }

    pub fn state(&self) -> InterfaceState {
        match self.current_index() {
            Ok(index) if index == self.index => match self.flags() {
                Ok(flags) if flags & libc::IFF_UP != 0 => InterfaceState::Up,
                Ok(_) => InterfaceState::Down,
                Err(_) => InterfaceState::Gone,
            },
            _ => InterfaceState::Gone,
        }
    }

    pub fn mtu(&self) -> io::Result<u32> {
        let mut request = self.request()?;
        self.ioctl(libc::SIOCGIFMTU, &mut request)?;
        // SAFETY: upheld by the kernel: SIOCGIFMTU answered, so it wrote the number that is read.
        let mtu = unsafe { request.ifr_ifru.ifru_mtu };
        Ok(u32::try_from(mtu).unwrap_or(0))
    }

    /// Whether its frames start with an Ethernet header.
    pub fn is_ethernet(&self) -> io::Result<bool> {
        let mut request = self.request()?;
        self.ioctl(libc::SIOCGIFHWADDR, &mut request)?;
        // SAFETY: upheld by the kernel: SIOCGIFHWADDR answered, so it wrote the address whose family is read.
        let hardware = unsafe { request.ifr_ifru.ifru_hwaddr };
        Ok([libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&hardware.sa_family))
    }

    pub fn has_ipv4_address(&self) -> bool {
        self.request().and_then(|mut request| self.ioctl(libc::SIOCGIFADDR, &mut request)).is_ok()
    }

    pub fn flags(&self) -> io::Result<i32> {
        let mut request = self.request()?;
        self.ioctl(libc::SIOCGIFFLAGS, &mut request)?;
        // SAFETY: upheld by the kernel: SIOCGIFFLAGS answered, so it wrote the flags that are read.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(i32::from(flags))
    }

    pub fn set_flags(&self, flags: i32) -> io::Result<()> {
        let mut request = self.request()?;
        // The low 16 bits are those the kernel takes from this call.
        request.ifr_ifru.ifru_flags = (flags & 0xffff) as libc::c_short;
        self.ioctl(libc::SIOCSIFFLAGS, &mut request)
    }

    /// Receive queues; one where the driver does not say.
    pub fn receive_queues(&self) -> u32 {
        let mut channels = Channels { command: ETHTOOL_GCHANNELS, ..Channels::default() };
        match self.ethtool(&mut channels) {
            Ok(()) => channels.receive.saturating_add(channels.combined).max(1),
            Err(_) => 1,
        }
    }

    pub fn has_driver(&self, name: &str) -> bool {
        let mut driver = Driver { command: ETHTOOL_GDRVINFO, name: [0; 32], rest: [0; 160] };
        let known = self.ethtool(&mut driver).is_ok();
        known && driver.name.split(|byte| *byte == 0).next() == Some(name.as_bytes())
    }

    /// Runs one ethtool command, whose structure starts with its number.
    pub fn ethtool<T>(&self, command: &mut T) -> io::Result<()> {
        let mut request = self.request()?;
        request.ifr_ifru.ifru_data = std::ptr::from_mut(command).cast();
        self.ioctl(libc::SIOCETHTOOL, &mut request)
    }

    pub fn counters(&self) -> Option<PortCounters> {
        self.counters.as_ref()?.read(self.index)
    }

    fn current_index(&self) -> io::Result<u32> {
        let mut request = self.request()?;
        self.ioctl(libc::SIOCGIFINDEX, &mut request)?;
        // SAFETY: upheld by the kernel: SIOCGIFINDEX answered, so it wrote the number that is read.
        let index = unsafe { request.ifr_ifru.ifru_ifindex };
        Ok(index.cast_unsigned())
    }

    fn request(&self) -> io::Result<libc::ifreq> {
        let mut request = libc::ifreq {
            ifr_name: [0; libc::IFNAMSIZ],
            ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: std::ptr::null_mut() },
        };
        // One byte stays zero, as the end of the name.
        if self.name.is_empty() || self.name.len() >= request.ifr_name.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(self.name.bytes()) {
            *to = from.cast_signed();
        }
        Ok(request)
    }

    fn ioctl(&self, code: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: upheld by us: every code used here takes one `ifreq`, and ours lives until the call returns; where it points to a command
        // (ethtool), that is a whole structure which outlives the call too.
        let answer = unsafe { libc::ioctl(self.control.as_raw_fd(), code, std::ptr::from_mut(request)) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Names of this namespace, for an error that helps.
fn known_interfaces() -> String {
    let text = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_interface_is_named_with_those_that_exist() {
        for name in ["no-such-if", "", "a-name-longer-than-the-kernel-takes"] {
            let text = Interface::find(name).expect_err("no such interface").to_string();
            assert!(text.starts_with(&format!("no interface `{name}`")) && text.contains("lo"), "{text}");
        }
    }

    #[test]
    fn the_loopback_is_up_or_down_but_not_gone() {
        let loopback = Interface::find("lo").expect("every machine has a loopback");
        assert_ne!(loopback.state(), InterfaceState::Gone);
        assert_eq!(loopback.receive_queues(), 1);
        assert!(loopback.counters().is_some());
    }
}

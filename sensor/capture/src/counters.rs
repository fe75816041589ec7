//! What the kernel counts for one interface, asked by rtnetlink: the socket stays in the network namespace it was opened in,
//! whichever thread asks later.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::descriptor::{open_socket, wait_readable};

/// Frames since the interface exists. `Documentation/networking/statistics.rst` says what each means; drivers differ in the details.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PortCounters {
    /// Good frames the host took from the device, also those it dropped afterwards.
    pub received: u64,
    pub sent: u64,
    /// Frames with a wrong checksum or length: they were on the wire, and nobody can have them.
    pub bad: u64,
    /// Dropped by the driver or the stack after they were received.
    pub dropped: u64,
    /// Dropped by the device as the host was too slow; not in `received`.
    pub missed: u64,
}

/// Asks for the counters of any interface of one namespace.
#[derive(Debug)]
pub(crate) struct CounterSocket {
    /// One question at a time: an answer carries no name of who asked.
    socket: Mutex<OwnedFd>,
}

/// linux/rtnetlink.h, linux/netlink.h.
const RTM_GETSTATS: u16 = 94;
const NLM_F_REQUEST: u16 = 1;
const IFLA_STATS_LINK_64: u16 = 1;
const NLMSG_HEADER_BYTES: usize = 16;
/// `struct if_stats_msg`.
const STATS_HEADER_BYTES: usize = 12;
const ATTRIBUTE_HEADER_BYTES: usize = 4;
/// The kernel answers at once; this only bounds what should never happen.
const PATIENCE: Duration = Duration::from_millis(200);

impl CounterSocket {
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: Mutex::new(open_socket(libc::AF_NETLINK, libc::SOCK_RAW)?) })
    }

    /// None when the interface is gone, or the kernel is older than 4.7.
    pub fn read(&self, interface_index: u32) -> Option<PortCounters> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let question = question(interface_index);
        // SAFETY: upheld by us: pointer and length describe the question, which the kernel only reads.
        let sent = unsafe { libc::send(socket.as_raw_fd(), question.as_ptr().cast(), question.len(), libc::MSG_DONTWAIT) };
        if usize::try_from(sent) != Ok(question.len()) {
            return None;
        }
        wait_readable(socket.as_fd(), PATIENCE).ok()?;
        let mut answer = [0_u8; 1024];
        // SAFETY: upheld by us: pointer and length describe the answer's room, which is ours.
        let len = unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), libc::MSG_DONTWAIT) };
        parse(answer.get(..usize::try_from(len).ok()?)?, interface_index)
    }
}

fn question(interface_index: u32) -> Vec<u8> {
    let len = (NLMSG_HEADER_BYTES + STATS_HEADER_BYTES) as u32;
    let wanted = 1_u32 << (IFLA_STATS_LINK_64 - 1);
    let mut bytes = Vec::with_capacity(len as usize);
    bytes.extend(len.to_ne_bytes());
    bytes.extend(RTM_GETSTATS.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]); // sequence, port
    bytes.extend([0; 4]); // family, padding
    bytes.extend(interface_index.to_ne_bytes());
    bytes.extend(wanted.to_ne_bytes());
    bytes
}

/// The one answer to [`question`]; an error message of the kernel has another type, and is None.
fn parse(answer: &[u8], interface_index: u32) -> Option<PortCounters> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let body = answer.get(NLMSG_HEADER_BYTES..)?;
    let index = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    // RTM_NEWSTATS.
    if kind != 92 || index != interface_index {
        return None;
    }
    let attribute = body.get(STATS_HEADER_BYTES..)?;
    let attribute_kind = u16::from_ne_bytes(attribute.get(2..4)?.try_into().ok()?);
    if attribute_kind != IFLA_STATS_LINK_64 {
        return None;
    }
    // `struct rtnl_link_stats64`: numbers of 64 bits.
    let numbers = attribute.get(ATTRIBUTE_HEADER_BYTES..)?;
    let number = |at: usize| numbers.get(at * 8..at * 8 + 8)?.try_into().ok().map(u64::from_ne_bytes);
    let (fifo, missed) = (number(14)?, number(15)?);
    Some(PortCounters {
        received: number(0)?,
        sent: number(1)?,
        bad: number(4)?,
        dropped: number(6)?,
        // Drivers count the same loss under one name or the other, some under both.
        missed: missed.max(fifo),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_counters_and_an_index_that_nobody_has_has_none() {
        let socket = CounterSocket::open().expect("a netlink socket");
        // SAFETY: the name ends with a zero byte.
        let loopback = unsafe { libc::if_nametoindex(c"lo".as_ptr()) };
        assert!(socket.read(loopback).is_some_and(|counters| counters.missed == 0));
        assert_eq!(socket.read(0x7fff_fff0), None);
        // The refusal left nothing behind that the next answer could be mistaken for.
        assert!(socket.read(loopback).is_some());
    }

    #[test]
    fn each_counter_comes_from_its_own_place_and_a_short_answer_is_none() {
        let mut answer = question(7);
        answer[4..6].copy_from_slice(&92_u16.to_ne_bytes());
        answer.extend((4 + 25 * 8_u16).to_ne_bytes());
        answer.extend(IFLA_STATS_LINK_64.to_ne_bytes());
        answer.extend((0..25_u64).flat_map(u64::to_ne_bytes));
        assert_eq!(parse(&answer, 7), Some(PortCounters { received: 0, sent: 1, bad: 4, dropped: 6, missed: 15 }));
        assert_eq!(parse(&answer, 8), None);
        assert!((0..16 + 12 + 4 + 15 * 8).all(|len| parse(&answer[..len], 7).is_none()));
    }
}

//! Makes an interface take frames that are not for it, which is all a mirror port gets. Ends when it is dropped, or the process is.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::descriptor::{open_socket, set_option};
use crate::interface::Interface;

/// A packet socket without a protocol: it receives nothing, and only holds the membership, which the kernel counts and ends with it.
#[derive(Debug)]
pub(super) struct Promiscuous {
    _membership: OwnedFd,
}

impl Promiscuous {
    pub fn enter(interface: &Interface) -> io::Result<Self> {
        let socket = open_socket(libc::AF_PACKET, libc::SOCK_RAW)?;
        let membership = libc::packet_mreq {
            mr_ifindex: interface.index().cast_signed(),
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set_option(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
        Ok(Self { _membership: socket })
    }
}

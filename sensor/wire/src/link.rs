//! Link layer header types (tcpdump.org, "Link-layer header types").

use crate::view::View;
use crate::walk::{Next, Walk, walk};
use crate::{Options, Outcome};

pub(crate) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(crate) const ETHERTYPE_ARP: u16 = 0x0806;
pub(crate) const ETHERTYPE_IPV6: u16 = 0x86dd;
pub(crate) const ETHERTYPE_MPLS: u16 = 0x8847;

/// How the first bytes of a frame are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// DLT 1.
    #[default]
    Ethernet,
    /// IPv4 or IPv6 without a link header.
    RawIp,
}

impl LinkType {
    /// From the LINKTYPE_ number of a capture file; None where we cannot read it.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Ethernet),
            // 12 and 14 are DLT_RAW as some systems wrote it; 228 and 229 fix the version.
            12 | 14 | 101 | 228 | 229 => Some(Self::RawIp),
            _ => None,
        }
    }
}

/// Starts the walk with the link header.
pub(crate) fn read(link: LinkType, frame: &[u8], wire_len: u32, options: Options) -> Outcome {
    let view = View::of_frame(frame, wire_len);
    let state = Walk::new(wire_len, options);
    match link {
        LinkType::Ethernet => walk(Next::Ethernet, view, state),
        LinkType::RawIp => walk(Next::Ip, view, state),
    }
}

//! Link layer header types (tcpdump.org, "Link-layer header types").

use crate::tunnel::{self, Trigger};
use crate::view::View;
use crate::walk::{Next, Step, Walk, walk};
use crate::{Options, Outcome, plain, pseudo_link, wlan};

pub(crate) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(crate) const ETHERTYPE_ARP: u16 = 0x0806;
pub(crate) const ETHERTYPE_IPV6: u16 = 0x86dd;
pub(crate) const ETHERTYPE_MPLS: u16 = 0x8847;
pub(crate) const ETHERTYPE_PPPOE: u16 = 0x8864;
pub(crate) const ETHERTYPE_NSH: u16 = 0x894f;

/// How the first bytes of a frame are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkType {
    #[default]
    Ethernet,
    /// IPv4 or IPv6 without a link header.
    RawIp,
    /// BSD loopback: the address family in either byte order.
    Loopback,
    /// Linux cooked capture, version 1: what `any` captures.
    LinuxCooked,
    LinuxCooked2,
    Ppp,
    /// A PPPoE session without its Ethernet header.
    PppoeSession,
    CiscoHdlc,
    /// 802.11 without a header of the capture.
    Wlan,
    Radiotap,
    /// Per-packet information around another link type.
    Ppi,
    /// Darwin's capture of all interfaces, around another link type.
    Pktap,
    /// Linux netfilter log.
    Nflog,
    /// IP behind 16 bytes of the capture (serial line IP).
    Slip,
}

impl LinkType {
    /// From the LINKTYPE_ number of a capture file; None where we cannot read it.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Ethernet),
            // 12 and 14 are DLT_RAW as some systems wrote it; 228 and 229 fix the version.
            12 | 14 | 101 | 228 | 229 => Some(Self::RawIp),
            0 | 108 => Some(Self::Loopback),
            113 => Some(Self::LinuxCooked),
            276 => Some(Self::LinuxCooked2),
            9 | 50 => Some(Self::Ppp),
            51 => Some(Self::PppoeSession),
            104 => Some(Self::CiscoHdlc),
            105 => Some(Self::Wlan),
            127 => Some(Self::Radiotap),
            192 => Some(Self::Ppi),
            258 => Some(Self::Pktap),
            239 => Some(Self::Nflog),
            8 => Some(Self::Slip),
            _ => None,
        }
    }
}

/// Starts the walk with the link header.
pub(crate) fn read(link: LinkType, frame: &[u8], wire_len: u32, options: Options) -> Outcome {
    let view = View::of_frame(frame, wire_len);
    if let LinkType::Ethernet = link {
        if let Some(outcome) = plain::read(frame, view.wire_len(), options) {
            return outcome;
        }
        return walk(Next::Ethernet, view, Walk::new(view.wire_len(), options));
    }
    let mut state = Walk::new(view.wire_len(), options);
    match step(link, view, &mut state) {
        Step::On(next, inside) => walk(next, inside, state),
        Step::End(outcome) => outcome,
    }
}

pub(crate) fn step<'a>(link: LinkType, view: View<'a>, state: &mut Walk) -> Step<'a> {
    match link {
        LinkType::Ethernet => Step::On(Next::Ethernet, view),
        LinkType::RawIp => Step::On(Next::Ip, view),
        LinkType::Loopback => pseudo_link::read_loopback(view, state),
        LinkType::LinuxCooked => pseudo_link::read_cooked(view, state),
        LinkType::LinuxCooked2 => pseudo_link::read_cooked2(view, state),
        LinkType::Ppp => Step::On(Next::Ppp, view),
        LinkType::PppoeSession => match tunnel::open(Trigger::EtherType(ETHERTYPE_PPPOE), view) {
            Some(opened) => Step::On(opened.next, opened.inside),
            None => Step::End(state.not_ip()),
        },
        LinkType::CiscoHdlc => pseudo_link::read_cisco_hdlc(view),
        LinkType::Wlan => Step::On(Next::Wlan, view),
        LinkType::Radiotap => wlan::read_radiotap(view, state),
        LinkType::Ppi => pseudo_link::read_ppi(view, state),
        LinkType::Pktap => pseudo_link::read_pktap(view, state),
        LinkType::Slip => pseudo_link::read_slip(view),
        LinkType::Nflog => pseudo_link::read_nflog(view, state),
    }
}

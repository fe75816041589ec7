//! Link layer header types (tcpdump.org, "Link-layer header types").

use crate::tunnel::{self, Trigger};
use crate::view::View;
use crate::walk::{End, Next, Step, Walk, walk};
use crate::{Found, Options, Packet, other_media, plain, pseudo_link, switch_tag, wlan};

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
    /// OpenBSD's IPsec interface: address family, SPI and flags before IP.
    Enc,
    /// The packet filter log of the BSDs.
    Pflog,
    /// 802.11 behind what drivers told before radiotap: Prism's header or AVS's.
    Prism,
    /// IP over InfiniBand, with the global route header.
    IpOverInfiniband,
    ArcnetLinux,
    DsaTagBrcm,
    DsaTagBrcmPrepend,
    DsaTagDsa,
    DsaTagEdsa,
    Fddi,
    /// IEEE 802.5.
    TokenRing,
    IpOverFibreChannel,
    /// Packets of ATM, as RFC 2684 puts them into LLC.
    AtmLlc,
    /// Classical IP over ATM, as Linux tells it.
    AtmClip,
    SunAtm,
    FrameRelay,
    FrameRelayWithDirection,
    PppWithDirection,
    CiscoHdlcWithDirection,
    /// As Linux's pppd records it.
    Pppd,
    /// Hilscher's netANALYZER, a tap for real-time Ethernet.
    NetAnalyzer,
    NetAnalyzerTransparent,
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
            109 => Some(Self::Enc),
            117 => Some(Self::Pflog),
            119 | 163 => Some(Self::Prism),
            129 => Some(Self::ArcnetLinux),
            242 => Some(Self::IpOverInfiniband),
            281 => Some(Self::DsaTagBrcm),
            282 => Some(Self::DsaTagBrcmPrepend),
            284 => Some(Self::DsaTagDsa),
            285 => Some(Self::DsaTagEdsa),
            10 => Some(Self::Fddi),
            6 => Some(Self::TokenRing),
            122 => Some(Self::IpOverFibreChannel),
            // 11 and 19 are the same before there were LINKTYPE_ numbers.
            11 | 100 => Some(Self::AtmLlc),
            19 | 106 => Some(Self::AtmClip),
            123 => Some(Self::SunAtm),
            107 => Some(Self::FrameRelay),
            206 => Some(Self::FrameRelayWithDirection),
            204 => Some(Self::PppWithDirection),
            205 => Some(Self::CiscoHdlcWithDirection),
            166 => Some(Self::Pppd),
            240 => Some(Self::NetAnalyzer),
            241 => Some(Self::NetAnalyzerTransparent),
            _ => None,
        }
    }
}

/// Starts the walk with the link header. What is found of a packet is written into `packet`.
#[inline]
pub(crate) fn read(link: LinkType, frame: &[u8], wire_len: u32, options: Options, packet: &mut Packet) -> Found {
    match link {
        LinkType::Ethernet if plain::read(frame, wire_len, options, packet).is_some() => Found::Packet,
        LinkType::Ethernet => read_ethernet(frame, wire_len, options, packet),
        _ => read_other(link, frame, wire_len, options, packet),
    }
}

#[inline(never)]
fn read_ethernet(frame: &[u8], wire_len: u32, options: Options, packet: &mut Packet) -> Found {
    let view = View::of_frame(frame, wire_len);
    let mut state = Walk::new(packet, view.wire_len(), options, None);
    match walk(Next::Ethernet, view, &mut state) {
        End::Carrier => read_again(LinkType::Ethernet, frame, wire_len, options, state.carrier_tunnels(), packet),
        end => state.found(end),
    }
}

#[inline(never)]
fn read_other(link: LinkType, frame: &[u8], wire_len: u32, options: Options, packet: &mut Packet) -> Found {
    let view = View::of_frame(frame, wire_len);
    let mut state = Walk::new(packet, view.wire_len(), options, None);
    match start(link, view, &mut state) {
        End::Carrier => read_again(link, frame, wire_len, options, state.carrier_tunnels(), packet),
        end => state.found(end),
    }
}

/// As far as the packet behind `tunnels`, which is there.
#[inline(never)]
fn read_again(link: LinkType, frame: &[u8], wire_len: u32, options: Options, tunnels: u32, packet: &mut Packet) -> Found {
    let view = View::of_frame(frame, wire_len);
    let mut state = Walk::new(packet, view.wire_len(), options, Some(tunnels));
    let end = start(link, view, &mut state);
    state.found(end)
}

#[inline(never)]
fn start(link: LinkType, view: View<'_>, state: &mut Walk<'_>) -> End {
    match step(link, view, state) {
        Step::On(next, inside) => walk(next, inside, state),
        Step::End(end) => end,
    }
}

pub(crate) fn step<'a>(link: LinkType, view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    match link {
        LinkType::Ethernet => Step::On(Next::Ethernet, view),
        LinkType::RawIp => Step::On(Next::Ip, view),
        LinkType::Loopback => pseudo_link::read_loopback(view),
        LinkType::LinuxCooked => pseudo_link::read_cooked(view, state),
        LinkType::LinuxCooked2 => pseudo_link::read_cooked2(view, state),
        LinkType::Ppp => Step::On(Next::Ppp, view),
        LinkType::PppoeSession => {
            match tunnel::opener(Trigger::EtherType(ETHERTYPE_PPPOE)).and_then(|opener| (opener.open)(view)) {
                Some(opened) => Step::On(opened.next, opened.inside),
                None => Step::End(End::NonIp),
            }
        }
        LinkType::CiscoHdlc => pseudo_link::read_cisco_hdlc(view),
        LinkType::Wlan => Step::On(Next::Wlan, view),
        LinkType::Radiotap => wlan::read_radiotap(view, state),
        LinkType::Ppi => pseudo_link::read_ppi(view, state),
        LinkType::Pktap => pseudo_link::read_pktap(view, state),
        LinkType::Slip => pseudo_link::read_slip(view),
        LinkType::Enc => pseudo_link::read_enc(view),
        LinkType::Pflog => pseudo_link::read_pflog(view),
        LinkType::Prism => pseudo_link::read_prism(view),
        LinkType::IpOverInfiniband => pseudo_link::read_ip_over_infiniband(view),
        LinkType::ArcnetLinux => pseudo_link::read_arcnet(view),
        LinkType::DsaTagBrcm => switch_tag::read_brcm(view, state),
        LinkType::DsaTagBrcmPrepend => switch_tag::read_brcm_prepend(view),
        LinkType::DsaTagDsa => switch_tag::read_dsa(view, state),
        LinkType::DsaTagEdsa => switch_tag::read_edsa(view, state),
        LinkType::Nflog => pseudo_link::read_nflog(view),
        LinkType::Fddi => other_media::read_fddi(view, state),
        LinkType::TokenRing => other_media::read_token_ring(view, state),
        LinkType::IpOverFibreChannel => other_media::read_fibre_channel(view, state),
        LinkType::AtmLlc => Step::On(Next::Llc, view),
        LinkType::AtmClip => other_media::read_atm_clip(view),
        LinkType::SunAtm => other_media::read_sun_atm(view, state),
        LinkType::FrameRelay => other_media::read_frame_relay(view),
        LinkType::FrameRelayWithDirection => pseudo_link::read_with_direction(LinkType::FrameRelay, view, state),
        LinkType::PppWithDirection => pseudo_link::read_with_direction(LinkType::Ppp, view, state),
        LinkType::CiscoHdlcWithDirection => pseudo_link::read_with_direction(LinkType::CiscoHdlc, view, state),
        LinkType::Pppd => pseudo_link::read_pppd(view),
        LinkType::NetAnalyzer => pseudo_link::read_net_analyzer(view),
        LinkType::NetAnalyzerTransparent => pseudo_link::read_net_analyzer_transparent(view),
    }
}

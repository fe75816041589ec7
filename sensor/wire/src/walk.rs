//! The walk from header to header. Each step reads one header and says what the next one is; [`walk`] takes steps until an
//! [`End`] is reached, and settles which packet a tunnelled frame counts for.

use sensor_model::{MacAddr, VlanId};

use crate::ip;
use crate::tunnel::{self, Opened, Trigger};
use crate::view::{Place, View};
use crate::{
    Arp, Family, Found, Fragment, Options, Packet, SkipReason, Tunnel, TunnelKind, arp, ethernet, ipv4, ipv6, link, ppp,
    transport, wlan,
};

/// Headers that may follow one another in one frame, tags and tunnels included. Deeper than any network we know of; a bound
/// against frames made to keep us busy.
const MAX_HEADERS: u32 = 48;
/// Tunnels that may be opened in one frame.
const MAX_TUNNELS: u32 = 12;

/// How the bytes that follow are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// An Ethernet header (or an 802.3 one).
    Ethernet,
    /// The payload of this ethertype.
    EtherType(u16),
    /// An 802.2 LLC header.
    Llc,
    /// IPv4 or IPv6, by the version field.
    Ip,
    /// An 802.11 frame.
    Wlan,
    /// A PPP frame, perhaps with address and control bytes before the protocol.
    Ppp,
}

/// How a frame ended: a [`Found`] that fits into a register. What belongs to it stands in the [`Walk`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Packet,
    /// A later fragment.
    Fragment,
    Arp,
    NonIp,
    Skip(SkipReason),
    /// Nothing better than the packet around a tunnel, which was overwritten: walk again, as far as [`Walk::carrier_tunnels`].
    Carrier,
}

/// What one header led to.
pub(crate) enum Step<'a> {
    On(Next, View<'a>),
    End(End),
}

/// What is known of the frame so far. Each header writes its fields into `packet`, and those of an inner header replace them: a packet
/// that is passed on by value from step to step costs more than all the reading.
pub(crate) struct Walk<'p> {
    pub(crate) options: Options,
    pub(crate) packet: &'p mut Packet,
    /// `Packet::fragment_id` of the innermost IP header so far that begins a larger packet: what follows it is cut short.
    pub(crate) cut_by: Option<u64>,
    /// The addresses in `packet` are those of the transport's pseudo-header. A routing header or a mobile node's home address replaces them
    /// (RFC 8200 8.1, RFC 6275 6.3.1).
    pub(crate) pseudo_header_known: bool,
    pub(crate) arp: Option<Arp>,
    /// Where a header gave no view of what follows: why.
    end: End,
    ethertype: u16,
    has_macs: bool,
    tunnels: u32,
    /// How many of them are around the frame that was tapped: none, unless it was brought here by a mirror.
    tap: u32,
    /// Tunnels are opened up to this many.
    max_tunnels: Option<u32>,
    /// The packet this frame counts for when nothing better is found inside.
    carrier: Option<Carrier>,
}

/// A packet around a tunnel. Where it stands is enough: seldom is it needed, and then the walk is taken again.
#[derive(Clone, Copy)]
struct Carrier {
    /// Around it.
    tunnels: u32,
    has_ports: bool,
}

/// Reads `view` as `next` and on to the end.
///
/// The common headers are read here, in one function, and each goes on by itself: a [`Step`] that may come out of a call as well as out of
/// code in line is kept in memory, and reading it back right after it was written takes longer than the header did.
#[inline(always)]
pub(crate) fn walk<'a>(mut next: Next, mut view: View<'a>, state: &mut Walk<'_>) -> End {
    for _ in 0..MAX_HEADERS {
        let family = match next {
            Next::EtherType(link::ETHERTYPE_IPV4) => Family::V4,
            Next::EtherType(link::ETHERTYPE_IPV6) => Family::V6,
            Next::Ethernet => {
                let Some((ethertype, inside)) = ethernet::read(view, state) else {
                    return state.settle(End::Skip(SkipReason::Truncated));
                };
                (next, view) = ethernet::typed(ethertype, inside, state);
                continue;
            }
            Next::EtherType(ethertype) if ethernet::is_vlan(ethertype) => {
                let Some((ethertype, inside)) = ethernet::read_vlan(view, state) else {
                    return state.settle(End::Skip(SkipReason::Truncated));
                };
                (next, view) = ethernet::typed(ethertype, inside, state);
                continue;
            }
            _ => {
                let Some((inner, inside)) = state.rare(next, view).and_then(|(inner, place)| Some((inner, view.at(place)?)))
                else {
                    return state.settle(state.end);
                };
                (next, view) = (inner, inside);
                continue;
            }
        };
        let Some(payload) = state.ip(family, view) else { return state.settle(state.end) };
        let Some((inner, inside)) = state.open(payload).and_then(|(inner, place)| Some((inner, payload.at(place)?))) else {
            return state.settle(state.end);
        };
        (next, view) = (inner, inside);
    }
    state.settle(End::Skip(SkipReason::TooDeep))
}

/// The ethertype instead of the version, so that there is one place where IP is read.
fn by_version(view: View<'_>) -> Step<'_> {
    match view.u8_at(0).map(|byte| byte >> 4) {
        Some(4) => Step::On(Next::EtherType(link::ETHERTYPE_IPV4), view),
        Some(6) => Step::On(Next::EtherType(link::ETHERTYPE_IPV6), view),
        Some(_) => Step::End(End::Skip(SkipReason::BadHeader)),
        None => Step::End(End::Skip(SkipReason::Truncated)),
    }
}

impl<'p> Walk<'p> {
    /// What an earlier frame left in `packet` is gone.
    #[inline(always)]
    pub(crate) const fn new(packet: &'p mut Packet, wire_len: u32, options: Options, max_tunnels: Option<u32>) -> Self {
        packet.source_mac = MacAddr::ZERO;
        packet.destination_mac = MacAddr::ZERO;
        packet.vlan = None;
        packet.inner_vlan = None;
        packet.tunnel = None;
        packet.wire_len = wire_len;
        Self {
            options,
            packet,
            cut_by: None,
            pseudo_header_known: false,
            arp: None,
            end: End::NonIp,
            ethertype: 0,
            has_macs: false,
            tunnels: 0,
            tap: 0,
            max_tunnels,
            carrier: None,
        }
    }

    /// Keeps the addresses of the outermost link header only: those inside a tunnel belong to another network, except in a mirror's.
    #[inline(always)]
    pub(crate) const fn keep_macs(&mut self, source: MacAddr, destination: MacAddr) {
        if !self.has_macs {
            self.packet.source_mac = source;
            self.packet.destination_mac = destination;
            self.has_macs = true;
        }
    }

    /// Keeps the outermost two tags.
    #[inline(always)]
    pub(crate) const fn keep_vlan(&mut self, vlan: VlanId) {
        if self.packet.vlan.is_none() {
            self.packet.vlan = Some(vlan);
        } else if self.packet.inner_vlan.is_none() {
            self.packet.inner_vlan = Some(vlan);
        }
    }

    /// Names the frame when it turns out to be neither IP nor ARP: the ethertype, or the 802.3 length.
    #[inline(always)]
    pub(crate) const fn keep_ethertype(&mut self, ethertype: u16) {
        if self.tunnels == self.tap {
            self.ethertype = ethertype;
        }
    }

    /// The end of the walk as its caller sees it. The second walk to a carrier ends there.
    #[inline(always)]
    pub(crate) fn found(&self, end: End) -> Found {
        match (end, self.arp) {
            (End::Packet | End::Carrier, _) => Found::Packet,
            (End::Fragment, _) => Found::Fragment,
            (End::Arp, Some(arp)) => Found::Arp(arp),
            (End::Arp, None) | (End::NonIp, _) => Found::NonIp { ethertype: self.ethertype },
            (End::Skip(reason), _) => Found::Skip(reason),
        }
    }

    /// How many tunnels are around the packet this frame counts for when nothing better is found inside.
    pub(crate) fn carrier_tunnels(&self) -> u32 {
        self.carrier.map_or(0, |carrier| carrier.tunnels)
    }

    /// Everything but Ethernet, VLAN tags and IP.
    #[inline(never)]
    fn rare(&mut self, next: Next, view: View<'_>) -> Option<(Next, Place)> {
        let step = match next {
            Next::EtherType(ethertype) => {
                self.keep_ethertype(ethertype);
                self.by_ethertype(ethertype, view)
            }
            Next::Ip => by_version(view),
            Next::Ethernet | Next::Llc => ethernet::read_llc(view),
            Next::Ppp => ppp::read(view),
            Next::Wlan => wlan::read(view, self),
        };
        match step {
            Step::On(inner, inside) => Some((inner, view.place_of(&inside))),
            Step::End(end) => {
                self.end = end;
                None
            }
        }
    }

    /// ARP, another tag, a tunnel without IP around it, or nothing of ours.
    fn by_ethertype<'a>(&mut self, ethertype: u16, view: View<'a>) -> Step<'a> {
        if ethertype == link::ETHERTYPE_ARP {
            return Step::End(arp::read(view, self));
        }
        if let Some(step) = ethernet::read_other_tag(ethertype, view, self) {
            return step;
        }
        match tunnel::opener(Trigger::EtherType(ethertype)).and_then(|opener| (opener.open)(view)) {
            Some(_) if self.tunnels == MAX_TUNNELS => Step::End(End::Skip(SkipReason::TooDeep)),
            Some(Opened { kind, id, next, inside }) => {
                self.enter(kind, id);
                Step::On(next, inside)
            }
            None => Step::End(End::NonIp),
        }
    }

    /// Ends the walk in the place of a view.
    #[inline(always)]
    const fn stop<'a>(&mut self, end: End) -> Option<View<'a>> {
        self.end = end;
        None
    }

    #[inline(always)]
    pub(crate) const fn skip<'a>(&mut self, reason: SkipReason) -> Option<View<'a>> {
        self.stop(End::Skip(reason))
    }

    /// Reads IP and transport. Gives their payload where it may be a tunnel, otherwise the walk is at its end.
    #[inline(always)]
    fn ip<'a>(&mut self, family: Family, view: View<'a>) -> Option<View<'a>> {
        let payload = match family {
            Family::V4 => ipv4::read(view, self)?,
            Family::V6 => ipv6::read(view, self)?,
        };
        if let Fragment::Later { .. } = self.packet.fragment {
            transport::read_nothing(self.packet, payload);
            return self.stop(End::Fragment);
        }
        let payload = transport::read(payload, self)?;
        if self.may_be_tunnel() { Some(payload) } else { self.stop(End::Packet) }
    }

    #[inline(always)]
    fn may_be_tunnel(&self) -> bool {
        match self.packet.protocol {
            ip::TCP | ip::ICMP | ip::ICMPV6 | ip::SCTP => false,
            _ if self.max_tunnels == Some(self.tunnels) => false,
            ip::UDP => self.options.decap && tunnel::is_udp_port(self.packet.source_port, self.packet.destination_port),
            _ => true,
        }
    }

    /// A UDP tunnel is a guess from a port, the likelier one first: it is opened only when its header is plausible, and the UDP packet
    /// stands by.
    #[inline(never)]
    fn open(&mut self, payload: View<'_>) -> Option<(Next, Place)> {
        let by_port = |port| tunnel::opener(Trigger::UdpPort(port));
        let (likely, other) = match self.packet.protocol {
            ip::UDP => (by_port(self.packet.destination_port), by_port(self.packet.source_port)),
            protocol => (tunnel::opener(Trigger::ip(self.packet.family, protocol)), None),
        };
        for opener in [likely, other].into_iter().flatten() {
            // Looked at where it was written: see `View::place_of`.
            let Some(opened) = &(opener.open)(payload) else { continue };
            self.carry();
            if self.tunnels == MAX_TUNNELS {
                self.end = End::Skip(SkipReason::TooDeep);
                return None;
            }
            self.enter(opened.kind, opened.id);
            return Some((opened.next, payload.place_of(&opened.inside)));
        }
        self.end = End::Packet;
        None
    }

    #[inline(always)]
    fn enter(&mut self, kind: TunnelKind, id: u32) {
        self.tunnels = self.tunnels.saturating_add(1);
        self.packet.tunnel = Some(Tunnel { kind, id });
        if let TunnelKind::Erspan | TunnelKind::Tzsp = kind {
            // The frame inside is the one that was tapped; what is around it only brought it here.
            self.tap = self.tunnels;
            self.has_macs = false;
            (self.packet.vlan, self.packet.inner_vlan) = (None, None);
        }
    }

    /// Remembers the packet around a tunnel; one with ports is not given up for one without.
    #[inline(always)]
    fn carry(&mut self) {
        let has_ports = ip::has_ports(self.packet.protocol);
        if has_ports || !self.carrier.is_some_and(|carrier| carrier.has_ports) {
            self.carrier = Some(Carrier { tunnels: self.tunnels, has_ports });
        }
    }

    /// Which packet the frame counts for: the innermost transport. What a tunnel holds besides (ARP, a control protocol, bytes
    /// that are no packet after all) counts for the packet around it, so no frame with a transport is lost.
    #[inline(always)]
    fn settle(&self, end: End) -> End {
        let Some(Carrier { has_ports, .. }) = self.carrier else { return end };
        match end {
            End::Packet if ip::has_ports(self.packet.protocol) || !has_ports => end,
            End::Fragment | End::Arp if !has_ports => end,
            End::NonIp if !has_ports && self.tap > 0 => end,
            _ => End::Carrier,
        }
    }
}

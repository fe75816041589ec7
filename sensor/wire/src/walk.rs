//! The walk from header to header. Each step reads one header and says what the next one is; [`walk`] takes steps until an
//! [`Outcome`] is reached, and settles which packet a tunnelled frame counts for.

use sensor_model::{MacAddr, VlanId};

use crate::ip::IpHeader;
use crate::tunnel::{self, Opened, Trigger};
use crate::view::View;
use crate::{
    Family, Fragment, Options, Outcome, Packet, SkipReason, Tunnel, arp, ethernet, ip, ipv4, ipv6, link, ppp, transport, wlan,
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

/// What one header led to.
pub(crate) enum Step<'a> {
    On(Next, View<'a>),
    End(Outcome),
}

/// What is known of the frame so far.
pub(crate) struct Walk {
    pub(crate) options: Options,
    pub(crate) wire_len: u32,
    pub(crate) source_mac: MacAddr,
    pub(crate) destination_mac: MacAddr,
    pub(crate) vlan: Option<VlanId>,
    pub(crate) inner_vlan: Option<VlanId>,
    ethertype: u16,
    has_macs: bool,
    tunnel: Option<Tunnel>,
    tunnels: u32,
    /// Of the innermost IP header so far that is the first piece of a packet: what follows it is cut short, tunnels included.
    cut_by: Option<u64>,
    /// The packet this frame counts for when nothing better is found inside.
    carrier: Option<Packet>,
}

/// Reads `view` as `next` and on to the end.
pub(crate) fn walk(mut next: Next, mut view: View<'_>, mut state: Walk) -> Outcome {
    for _ in 0..MAX_HEADERS {
        let step = match next {
            Next::Ethernet => ethernet::read(view, &mut state),
            Next::EtherType(ethertype) => state.by_ethertype(ethertype, view),
            Next::Llc => ethernet::read_llc(view, &state),
            Next::Ip => state.by_version(view),
            Next::Ppp => ppp::read(view, &state),
            Next::Wlan => wlan::read(view, &mut state),
        };
        match step {
            Step::On(following, inside) => (next, view) = (following, inside),
            Step::End(outcome) => return state.settle(outcome),
        }
    }
    state.settle(Outcome::Skip(SkipReason::TooDeep))
}

impl Walk {
    pub(crate) const fn new(wire_len: u32, options: Options) -> Self {
        Self {
            options,
            wire_len,
            source_mac: MacAddr::ZERO,
            destination_mac: MacAddr::ZERO,
            vlan: None,
            inner_vlan: None,
            ethertype: 0,
            has_macs: false,
            tunnel: None,
            tunnels: 0,
            cut_by: None,
            carrier: None,
        }
    }

    /// Keeps the addresses of the outermost link header only: those inside a tunnel belong to another network.
    pub(crate) const fn keep_macs(&mut self, source: MacAddr, destination: MacAddr) {
        if !self.has_macs {
            self.source_mac = source;
            self.destination_mac = destination;
            self.has_macs = true;
        }
    }

    /// Keeps the outermost two tags.
    pub(crate) const fn keep_vlan(&mut self, vlan: VlanId) {
        if self.vlan.is_none() {
            self.vlan = Some(vlan);
        } else if self.inner_vlan.is_none() {
            self.inner_vlan = Some(vlan);
        }
    }

    /// Names the frame when it turns out to be neither IP nor ARP: the ethertype, or the 802.3 length.
    pub(crate) const fn keep_ethertype(&mut self, ethertype: u16) {
        if self.tunnels == 0 {
            self.ethertype = ethertype;
        }
    }

    pub(crate) const fn not_ip(&self) -> Outcome {
        Outcome::NonIp { source: self.source_mac, destination: self.destination_mac, ethertype: self.ethertype }
    }

    fn by_ethertype<'a>(&mut self, ethertype: u16, view: View<'a>) -> Step<'a> {
        self.keep_ethertype(ethertype);
        match ethertype {
            link::ETHERTYPE_IPV4 => self.ip(Family::V4, view),
            link::ETHERTYPE_IPV6 => self.ip(Family::V6, view),
            link::ETHERTYPE_ARP => Step::End(arp::read(view, self)),
            _ => ethernet::read_tag(ethertype, view, self)
                .or_else(|| self.open(Trigger::EtherType(ethertype), view))
                .unwrap_or_else(|| Step::End(self.not_ip())),
        }
    }

    fn by_version<'a>(&mut self, view: View<'a>) -> Step<'a> {
        match view.u8_at(0).map(|byte| byte >> 4) {
            Some(4) => self.ip(Family::V4, view),
            Some(6) => self.ip(Family::V6, view),
            Some(_) => Step::End(Outcome::Skip(SkipReason::BadHeader)),
            None => Step::End(Outcome::Skip(SkipReason::Truncated)),
        }
    }

    fn ip<'a>(&mut self, family: Family, view: View<'a>) -> Step<'a> {
        let read = match family {
            Family::V4 => ipv4::read(view, self.options.verify_checksums),
            Family::V6 => ipv6::read(view),
        };
        match read {
            Ok((header, payload)) => self.ip_payload(&header, payload),
            Err(reason) => Step::End(Outcome::Skip(reason)),
        }
    }

    fn ip_payload<'a>(&mut self, header: &IpHeader, payload: View<'a>) -> Step<'a> {
        if let Fragment::Later { .. } = header.fragment {
            return Step::End(Outcome::Fragment(self.packet(header, &transport::Transport::none(payload))));
        }
        if let Fragment::First = header.fragment {
            self.cut_by = Some(header.fragment_id);
        }
        let transport = match transport::read(header, payload, self.options.verify_checksums) {
            Ok(transport) => transport,
            Err(reason) => return Step::End(Outcome::Skip(reason)),
        };
        let packet = self.packet(header, &transport);
        let opened = match header.protocol {
            ip::TCP | ip::ICMP | ip::ICMPV6 | ip::SCTP => None,
            ip::UDP => self.open_udp(&packet, transport.payload),
            protocol => self.open(Trigger::ip(header.family, protocol), payload),
        };
        match opened {
            Some(step) => {
                self.carry(packet);
                step
            }
            None => Step::End(Outcome::Packet(packet)),
        }
    }

    /// A UDP tunnel is a guess from a port: it is opened only when its header is plausible, and the UDP packet stands by.
    fn open_udp<'a>(&mut self, packet: &Packet, payload: View<'a>) -> Option<Step<'a>> {
        if !self.options.decap || !tunnel::is_udp_port(packet.source_port, packet.destination_port) {
            return None;
        }
        self.open(Trigger::UdpPort(packet.destination_port), payload)
            .or_else(|| self.open(Trigger::UdpPort(packet.source_port), payload))
    }

    fn open<'a>(&mut self, trigger: Trigger, view: View<'a>) -> Option<Step<'a>> {
        let Opened { kind, id, next, inside } = tunnel::open(trigger, view)?;
        if self.tunnels == MAX_TUNNELS {
            return Some(Step::End(Outcome::Skip(SkipReason::TooDeep)));
        }
        self.tunnels = self.tunnels.saturating_add(1);
        self.tunnel = Some(Tunnel { kind, id });
        Some(Step::On(next, inside))
    }

    /// Remembers the packet around a tunnel; one with ports is not given up for one without.
    fn carry(&mut self, packet: Packet) {
        if ip::has_ports(packet.protocol) || !self.carrier.is_some_and(|carrier| ip::has_ports(carrier.protocol)) {
            self.carrier = Some(packet);
        }
    }

    /// Which packet the frame counts for: the innermost transport. What a tunnel holds besides (ARP, a control protocol, bytes
    /// that are no packet after all) counts for the packet around it, so no frame with a transport is lost.
    fn settle(&self, outcome: Outcome) -> Outcome {
        let Some(carrier) = self.carrier else { return outcome };
        let carrier_has_ports = ip::has_ports(carrier.protocol);
        match outcome {
            Outcome::Packet(packet) if ip::has_ports(packet.protocol) || !carrier_has_ports => outcome,
            Outcome::Fragment(_) | Outcome::Arp(_) if !carrier_has_ports => outcome,
            _ => Outcome::Packet(carrier),
        }
    }

    fn packet(&self, header: &IpHeader, transport: &transport::Transport<'_>) -> Packet {
        let (fragment, fragment_id) = match (header.fragment, self.cut_by) {
            (Fragment::Whole, Some(id)) => (Fragment::First, id),
            (fragment, _) => (fragment, header.fragment_id),
        };
        Packet {
            source_mac: self.source_mac,
            destination_mac: self.destination_mac,
            vlan: self.vlan,
            inner_vlan: self.inner_vlan,
            tunnel: self.tunnel,
            family: header.family,
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            source_port: transport.source_port,
            destination_port: transport.destination_port,
            ttl: header.ttl,
            ip_len: header.ip_len,
            fragment,
            fragment_id,
            ip_id: header.ip_id,
            tcp: transport.tcp,
            payload_offset: transport.payload.offset(),
            payload_captured: transport.payload.captured(),
            payload_len: transport.payload.wire_len(),
            wire_len: self.wire_len,
            anomalies: header.anomalies.with(transport.anomalies),
        }
    }
}

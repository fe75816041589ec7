//! Tunnels: one file a tunnel, found through [`registry`]. An [`Opener`] names the fields that announce it and reads its header; what
//! is inside goes on through the walk. A new tunnel starts as a copy of `template.rs`.

mod capwap;
mod erspan;
mod ether_ip;
mod geneve;
mod gre;
mod gtp_u;
mod ip_in_ip;
mod l2tp;
mod mpls;
mod nsh;
mod pbb;
mod pppoe;
mod registry;
#[cfg(test)]
mod template;
mod teredo;
mod vxlan;

use crate::view::View;
use crate::walk::Next;
use crate::{Family, TunnelKind};

use registry::OPENERS;

/// The field of the header around it that announces a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    EtherType(u16),
    /// IANA protocol number in an IPv4 header.
    Ipv4(u8),
    /// IANA protocol number after an IPv6 header.
    Ipv6(u8),
    UdpPort(u16),
}

impl Trigger {
    pub(crate) const fn ip(family: Family, protocol: u8) -> Self {
        match family {
            Family::V4 => Self::Ipv4(protocol),
            Family::V6 => Self::Ipv6(protocol),
        }
    }
}

/// One way to open a tunnel.
pub(crate) struct Opener {
    pub(crate) triggers: &'static [Trigger],
    /// None when the bytes are no header of this tunnel, or carry none of its traffic (control messages, keep-alives).
    pub(crate) open: fn(View<'_>) -> Option<Opened<'_>>,
}

/// A tunnel header that was read.
pub(crate) struct Opened<'a> {
    pub(crate) kind: TunnelKind,
    pub(crate) id: u32,
    pub(crate) next: Next,
    pub(crate) inside: View<'a>,
}

/// The tunnel that `trigger` announces, if its header stands at the start of `view`.
pub(crate) fn open(trigger: Trigger, view: View<'_>) -> Option<Opened<'_>> {
    OPENERS.iter().filter(|opener| opener.triggers.contains(&trigger)).find_map(|opener| (opener.open)(view))
}

/// Whether one of the ports announces a tunnel. Every UDP packet asks, so most get their answer from one word.
pub(crate) fn is_udp_port(source: u16, destination: u16) -> bool {
    let may_be = (UDP_PORTS & port_bit(source)) | (UDP_PORTS & port_bit(destination)) != 0;
    may_be && is_listed(source, destination)
}

#[cold]
fn is_listed(source: u16, destination: u16) -> bool {
    let either = [Trigger::UdpPort(source), Trigger::UdpPort(destination)];
    OPENERS.iter().flat_map(|opener| opener.triggers).any(|trigger| either.contains(trigger))
}

/// All UDP ports of the registry, folded onto 128 bits: a bit that is clear is a certain no.
const UDP_PORTS: u128 = fold_udp_ports(OPENERS);

const fn fold_udp_ports(mut openers: &[&Opener]) -> u128 {
    let mut bits = 0;
    while let [opener, others @ ..] = openers {
        let mut triggers = opener.triggers;
        while let [trigger, rest @ ..] = triggers {
            if let Trigger::UdpPort(port) = trigger {
                bits |= port_bit(*port);
            }
            triggers = rest;
        }
        openers = others;
    }
    bits
}

const fn port_bit(port: u16) -> u128 {
    1_u128.wrapping_shl((port & 0x7f) as u32)
}

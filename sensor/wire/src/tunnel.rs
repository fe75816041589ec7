//! Tunnels: one file a tunnel, found through [`registry`]. An [`Opener`] names the fields that announce it and reads its header; what
//! is inside goes on through the walk. A new tunnel starts as a copy of `template.rs`.

mod ayiya;
mod capwap;
mod erspan;
mod ether_ip;
mod fabric_path;
mod geneve;
mod gre;
mod gtp_u;
mod ip_in_ip;
mod l2tp;
mod lisp;
mod mpls;
mod nsh;
mod pbb;
mod pim;
mod pppoe;
mod registry;
#[cfg(test)]
mod template;
mod teredo;
mod trill;
mod tzsp;
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

/// The one that `trigger` announces.
#[inline]
pub(crate) fn opener(trigger: Trigger) -> Option<&'static Opener> {
    let key = trigger.key();
    let slot = INDEX.slots.get(INDEX.place(key))?;
    if slot.key == key { OPENERS.get(usize::from(slot.opener)).copied() } else { None }
}

/// Whether one of the ports announces a tunnel. Every UDP packet asks.
#[inline]
pub(crate) fn is_udp_port(source: u16, destination: u16) -> bool {
    let is_listed = |port| {
        let key = Trigger::UdpPort(port).key();
        INDEX.slots.get(INDEX.place(key)).is_some_and(|slot| slot.key == key)
    };
    is_listed(source) | is_listed(destination)
}

/// The triggers of all openers by a hash without collisions, found when this is compiled.
struct Index {
    multiplier: u32,
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy)]
struct Slot {
    key: u32,
    opener: u8,
}

const SLOT_BITS: u32 = 8;
const SLOTS: usize = 1 << SLOT_BITS;
/// No trigger's: their kinds begin with 1.
const FREE: Slot = Slot { key: 0, opener: 0 };

static INDEX: Index = Index::of(OPENERS);

impl Trigger {
    #[inline]
    const fn key(self) -> u32 {
        match self {
            Self::EtherType(number) => 0x1_0000 | number as u32,
            Self::Ipv4(number) => 0x2_0000 | number as u32,
            Self::Ipv6(number) => 0x3_0000 | number as u32,
            Self::UdpPort(number) => 0x4_0000 | number as u32,
        }
    }
}

impl Index {
    /// Tries multipliers until no two triggers share a slot. One trigger with two openers would never end: that fails to compile.
    const fn of(openers: &[&Opener]) -> Self {
        let mut multiplier: u32 = 0x9e37_79b9;
        loop {
            if let Some(index) = Self::with(multiplier, openers) {
                return index;
            }
            multiplier = multiplier.wrapping_add(2);
        }
    }

    #[expect(clippy::indexing_slicing, reason = "runs in the compiler, where a panic is an error message")]
    const fn with(multiplier: u32, mut openers: &[&Opener]) -> Option<Self> {
        let mut index = Self { multiplier, slots: [FREE; SLOTS] };
        let mut number: u8 = 0;
        while let [opener, others @ ..] = openers {
            let mut triggers = opener.triggers;
            while let [trigger, rest @ ..] = triggers {
                let key = trigger.key();
                let slot = &mut index.slots[index.place(key)];
                assert!(slot.key != key, "two openers name the same trigger");
                if slot.key != FREE.key {
                    return None;
                }
                *slot = Slot { key, opener: number };
                triggers = rest;
            }
            number = number.wrapping_add(1);
            openers = others;
        }
        Some(index)
    }

    #[inline]
    const fn place(&self, key: u32) -> usize {
        (key.wrapping_mul(self.multiplier) >> (32 - SLOT_BITS)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_leads_to_its_opener_and_other_numbers_to_none() {
        let announced = |trigger: &Trigger| OPENERS.iter().find(|opener| opener.triggers.contains(trigger));
        let kinds: [fn(u16) -> Trigger; 2] = [Trigger::EtherType, Trigger::UdpPort];
        let by_wide_number = kinds.into_iter().flat_map(|kind| (0..=u16::MAX).map(kind));
        let by_protocol = (0..=u8::MAX).flat_map(|number| [Trigger::Ipv4(number), Trigger::Ipv6(number)]);
        for trigger in by_wide_number.chain(by_protocol) {
            let found = opener(trigger).map(|opener| opener.open as usize);
            assert_eq!(found, announced(&trigger).map(|opener| opener.open as usize), "{trigger:?}");
        }
    }
}

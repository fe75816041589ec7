//! Which of the flows between the same ends a packet belongs to. Nearly always there is one; with VLANs there may be more, and
//! [`crate::realm`] says how they are told apart.

use sensor_wire::{Packet, TcpFlags};

use crate::expiry::Timeouts;
use crate::key::{FlowKey, TCP};
use crate::realm::{Realms, UNHEARD, VlanKey};
use crate::slot::{Hot, RESPONDER};

/// Flows between the same ends that are told apart by VLAN: crafted tags must not make a search long.
const MAX_SIBLINGS: usize = 16;
/// How far an acknowledgment may be from what it answers. Between strangers' sequence numbers it is so near once in 128 times.
const MAX_DISTANCE: u32 = 1 << 24;

/// A search under way: it is shown the flows one after another.
pub struct Search<'a> {
    key: &'a FlowKey,
    packet: &'a Packet,
    realms: &'a Realms,
    now: i64,
    timeouts: &'a Timeouts,
    siblings: usize,
    /// Its other direction has the packet's realm, its own was not heard.
    unanswered: Option<usize>,
    /// The same in another VLAN; the one that spoke last, and its last time and network.
    crossed: Option<((i64, u64), usize)>,
    /// The packet would be its, if it came in time.
    over: Option<usize>,
    any: Option<usize>,
}

impl<'a> Search<'a> {
    pub const fn new(key: &'a FlowKey, packet: &'a Packet, realms: &'a Realms, now: i64, timeouts: &'a Timeouts) -> Self {
        Self { key, packet, realms, now, timeouts, siblings: 0, unanswered: None, crossed: None, over: None, any: None }
    }

    /// Between the same ends, IPv6 addresses aside.
    pub fn is_candidate(&self, hot: &Hot) -> bool {
        hot.is(Hot::USED)
            && hot.pair == self.key.pair
            && hot.ports == self.key.ports
            && hot.protocol == self.key.protocol
            && hot.is(Hot::WIDE) == self.key.wide
    }

    /// Whether a candidate is the packet's flow, whatever others there are.
    pub fn is_certain(&self, hot: &Hot, first_seen: impl FnOnce() -> i64) -> bool {
        hot.realms[usize::from(self.key.from_low)] == self.key.realm && !self.timeouts.is_over(hot, first_seen, self.now)
    }

    /// Whether a candidate is the packet's flow beyond doubt. Remembers those that may be.
    pub fn is_exact(&mut self, slot: usize, hot: &Hot, first_seen: impl FnOnce() -> i64) -> bool {
        let (own, other) = (hot.realms[usize::from(self.key.from_low)], hot.realms[usize::from(!self.key.from_low)]);
        let is_over = self.timeouts.is_over(hot, first_seen, self.now);
        if own == self.key.realm {
            if is_over {
                // As if it had been swept: whether it was must not show.
                self.over = Some(slot);
            }
            return !is_over;
        }
        let heard = if own == UNHEARD { other } else { own };
        if self.realms.segment(heard) != self.realms.segment(self.key.realm) || is_over && other != self.key.realm {
            return false;
        }
        self.siblings += 1;
        self.any = self.any.or(Some(slot));
        if own == UNHEARD && other == self.key.realm {
            *(if is_over { &mut self.over } else { &mut self.unanswered }) = Some(slot);
        } else if own == UNHEARD && self.realms.vlan_key() == VlanKey::Auto && self.may_answer(hot) {
            let candidate = ((hot.last_seen, self.realms.network(other)), slot);
            self.crossed = self.crossed.max(Some(candidate));
        }
        false
    }

    /// When no flow was exact.
    pub fn second_best(&self) -> Option<usize> {
        let told_apart = self.unanswered.or(self.crossed.map(|(_, slot)| slot)).or(self.over);
        told_apart.or(self.any.filter(|_| self.siblings >= MAX_SIBLINGS))
    }

    /// The packet can be an answer to what the flow's other direction said.
    fn may_answer(&self, hot: &Hot) -> bool {
        let Some(segment) = self.packet.tcp.filter(|_| self.key.protocol == TCP) else { return true };
        let asked = hot.last[RESPONDER - hot.side_of(self.key.from_low)];
        if segment.flags.has(TcpFlags::ACK) {
            segment.acknowledgment.wrapping_sub(asked).wrapping_add(MAX_DISTANCE) <= 2 * MAX_DISTANCE
        } else {
            !segment.flags.has(TcpFlags::SYN)
        }
    }
}

//! The books about the tap itself: flows by the directions that were seen, TCP loss, VLANs, and who is proven but unseen. Fed with every
//! report of a flow; keeps differences only, so a flow counts once however often it is reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use sensor_model::{FlowRecord, FlowSights, IpProtocol, Loss, MacAddr, Proof, VlanId, VlanStack};

use crate::rates::Rates;
use crate::sight::{Proofs, Sight, Silent, asks_no_answer, sight_of};
use crate::vlan::Book;

/// Tag stacks with books of their own; more are crafted.
const MAX_VLANS: usize = 8_192;

/// What a flow has been counted as so far; its owner keeps it between reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weighed {
    class: Class,
    packets: u64,
    wire_bytes: u64,
    replies: u64,
    unseen: u64,
    stream_bytes: u64,
    missed_bytes: u64,
    /// Where the other direction's packets come, when not in the flow's own VLAN.
    reply_tags: Option<VlanStack>,
    /// What its datagrams proved.
    proofs: Proofs,
}

impl Weighed {
    /// A datagram of the flow proves another one of the side that was not heard.
    pub const fn prove(&mut self, proof: Proof) {
        self.proofs.add(proof);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Class {
    #[default]
    New,
    BothWays,
    OneWay,
    /// Unanswered, of a service that answers nobody.
    Announcing,
    /// Unanswered otherwise.
    Asking,
}

/// What a report changed, for the two hosts of the flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    pub before: Class,
    pub now: Class,
    /// The silent end with its proven packets.
    pub unseen: Option<(Silent, u64)>,
    pub stream_bytes: i64,
    pub missed_bytes: i64,
}

impl News {
    pub fn is_nothing(&self) -> bool {
        self.before == self.now && self.unseen.is_none() && self.stream_bytes == 0 && self.missed_bytes == 0
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub vlans: BTreeMap<VlanStack, Book>,
    /// VLANs that ports were said to carry untagged, and by which protocol.
    pub native: BTreeMap<VlanId, BTreeSet<&'static str>>,
    /// Unseen sender, its receiver: packets that must have gone between them.
    pub unseen: HashMap<(IpAddr, IpAddr), u64, RandomState>,
    pub flows: FlowSights,
    pub loss: Loss,
    pub rates: Rates,
    hosts: usize,
}

impl Ledger {
    /// A MAC that sent in a VLAN, and the address it used. `max_hosts` over all VLANs.
    pub fn hear(&mut self, tags: VlanStack, mac: MacAddr, ip: Option<IpAddr>, max_hosts: usize) {
        let has_room = self.hosts < max_hosts;
        if let Some(book) = self.book(tags)
            && book.hear(mac, ip, has_room)
        {
            self.hosts = self.hosts.saturating_add(1);
        }
    }

    /// Takes a report of a flow to a group.
    pub fn weigh_group(&mut self, weighed: &mut Weighed, record: &FlowRecord) {
        let packets = record.sent.packets.saturating_add(record.received.packets);
        let new = packets.saturating_sub(weighed.packets);
        weighed.packets = packets;
        if let Some(book) = self.book(tags_of(record)) {
            book.group_packets = book.group_packets.saturating_add(new);
        }
    }

    /// Takes a report of a flow between hosts. `reply_tags` are asked for once, when the flow is first seen both ways.
    pub fn weigh(
        &mut self,
        weighed: &mut Weighed,
        record: &FlowRecord,
        max_pairs: usize,
        reply_tags: impl FnOnce() -> Option<VlanStack>,
    ) -> News {
        let sight = sight_of(record, weighed.proofs);
        let now = class_of(sight, record);
        let before = std::mem::replace(&mut weighed.class, now);
        if now == Class::BothWays && before != now {
            weighed.reply_tags = reply_tags();
        }
        let (stream_bytes, missed_bytes) = if now == Class::BothWays { streams_of(record) } else { (0, 0) };
        let news = News {
            before,
            now,
            unseen: self.note_unseen(weighed, record, sight, max_pairs),
            stream_bytes: difference(&mut weighed.stream_bytes, stream_bytes),
            missed_bytes: difference(&mut weighed.missed_bytes, missed_bytes),
        };
        let wire_bytes = record.sent.l2_bytes.saturating_add(record.received.l2_bytes);
        let new_bytes = difference(&mut weighed.wire_bytes, wire_bytes);
        self.rates.add(record.last_seen, new_bytes, news.stream_bytes, news.missed_bytes);
        count_class(&mut self.flows, before, now);
        add_loss(&mut self.loss, &news);
        self.write_in_books(weighed, record, &news);
        news
    }

    fn note_unseen(
        &mut self,
        weighed: &mut Weighed,
        record: &FlowRecord,
        sight: Sight,
        max_pairs: usize,
    ) -> Option<(Silent, u64)> {
        let Sight::OneWay { silent, packets } = sight else { return None };
        let new = packets.saturating_sub(weighed.unseen);
        weighed.unseen = weighed.unseen.max(packets);
        let pair = match silent {
            Silent::Originator => (record.originator, record.responder),
            Silent::Responder => (record.responder, record.originator),
        };
        if let Some(known) = self.unseen.get_mut(&pair) {
            *known = known.saturating_add(new);
        } else if self.unseen.len() < max_pairs {
            self.unseen.insert(pair, new);
        }
        Some((silent, new))
    }

    fn write_in_books(&mut self, weighed: &mut Weighed, record: &FlowRecord, news: &News) {
        let tags = tags_of(record);
        let all = record.sent.packets.saturating_add(record.received.packets);
        // Of a crossed flow, the smaller half is taken for the replies' when both are alike: only their being there matters.
        let replies = weighed.reply_tags.map_or(0, |_| record.sent.packets.min(record.received.packets));
        let new = u64::try_from(difference(&mut weighed.packets, all)).unwrap_or(0);
        let new_replies = u64::try_from(difference(&mut weighed.replies, replies)).unwrap_or(0);
        if let Some(reply_tags) = weighed.reply_tags {
            if let Some(book) = self.book(reply_tags) {
                book.packets = book.packets.saturating_add(new_replies);
                book.note_crossing(tags, news.before != news.now);
            }
            if let Some(book) = self.book(tags) {
                book.note_crossing(reply_tags, news.before != news.now);
            }
        }
        let Some(book) = self.book(tags) else { return };
        book.packets = book.packets.saturating_add(new.saturating_sub(new_replies));
        count_class(&mut book.flows, news.before, news.now);
        add_loss(&mut book.loss, news);
        book.unseen_packets = book.unseen_packets.saturating_add(news.unseen.map_or(0, |(_, packets)| packets));
    }

    pub fn book(&mut self, tags: VlanStack) -> Option<&mut Book> {
        if self.vlans.len() >= MAX_VLANS && !self.vlans.contains_key(&tags) {
            return None;
        }
        Some(self.vlans.entry(tags).or_default())
    }
}

pub(crate) const fn tags_of(record: &FlowRecord) -> VlanStack {
    VlanStack { vlan: record.vlan, inner_vlan: record.inner_vlan }
}

fn class_of(sight: Sight, record: &FlowRecord) -> Class {
    match sight {
        Sight::BothWays => Class::BothWays,
        Sight::OneWay { .. } => Class::OneWay,
        Sight::Unanswered if asks_no_answer(record) => Class::Announcing,
        Sight::Unanswered => Class::Asking,
    }
}

/// Bytes of both TCP streams, and what of them was acknowledged but never seen. A stream is not longer than the packets that were seen of
/// it and the gaps between them: a crafted sequence number would otherwise count as gigabytes.
fn streams_of(record: &FlowRecord) -> (u64, u64) {
    if record.protocol != IpProtocol::Tcp {
        return (0, 0);
    }
    let ends = [record.sent, record.received];
    let stream = ends.map(|side| side.payload_bytes.unwrap_or(0).min(side.ip_bytes.saturating_add(record.gap_bytes)));
    let bytes = stream.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
    (bytes, record.gap_bytes.min(bytes))
}

/// How much more `now` is than what was told; from now on it is told.
fn difference(told: &mut u64, now: u64) -> i64 {
    let before = std::mem::replace(told, now);
    i64::try_from(i128::from(now) - i128::from(before)).unwrap_or(0)
}

fn add_loss(loss: &mut Loss, news: &News) {
    loss.stream_bytes = loss.stream_bytes.saturating_add_signed(news.stream_bytes);
    loss.missed_bytes = loss.missed_bytes.saturating_add_signed(news.missed_bytes);
}

fn count_class(flows: &mut FlowSights, before: Class, now: Class) {
    let mut place = |class: Class, by: i64| {
        let count = match class {
            Class::New => return,
            Class::BothWays => &mut flows.both_ways,
            Class::OneWay => &mut flows.one_way,
            Class::Announcing | Class::Asking => &mut flows.unanswered,
        };
        *count = count.saturating_add_signed(by);
    };
    if before != now {
        place(before, -1);
        place(now, 1);
    }
}

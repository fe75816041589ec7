//! The tap as a whole: its books as a document, and the excuses of hosts whose missing direction is their peer's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sensor_model::{CoverageCause, FlowRecord, Loss, MacAddr, Scope, TapCoverage, Visibility, VlanCoverage, VlanId, VlanStack};

use crate::coverage::Signs;
use crate::inventory::Inventory;
use crate::ledger::{Class, News, Weighed, tags_of};
use crate::number::Place;
use crate::record::{Counts, IpRecord};
use crate::scope::{is_group, network_of};
use crate::sight::Silent;

/// Less loss is not worth a cause.
const NOTABLE_LOSS: f64 = 0.001;

/// Hosts of one network that are enough to blame it as a whole.
const HOSTS_OF_A_NETWORK: usize = 3;

/// What the capture lost itself, as far as it counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnDrops {
    pub packets: u64,
    pub lost_packets: u64,
}

/// How one asset stands, for its peers' sake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub counts: Counts,
    pub signs: Signs,
    /// It may be on a mirrored port, which a far host is not.
    pub is_ours: bool,
}

impl Inventory {
    /// Takes a report of a flow for the books about the tap. `weighed` belongs to the flow, and stays with it between its reports.
    /// `places` are those of originator and responder.
    pub fn weigh(&mut self, weighed: &mut Weighed, record: &FlowRecord, places: [Place; 2]) {
        let ends = [(record.originator, record.sent.mac), (record.responder, record.received.mac)];
        let to_group = |(ip, mac): (IpAddr, Option<MacAddr>)| {
            is_group(ip) || self.groups.contains(&ip) || record.tunnel.is_none() && mac.is_some_and(MacAddr::is_group)
        };
        if ends.into_iter().any(to_group) {
            self.ledger.weigh_group(weighed, record);
            return;
        }
        let ips = &self.ips;
        let reply_tags = || reply_tags_of(record, |ip| ips.by_key(&ip));
        let news = self.ledger.weigh(weighed, record, self.config.max_assets, reply_tags);
        if news.is_nothing() {
            return;
        }
        let ends = [(record.originator, Silent::Originator), (record.responder, Silent::Responder)];
        for ((ip, side), at) in ends.into_iter().zip(places) {
            if let Some(known) = self.slot(at, ip).and_then(|slot| self.ips.get_mut(slot)) {
                note(&mut known.signs, &news, side);
            }
        }
    }

    /// A MAC that sent a frame with these tags, and the address it used; without one, whether it was to a single host.
    pub fn hear_in(&mut self, tags: VlanStack, mac: MacAddr, ip: Option<IpAddr>, is_unicast: bool) {
        self.hear_at(Place::default(), tags, mac, ip, is_unicast);
    }

    /// The same, where the address stands at `at`.
    pub(crate) fn hear_at(&mut self, at: Place, tags: VlanStack, mac: MacAddr, ip: Option<IpAddr>, is_unicast: bool) {
        if mac.is_group() || mac.is_zero() {
            return;
        }
        self.ledger.hear(tags, mac, ip, self.config.max_assets);
        if is_unicast
            && ip.is_none()
            && let Some(book) = self.ledger.book(tags)
        {
            book.hear_unicast(mac);
        }
        if let Some(record) = ip.and_then(|ip| self.slot(at, ip)).and_then(|slot| self.ips.get_mut(slot)) {
            record.heard_in.note(tags);
        }
    }

    /// A switch or host spoke of a VLAN by the protocol `by`, whose frames on its port carry a tag or do not.
    pub fn name_vlan(&mut self, vlan: VlanId, is_tagged: bool, by: &'static str) {
        if !is_tagged {
            self.ledger.native.entry(vlan).or_default().insert(by);
        } else if let Some(book) = self.ledger.book(VlanStack { vlan: Some(vlan), inner_vlan: None }) {
            book.named_by.insert(by);
        }
    }

    /// How much of the network reaches the tap.
    #[must_use]
    pub fn tap_coverage(&self, drops: OwnDrops) -> TapCoverage {
        let ledger = &self.ledger;
        let mut loss = ledger.loss;
        loss.cause = loss.ratio().filter(|ratio| *ratio >= NOTABLE_LOSS).map(|ratio| self.loss_cause(ratio, drops));
        let tagged = ledger.vlans.iter().filter(|(tags, _)| tags.vlan.is_some());
        let some_are_tagged = tagged.into_iter().any(|(_, book)| book.is_heard());
        let mut vlans: BTreeMap<VlanStack, VlanCoverage> = ledger
            .vlans
            .iter()
            .map(|(tags, book)| (*tags, book.coverage(*tags, some_are_tagged, &self.config.internal)))
            .collect();
        let some_are_untagged = ledger.vlans.get(&VlanStack::default()).is_some_and(|book| book.is_heard());
        for (vlan, by) in &ledger.native {
            let tags = VlanStack { vlan: Some(*vlan), inner_vlan: None };
            // Untagged frames are this VLAN's, as far as anybody can tell.
            if some_are_untagged && !vlans.contains_key(&tags) {
                continue;
            }
            let known = vlans.entry(tags).or_insert_with(|| VlanCoverage {
                tags,
                visibility: Visibility::Never,
                cause: Some(CoverageCause::VlanNotMirrored),
                ..VlanCoverage::default()
            });
            let mut named_by: BTreeSet<String> = std::mem::take(&mut known.named_by).into_iter().collect();
            named_by.extend(by.iter().map(|name| (*name).to_owned()));
            known.named_by = named_by.into_iter().collect();
        }
        TapCoverage { flows: ledger.flows, loss, vlans: vlans.into_values().collect(), duplicates: Vec::new() }
    }

    /// Networks of ours of which several hosts are proven to send, and none was heard: their VLAN is missing, not directions of theirs.
    pub(crate) fn unseen_networks(&self) -> BTreeSet<IpAddr> {
        let mut networks: BTreeMap<IpAddr, (bool, usize)> = BTreeMap::new();
        if self.ledger.unseen.is_empty() {
            return BTreeSet::new();
        }
        for (_, ip, record) in self.ips.iter().filter(|(_, _, record)| record.scope == Scope::Internal) {
            let (is_heard, unseen) = networks.entry(network_of(ip, record.scope)).or_default();
            *is_heard |= record.counts.sent > 0 || record.counts.group > 0 || !record.heard_in.is_nowhere();
            *unseen += usize::from(record.signs.unseen_sent > 0);
        }
        networks.retain(|_, (is_heard, unseen)| !*is_heard && *unseen >= HOSTS_OF_A_NETWORK);
        networks.into_keys().collect()
    }

    pub(crate) const fn loss(&self) -> &Loss {
        &self.ledger.loss
    }

    fn loss_cause(&self, ratio: f64, drops: OwnDrops) -> CoverageCause {
        let all = drops.packets.saturating_add(drops.lost_packets);
        let own = if all == 0 { 0.0 } else { drops.lost_packets as f64 / all as f64 };
        if own >= ratio / 2.0 {
            CoverageCause::OwnDrops
        } else if self.ledger.rates.loss_grows_with_rate() {
            CoverageCause::OversubscribedMirror
        } else {
            CoverageCause::Loss
        }
    }

    /// Puts the excuses into `standings`, where an asset stands at `place_of` its addresses. A pair of hosts between which packets are
    /// proven and unseen has two that may be to blame: a sender that was never seen to send, a receiver that was never seen to receive.
    /// Where both may, it is the one that explains more pairs, then the one that is ours; with nothing to choose by, neither is excused.
    pub(crate) fn excuse(&self, standings: &mut [Standing], place_of: impl Fn(IpAddr) -> Option<usize>) {
        let mut pairs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for ((sender, receiver), packets) in &self.ledger.unseen {
            if let (Some(sender), Some(receiver)) = (place_of(*sender), place_of(*receiver)) {
                let sum = pairs.entry((sender, receiver)).or_default();
                *sum = sum.saturating_add(*packets);
            }
        }
        let (mut of_sender, mut of_receiver) = (BTreeMap::new(), BTreeMap::new());
        for (sender, receiver) in pairs.keys() {
            *of_sender.entry(sender).or_insert(0_u64) += 1;
            *of_receiver.entry(receiver).or_insert(0_u64) += 1;
        }
        for ((sender, receiver), packets) in &pairs {
            let never_sent = standings.get(*sender).is_some_and(|standing| standing.counts.sent == 0);
            let never_received = standings.get(*receiver).is_some_and(|standing| standing.counts.received == 0);
            if !never_sent || !never_received {
                // Only one of them may be to blame, or none: nobody needs an excuse.
                continue;
            }
            let pairs_of = |count: Option<&u64>, standing: Option<&Standing>| {
                (count.copied().unwrap_or(0), standing.is_some_and(|standing| standing.is_ours))
            };
            let by_sender = pairs_of(of_sender.get(sender), standings.get(*sender));
            let by_receiver = pairs_of(of_receiver.get(receiver), standings.get(*receiver));
            if by_sender > by_receiver
                && let Some(Standing { signs, .. }) = standings.get_mut(*receiver)
            {
                signs.excused_received = signs.excused_received.saturating_add(*packets);
            }
            if by_sender < by_receiver
                && let Some(Standing { signs, .. }) = standings.get_mut(*sender)
            {
                signs.excused_sent = signs.excused_sent.saturating_add(*packets);
            }
        }
    }
}

/// Where the other direction of a flow comes, when it is not in the flow's own VLAN: one end was heard there, the other end only in another.
fn reply_tags_of<'a>(record: &FlowRecord, record_of: impl Fn(IpAddr) -> Option<&'a IpRecord>) -> Option<VlanStack> {
    if record.tunnel.is_some() {
        return None;
    }
    let own = tags_of(record);
    let heard = [record.originator, record.responder].map(|ip| record_of(ip).map(|known| known.heard_in).unwrap_or_default());
    let [originator, responder] = heard;
    match (originator.contains(own), responder.contains(own)) {
        (true, false) => responder.only(),
        (false, true) => originator.only(),
        _ => None,
    }
}

fn note(signs: &mut Signs, news: &News, side: Silent) {
    if let Some((silent, packets)) = news.unseen {
        let count = if silent == side { &mut signs.unseen_sent } else { &mut signs.unseen_received };
        *count = count.saturating_add(packets);
    }
    if news.before != news.now {
        for (class, by) in [(news.before, -1), (news.now, 1)] {
            let count = match class {
                Class::New => continue,
                Class::BothWays => &mut signs.both_ways_flows,
                Class::OneWay => &mut signs.one_way_flows,
                Class::Announcing => &mut signs.announcing_flows,
                Class::Asking => &mut signs.asking_flows,
            };
            *count = count.saturating_add_signed(by);
        }
    }
    signs.stream_bytes = signs.stream_bytes.saturating_add_signed(news.stream_bytes);
    signs.missed_bytes = signs.missed_bytes.saturating_add_signed(news.missed_bytes);
}

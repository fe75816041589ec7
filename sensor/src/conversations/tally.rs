//! The sums behind one conversation, and what one flow has put into them so far.

use std::borrow::Cow;
use std::net::IpAddr;

use sensor_model::{Activity, Conversation, Direction, DirectionReason, EachWay, FlowRecord, Operation, Timestamp};

use smallvec::SmallVec;

use super::days::Days;

/// Name under which operations beyond `Conversation::MAX_OPERATIONS` are counted.
const OTHER: &str = "other";

/// What one flow has contributed to its conversation: taken out again when the flow turns out to belong to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub packets: EachWay,
    pub bytes: EachWay,
    pub answered: bool,
    /// Hours since 1970 in which the flow was counted as active: how many, and the last one.
    hours: u32,
    last_hour: i64,
}

/// One report of a flow, seen from its client.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub record: &'a FlowRecord,
    pub answered: bool,
}

#[derive(Clone, Debug)]
pub struct Tally {
    flows: u64,
    answered_flows: u64,
    packets: EachWay,
    bytes: EachWay,
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// Flows active, by hour of the week; ascending.
    hours: SmallVec<[(u8, u64); 1]>,
    days: Days,
    /// Of clients and servers, ascending.
    addresses: [SmallVec<[IpAddr; 1]>; 2],
    addresses_omitted: u64,
    direction_reason: DirectionReason,
    /// By name.
    operations: Vec<(Cow<'static, str>, u64)>,
}

impl Tally {
    #[must_use]
    pub fn new(first_seen: Timestamp) -> Self {
        Self {
            flows: 0,
            answered_flows: 0,
            packets: EachWay::default(),
            bytes: EachWay::default(),
            first_seen,
            last_seen: first_seen,
            hours: SmallVec::new(),
            days: Days::default(),
            addresses: [SmallVec::new(), SmallVec::new()],
            addresses_omitted: 0,
            direction_reason: DirectionReason::Syn,
            operations: Vec::new(),
        }
    }

    #[must_use]
    pub const fn flows(&self) -> u64 {
        self.flows
    }

    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answered_flows > 0
    }

    #[must_use]
    pub const fn packets(&self) -> EachWay {
        self.packets
    }

    /// Different days with traffic.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.days.count()
    }

    #[must_use]
    pub const fn first_seen(&self) -> Timestamp {
        self.first_seen
    }

    /// A flow joins.
    pub fn join(&mut self, record: &FlowRecord) {
        self.flows += 1;
        self.direction_reason = self.direction_reason.max(record.direction_reason);
        self.note_address(Direction::ToResponder, record.originator);
        self.note_address(Direction::ToOriginator, record.responder);
    }

    /// Adds what `report` has beyond `share`, and brings `share` up to date.
    pub fn advance(&mut self, share: &mut Share, report: Report<'_>) {
        let record = report.record;
        let packets = EachWay { client: record.sent.packets, server: record.received.packets };
        let bytes = EachWay { client: record.sent.ip_bytes, server: record.received.ip_bytes };
        add(&mut self.packets, minus(packets, share.packets));
        add(&mut self.bytes, minus(bytes, share.bytes));
        if report.answered && !share.answered {
            self.answered_flows += 1;
        }
        self.first_seen = self.first_seen.min(record.first_seen);
        self.last_seen = self.last_seen.max(record.last_seen);
        if share.hours == 0 {
            self.mark_hour(share, record.first_seen);
        }
        self.mark_hour(share, record.last_seen);
        (share.packets, share.bytes, share.answered) = (packets, bytes, report.answered);
    }

    /// Takes a flow out again. Hours before its last one, days and addresses stay: they are rarely wrong, and cheap to keep.
    pub fn leave(&mut self, share: &Share) {
        self.flows = self.flows.saturating_sub(1);
        self.answered_flows = self.answered_flows.saturating_sub(u64::from(share.answered));
        self.packets = minus(self.packets, share.packets);
        self.bytes = minus(self.bytes, share.bytes);
        if share.hours == 1 {
            let cell = hour_of_week(share.last_hour);
            if let Ok(at) = self.hours.binary_search_by_key(&cell, |(hour, _)| *hour)
                && let Some((_, flows)) = self.hours.get_mut(at)
            {
                *flows -= 1;
                if *flows == 0 {
                    self.hours.remove(at);
                }
            }
        }
    }

    /// A flow comes over from `was`, another tally of the same edge.
    pub fn enter(&mut self, share: &Share, was: &Self) {
        self.flows += 1;
        self.answered_flows += u64::from(share.answered);
        add(&mut self.packets, share.packets);
        add(&mut self.bytes, share.bytes);
        (self.first_seen, self.last_seen) = (self.first_seen.min(was.first_seen), self.last_seen.max(was.last_seen));
        if share.hours > 0 {
            self.add_hour(hour_of_week(share.last_hour), 1);
            self.days.mark(share.last_hour.div_euclid(24));
        }
        self.direction_reason = self.direction_reason.max(was.direction_reason);
        was.addresses[0].iter().for_each(|ip| self.note_address(Direction::ToResponder, *ip));
        was.addresses[1].iter().for_each(|ip| self.note_address(Direction::ToOriginator, *ip));
    }

    pub fn operate(&mut self, name: &'static str) {
        self.operate_times(Cow::Borrowed(name), 1);
    }

    /// Two tallies of what is one conversation after all.
    pub fn merge(&mut self, other: Self) {
        self.flows += other.flows;
        self.answered_flows += other.answered_flows;
        add(&mut self.packets, other.packets);
        add(&mut self.bytes, other.bytes);
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        for (hour, flows) in other.hours {
            self.add_hour(hour, flows);
        }
        self.days.merge(&other.days);
        self.addresses_omitted += other.addresses_omitted;
        let [clients, servers] = other.addresses;
        clients.into_iter().for_each(|ip| self.note_address(Direction::ToResponder, ip));
        servers.into_iter().for_each(|ip| self.note_address(Direction::ToOriginator, ip));
        self.direction_reason = self.direction_reason.max(other.direction_reason);
        for (name, times) in other.operations {
            self.operate_times(name, times);
        }
    }

    /// Fills the sums of `conversation`; whose they are is the caller's part.
    pub fn write_to(&self, conversation: &mut Conversation) {
        let [clients, servers] = &self.addresses;
        conversation.client_addresses = clients.to_vec();
        conversation.server_addresses = servers.to_vec();
        conversation.addresses_omitted = self.addresses_omitted;
        conversation.flows = self.flows;
        conversation.answered_flows = self.answered_flows;
        conversation.packets = self.packets;
        conversation.bytes = self.bytes;
        conversation.first_seen = self.first_seen;
        conversation.last_seen = self.last_seen;
        conversation.activity = Activity { hours: self.hours.to_vec(), days: self.days.count() };
        conversation.direction_reason = self.direction_reason;
        conversation.operations =
            self.operations.iter().map(|(name, times)| Operation { name: name.clone().into_owned(), times: *times }).collect();
    }

    /// The inverse of `write_to`, for what an earlier run remembered. Which days were active is known by number only.
    #[must_use]
    pub fn remembered(conversation: &Conversation) -> Self {
        let mut tally = Self::new(conversation.first_seen);
        tally.flows = conversation.flows;
        tally.answered_flows = conversation.answered_flows;
        (tally.packets, tally.bytes) = (conversation.packets, conversation.bytes);
        tally.last_seen = conversation.last_seen;
        tally.hours = conversation.activity.hours.iter().copied().collect();
        tally.days = Days::remembered(conversation.activity.days, conversation.last_seen.day());
        tally.addresses =
            [&conversation.client_addresses, &conversation.server_addresses].map(|ips| ips.iter().copied().collect());
        tally.addresses_omitted = conversation.addresses_omitted;
        tally.direction_reason = conversation.direction_reason;
        tally.operations = conversation.operations.iter().map(|known| (Cow::Owned(known.name.clone()), known.times)).collect();
        tally
    }

    fn mark_hour(&mut self, share: &mut Share, at: Timestamp) {
        let hour = at.as_nanos().div_euclid(3_600_000_000_000);
        if share.hours > 0 && share.last_hour == hour {
            return;
        }
        (share.hours, share.last_hour) = (share.hours.saturating_add(1), hour);
        self.add_hour(at.hour_of_week(), 1);
        self.days.mark(at.day());
    }

    fn add_hour(&mut self, hour: u8, flows: u64) {
        match self.hours.binary_search_by_key(&hour, |(known, _)| *known) {
            Ok(at) => self.hours.get_mut(at).into_iter().for_each(|cell| cell.1 += flows),
            Err(at) => self.hours.insert(at, (hour, flows)),
        }
    }

    fn note_address(&mut self, toward: Direction, ip: IpAddr) {
        let known = &mut self.addresses[usize::from(toward == Direction::ToOriginator)];
        if let Err(at) = known.binary_search(&ip) {
            if known.len() < Conversation::MAX_ADDRESSES {
                known.insert(at, ip);
            } else {
                self.addresses_omitted += 1;
            }
        }
    }

    fn operate_times(&mut self, name: Cow<'static, str>, times: u64) {
        let mut place = self.operations.binary_search_by(|(known, _)| known.cmp(&name));
        let mut name = name;
        // One place is kept for `other`.
        if place.is_err() && self.operations.len() + 1 >= Conversation::MAX_OPERATIONS {
            name = Cow::Borrowed(OTHER);
            place = self.operations.binary_search_by(|(known, _)| known.cmp(&name));
        }
        match place {
            Ok(at) => self.operations.get_mut(at).into_iter().for_each(|(_, count)| *count += times),
            Err(at) => self.operations.insert(at, (name, times)),
        }
    }
}

const fn hour_of_week(hour: i64) -> u8 {
    // 1970-01-01T00 was the 72nd hour of its week.
    (hour + 72).rem_euclid(168) as u8
}

const fn add(sum: &mut EachWay, more: EachWay) {
    sum.client += more.client;
    sum.server += more.server;
}

const fn minus(from: EachWay, less: EachWay) -> EachWay {
    EachWay { client: from.client.saturating_sub(less.client), server: from.server.saturating_sub(less.server) }
}

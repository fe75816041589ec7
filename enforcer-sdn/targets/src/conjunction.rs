//! What one entry of a packet filter selects, gathered match by match: for parsers of dialects whose entries are products of fields.

use enforcer_packetset::{AddressSet, FlagSet, L4, LinkSet, Number, PortSet, RangeSet, Selector, StateSet, WeekSet};

/// Connection states as Linux and Open vSwitch tell them apart, one bit each.
pub(crate) mod state {
    pub(crate) const INVALID: u8 = 1;
    pub(crate) const ESTABLISHED: u8 = 2;
    pub(crate) const RELATED: u8 = 4;
    pub(crate) const NEW: u8 = 8;
    pub(crate) const UNTRACKED: u8 = 16;
    pub(crate) const EVERY: u8 = 31;
    /// What a ruleset calls established.
    pub(crate) const ADMITTED: u8 = ESTABLISHED | RELATED;
}

/// The product of the matches so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conjunction {
    pub(crate) is_v4: bool,
    pub(crate) is_v6: bool,
    pub(crate) source: AddressSet,
    pub(crate) destination: AddressSet,
    pub(crate) protocols: RangeSet<u8>,
    pub(crate) source_ports: Option<PortSet>,
    pub(crate) destination_ports: Option<PortSet>,
    pub(crate) types: Option<RangeSet<u8>>,
    pub(crate) codes: Option<RangeSet<u8>>,
    /// Not full: TCP only.
    pub(crate) flags: FlagSet,
    /// Bits of [`state`].
    pub(crate) states: u8,
    pub(crate) week: WeekSet,
}

/// Why the matches are no union of selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsayable {
    /// Some of new, invalid and untracked, or one of established and related.
    SplitState,
    /// Ports of protocols that have none.
    PortsOfAny,
}

impl Conjunction {
    /// What an entry without matches selects.
    pub(crate) const fn all(is_v4: bool, is_v6: bool) -> Self {
        Self {
            is_v4,
            is_v6,
            source: AddressSet::full(),
            destination: AddressSet::full(),
            protocols: RangeSet::full(),
            source_ports: None,
            destination_ports: None,
            types: None,
            codes: None,
            flags: FlagSet::full(),
            states: state::EVERY,
            week: WeekSet::always(),
        }
    }

    /// What both select.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            is_v4: self.is_v4 && other.is_v4,
            is_v6: self.is_v6 && other.is_v6,
            source: self.source.intersection(&other.source),
            destination: self.destination.intersection(&other.destination),
            protocols: self.protocols.intersection(&other.protocols),
            source_ports: both(self.source_ports.as_ref(), other.source_ports.as_ref()),
            destination_ports: both(self.destination_ports.as_ref(), other.destination_ports.as_ref()),
            types: both(self.types.as_ref(), other.types.as_ref()),
            codes: both(self.codes.as_ref(), other.codes.as_ref()),
            flags: self.flags.intersection(other.flags),
            states: self.states & other.states,
            week: WeekSet::from_ranges(self.week.minutes().intersection(other.week.minutes()).ranges().iter().copied()),
        }
    }

    pub(crate) fn restrict_protocols(&mut self, to: &RangeSet<u8>) {
        self.protocols = self.protocols.intersection(to);
    }

    /// Every way to write flags is about TCP only.
    pub(crate) fn restrict_flags(&mut self, to: FlagSet) {
        self.restrict_protocols(&RangeSet::of(6));
        self.flags = self.flags.intersection(to);
    }

    pub(crate) fn restrict_week(&mut self, minutes: &RangeSet<u16>) {
        self.week = WeekSet::from_ranges(self.week.minutes().intersection(minutes).ranges().iter().copied());
    }

    /// Whether some set is empty, so that no packet is selected.
    pub(crate) fn is_nothing(&self) -> bool {
        let addresses = |v4: bool| {
            if v4 {
                self.is_v4 && !self.source.v4.is_empty() && !self.destination.v4.is_empty()
            } else {
                self.is_v6 && !self.source.v6.is_empty() && !self.destination.v6.is_empty()
            }
        };
        let is_empty = |set: &Option<PortSet>| set.as_ref().is_some_and(RangeSet::is_empty);
        let is_empty_byte = |set: &Option<RangeSet<u8>>| set.as_ref().is_some_and(RangeSet::is_empty);
        !(addresses(true) || addresses(false))
            || self.protocols.is_empty()
            || self.states == 0
            || self.flags.is_empty()
            || !(self.flags.is_full() || self.protocols.contains(6))
            || self.week.is_never()
            || is_empty(&self.source_ports)
            || is_empty(&self.destination_ports)
            || is_empty_byte(&self.types)
            || is_empty_byte(&self.codes)
    }

    /// The selectors whose union is what is selected; none where that is nothing. No two of them share a packet.
    pub(crate) fn selectors(&self) -> Result<Vec<Selector>, Unsayable> {
        if self.is_nothing() {
            return Ok(Vec::new());
        }
        let (admitted, other) = (self.states & state::ADMITTED, self.states & !state::ADMITTED);
        let state = match (other, admitted) {
            (OTHER, state::ADMITTED) => StateSet::Any,
            (OTHER, 0) => StateSet::New,
            (0, state::ADMITTED) => StateSet::Established,
            _ => return Err(Unsayable::SplitState),
        };
        let keep = |set: &AddressSet| AddressSet {
            v4: if self.is_v4 { set.v4.clone() } else { RangeSet::empty() },
            v6: if self.is_v6 { set.v6.clone() } else { RangeSet::empty() },
        };
        let (source, destination) = (keep(&self.source), keep(&self.destination));
        let selector = |l4| Selector {
            source: source.clone(),
            destination: destination.clone(),
            l4,
            flags: self.flags,
            state,
            week: self.week.clone(),
            link: LinkSet::any(),
        };
        Ok(self.l4()?.into_iter().map(selector).collect())
    }

    fn l4(&self) -> Result<Vec<L4>, Unsayable> {
        let has_ports = self.source_ports.is_some() || self.destination_ports.is_some();
        let has_icmp = self.types.is_some() || self.codes.is_some();
        if self.protocols.is_full() && self.flags.is_full() && !has_ports && !has_icmp {
            return Ok(vec![L4::Any]);
        }
        let tcp = RangeSet::of(6);
        let protocols = if self.flags.is_full() { &self.protocols } else { &tcp };
        let numbers = protocols.ranges().iter().flat_map(|&(first, last)| first..=last);
        if !has_ports && !has_icmp {
            return Ok(numbers.map(L4::Protocol).collect());
        }
        if has_ports && has_icmp {
            // No packet has both; but nft and Open vSwitch read ports where an ICMP message has other fields.
            return Err(Unsayable::PortsOfAny);
        }
        let (source, destination) = (or_full(self.source_ports.as_ref()), or_full(self.destination_ports.as_ref()));
        let (types, codes) = (or_full(self.types.as_ref()), or_full(self.codes.as_ref()));
        numbers
            .map(|number| match number {
                6 if has_ports => Ok(L4::Tcp { source: source.clone(), destination: destination.clone() }),
                17 if has_ports => Ok(L4::Udp { source: source.clone(), destination: destination.clone() }),
                132 if has_ports => Ok(L4::Sctp { source: source.clone(), destination: destination.clone() }),
                1 if has_icmp => Ok(L4::Icmp { types: types.clone(), codes: codes.clone() }),
                58 if has_icmp => Ok(L4::Icmp6 { types: types.clone(), codes: codes.clone() }),
                _ => Err(Unsayable::PortsOfAny),
            })
            .collect()
    }
}

const OTHER: u8 = state::EVERY & !state::ADMITTED;

fn or_full<T: Number>(set: Option<&RangeSet<T>>) -> RangeSet<T> {
    set.cloned().unwrap_or_else(RangeSet::full)
}

fn both<T: Number>(left: Option<&RangeSet<T>>, right: Option<&RangeSet<T>>) -> Option<RangeSet<T>> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.intersection(right)),
        (one, None) | (None, one) => one.cloned(),
    }
}

/// Intersects a set that may not have been named yet.
pub(crate) fn restrict<T: Number>(set: &mut Option<RangeSet<T>>, to: &RangeSet<T>) {
    *set = Some(set.as_ref().map_or_else(|| to.clone(), |before| before.intersection(to)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_without_a_protocol_that_has_them_are_no_selector() {
        let mut all = Conjunction::all(true, true);
        restrict(&mut all.source_ports, &RangeSet::of(1));
        assert_eq!(all.selectors(), Err(Unsayable::PortsOfAny));
        all.restrict_protocols(&RangeSet::from_ranges([(6, 6), (17, 17)]));
        assert_eq!(all.selectors().unwrap().len(), 2);
    }

    #[test]
    fn half_of_a_state_is_no_selector() {
        let mut all = Conjunction::all(true, false);
        all.states = state::NEW;
        assert_eq!(all.selectors(), Err(Unsayable::SplitState));
        all.states = OTHER;
        assert_eq!(all.selectors().unwrap()[0].state, StateSet::New);
    }

    #[test]
    fn both_is_the_intersection_in_every_field() {
        let mut tcp = Conjunction::all(true, true);
        tcp.restrict_protocols(&RangeSet::of(6));
        restrict(&mut tcp.destination_ports, &RangeSet::range(1, 9));
        let mut high = tcp.clone();
        high.is_v4 = false;
        restrict(&mut high.destination_ports, &RangeSet::range(5, 20));
        let both = tcp.and(&high);
        assert_eq!(both.destination_ports, Some(RangeSet::range(5, 9)));
        assert!(!both.is_v4 && both.is_v6 && !both.is_nothing());
    }
}

//! What one nft rule selects, gathered match by match, for the parser.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, RangeSet, Selector, StateSet, WeekSet};

/// States as bits; see `values::STATE`.
const EVERY_STATE: u8 = 0b100_1111;
const ESTABLISHED: u8 = 0b110;
const NEW: u8 = EVERY_STATE & !ESTABLISHED;

/// The product of the matches so far.
#[derive(Clone, Debug)]
pub(super) struct Conjunction {
    pub is_v4: bool,
    pub is_v6: bool,
    pub source: AddressSet,
    pub destination: AddressSet,
    pub protocols: RangeSet<u8>,
    pub source_ports: Option<PortSet>,
    pub destination_ports: Option<PortSet>,
    pub types: Option<RangeSet<u8>>,
    pub codes: Option<RangeSet<u8>>,
    pub flags: FlagSet,
    pub states: u8,
    pub week: WeekSet,
}

/// Why a rule is no union of selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsayable {
    /// Some of new, invalid and untracked, or one of established and related.
    SplitState,
    /// Ports of protocols that have none.
    PortsOfAny,
}

impl Conjunction {
    /// What a rule without matches selects in a table of the family.
    pub(super) const fn all(is_v4: bool, is_v6: bool) -> Self {
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
            states: EVERY_STATE,
            week: WeekSet::always(),
        }
    }

    pub(super) fn restrict_protocols(&mut self, to: &RangeSet<u8>) {
        self.protocols = self.protocols.intersection(to);
    }

    /// Every way to write flags is about TCP only.
    pub(super) fn restrict_flags(&mut self, to: FlagSet) {
        self.restrict_protocols(&RangeSet::of(6));
        self.flags = self.flags.intersection(to);
    }

    pub(super) fn restrict_states(&mut self, bits: &RangeSet<u8>) {
        let wanted = [1, 2, 4, 8, 64].into_iter().filter(|&bit| bits.contains(bit)).fold(0, |all, bit| all | bit);
        self.states &= wanted;
    }

    pub(super) fn restrict_week(&mut self, minutes: &RangeSet<u16>) {
        self.week = WeekSet::from_ranges(self.week.minutes().intersection(minutes).ranges().iter().copied());
    }

    /// The selectors whose union is what the rule selects; none where it selects nothing. No two of them share a packet.
    pub(super) fn selectors(&self) -> Result<Vec<Selector>, Unsayable> {
        let state = match (self.states & NEW, self.states & ESTABLISHED) {
            (0, 0) => return Ok(Vec::new()),
            (NEW, ESTABLISHED) => StateSet::Any,
            (NEW, 0) => StateSet::New,
            (0, ESTABLISHED) => StateSet::Established,
            _ => return Err(Unsayable::SplitState),
        };
        let keep = |set: &AddressSet| AddressSet {
            v4: if self.is_v4 { set.v4.clone() } else { RangeSet::empty() },
            v6: if self.is_v6 { set.v6.clone() } else { RangeSet::empty() },
        };
        let (source, destination) = (keep(&self.source), keep(&self.destination));
        let has_v4 = !source.v4.is_empty() && !destination.v4.is_empty();
        let has_v6 = !source.v6.is_empty() && !destination.v6.is_empty();
        if self.week.is_never() || self.flags.is_empty() || !(has_v4 || has_v6) {
            return Ok(Vec::new());
        }
        let selector = |l4| Selector {
            source: source.clone(),
            destination: destination.clone(),
            l4,
            flags: self.flags,
            state,
            week: self.week.clone(),
            ..Selector::any()
        };
        Ok(self.l4()?.into_iter().map(selector).collect())
    }

    fn l4(&self) -> Result<Vec<L4>, Unsayable> {
        let has_ports = self.source_ports.is_some() || self.destination_ports.is_some();
        let has_icmp = self.types.is_some() || self.codes.is_some();
        if self.protocols.is_full() && !has_ports && !has_icmp {
            return Ok(vec![L4::Any]);
        }
        let numbers = self.protocols.ranges().iter().flat_map(|&(first, last)| first..=last);
        if !has_ports && !has_icmp {
            return Ok(numbers.map(L4::Protocol).collect());
        }
        let (source, destination) = (or_full(&self.source_ports), or_full(&self.destination_ports));
        let (types, codes) = (or_full(&self.types), or_full(&self.codes));
        if source.is_empty() || destination.is_empty() || types.is_empty() || codes.is_empty() {
            return Ok(Vec::new());
        }
        numbers
            .map(|number| match number {
                6 if has_ports => Ok(L4::Tcp { source: source.clone(), destination: destination.clone() }),
                17 if has_ports => Ok(L4::Udp { source: source.clone(), destination: destination.clone() }),
                132 if has_ports => Ok(L4::Sctp { source: source.clone(), destination: destination.clone() }),
                // The keywords `icmp` and `icmpv6` restrict the protocol themselves, and the IP version.
                1 if has_icmp => Ok(L4::Icmp { types: types.clone(), codes: codes.clone() }),
                58 if has_icmp => Ok(L4::Icmp6 { types: types.clone(), codes: codes.clone() }),
                _ => Err(Unsayable::PortsOfAny),
            })
            .collect()
    }
}

fn or_full<T: enforcer_packetset::Number>(set: &Option<RangeSet<T>>) -> RangeSet<T> {
    set.clone().unwrap_or_else(RangeSet::full)
}

/// Intersects a set that may not have been named yet.
pub(super) fn restrict<T: enforcer_packetset::Number>(set: &mut Option<RangeSet<T>>, to: &RangeSet<T>) {
    *set = Some(set.as_ref().map_or_else(|| to.clone(), |before| before.intersection(to)));
}

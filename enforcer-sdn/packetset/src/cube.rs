//! The steps of a chain as numbers: one set for each field and family, numbered so that equal sets are equal numbers.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::chain::RestId;
use crate::level::{Class, Context, Level};
use crate::range::Number;
use crate::{FlagSet, HeadingSet, L4, LinkSet, PortSet, RangeSet, Selector, StateSet, Step, Verdict};

/// Number of a set of values of one field; `FULL` holds every value, whatever the field.
pub(crate) type FieldId = u32;
pub(crate) const FULL: FieldId = 0;

type Ranges = Arc<[(u128, u128)]>;

/// One step of one family: a set for each field from `State` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cube {
    pub fields: [FieldId; FIELDS],
    pub effect: RestId,
}

pub(crate) const FIELDS: usize = Level::ALL.len() - 1;
pub(crate) const WEEK: usize = Level::Week.index() - 1;

impl Cube {
    pub(crate) fn differs_at_most_in_week(&self, other: &Self) -> bool {
        let (before, after) = (self.fields.split_at(WEEK), other.fields.split_at(WEEK));
        self.effect == other.effect && before.0 == after.0 && before.1.get(1..) == after.1.get(1..)
    }
}

/// The sets of all fields.
#[derive(Debug)]
pub(crate) struct Fields {
    sets: Vec<Ranges>,
    ids: HashMap<Ranges, FieldId, FixedState>,
    /// Sets that share their memory are found without reading them. Sound while the steps that own them are borrowed.
    shared_ids: HashMap<(usize, usize), FieldId, FixedState>,
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self { sets: vec![Arc::from([(0, u128::MAX)])], ids: HashMap::default(), shared_ids: HashMap::default() }
    }

    /// Before other steps are read: the memory of the last ones may be another set's by now.
    pub(crate) fn forget_shared(&mut self) {
        self.shared_ids.clear();
    }

    pub(crate) fn unite_weeks(&mut self, left: FieldId, right: FieldId) -> FieldId {
        if left == right || left == FULL || right == FULL {
            return if left == right { left } else { FULL };
        }
        let both = self.ranges(left).iter().chain(self.ranges(right)).copied().collect::<Vec<_>>();
        let set = RangeSet::from_ranges(both);
        let is_full = set.ranges() == [(0, Context::default().max(Level::Week))];
        self.field(set.ranges(), is_full).unwrap_or(FULL)
    }

    pub(crate) fn cube(&mut self, step: &Step, is_ipv6: bool) -> Option<Cube> {
        let Selector { source, destination, l4, flags, state, week, link } = &step.selector;
        let state = match state {
            StateSet::Any => FULL,
            StateSet::New => self.field(&[(0, 0)], false)?,
            StateSet::Established => self.field(&[(1, 1)], false)?,
        };
        let (destination, source) = if is_ipv6 {
            (self.shared(&destination.v6)?, self.shared(&source.v6)?)
        } else {
            (self.shared(&destination.v4)?, self.shared(&source.v4)?)
        };
        let [protocol, flags, to, from] = self.l4(l4, *flags, is_ipv6)?;
        let week = if week.is_always() { FULL } else { self.shared(week.minutes())? };
        let [heading, vlan, source_mac, destination_mac] = self.link(link)?;
        let verdict = match step.effect.verdict {
            None => 0,
            Some(Verdict::Allow) => 2,
            Some(Verdict::Deny) => 4,
        };
        let effect = verdict + RestId::from(step.effect.log);
        // As in `Level::ALL`, without the family.
        let fields = [state, heading, destination, source, protocol, flags, to, from, week, vlan, source_mac, destination_mac];
        Some(Cube { fields, effect })
    }

    fn link(&mut self, link: &LinkSet) -> Option<[FieldId; 4]> {
        if link.is_any() {
            return Some([FULL; 4]);
        }
        let heading = match link.heading {
            HeadingSet::Any => FULL,
            HeadingSet::In => self.field(&[(0, 0)], false)?,
            HeadingSet::Out => self.field(&[(1, 1)], false)?,
        };
        Some([heading, self.shared(&link.vlan)?, self.shared(&link.source_mac)?, self.shared(&link.destination_mac)?])
    }

    /// Protocol, flags, destination and source port.
    fn l4(&mut self, l4: &L4, flags: FlagSet, is_ipv6: bool) -> Option<[FieldId; 4]> {
        let (number, to, from) = match l4 {
            L4::Any if flags.is_full() => return Some([FULL, FULL, FULL, FULL]),
            L4::Any => (6, FULL, FULL),
            L4::Protocol(number) => (*number, FULL, FULL),
            L4::Tcp { source, destination } => self.ports(6, source, destination)?,
            L4::Udp { source, destination } => self.ports(17, source, destination)?,
            L4::Sctp { source, destination } => self.ports(132, source, destination)?,
            L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => {
                let number = if matches!(l4, L4::Icmp { .. }) { 1 } else { 58 };
                if Class::of(is_ipv6, number) != Class::Icmp {
                    return None;
                }
                (number, self.shared(codes)?, self.shared(types)?)
            }
        };
        let protocol = self.field(&[(number.into(), number.into())], false)?;
        if flags.is_full() {
            return Some([protocol, FULL, to, from]);
        }
        let bytes: Vec<(u128, u128)> = flags.ranges().into_iter().map(|(first, last)| (first.into(), last.into())).collect();
        // Restricted flags select TCP only.
        if number == 6 { Some([protocol, self.field(&bytes, false)?, to, from]) } else { None }
    }

    fn ports(&mut self, number: u8, source: &PortSet, destination: &PortSet) -> Option<(u8, FieldId, FieldId)> {
        Some((number, self.shared(destination)?, self.shared(source)?))
    }

    /// None for the empty set.
    fn shared<T: Number + Into<u128>>(&mut self, set: &RangeSet<T>) -> Option<FieldId> {
        if set.is_full() {
            return Some(FULL);
        }
        let place = (set.ranges().as_ptr().addr(), set.ranges().len());
        if let Some(&id) = self.shared_ids.get(&place) {
            return Some(id);
        }
        let ranges: Vec<(u128, u128)> = set.ranges().iter().map(|&(first, last)| (first.into(), last.into())).collect();
        let id = self.field(&ranges, false)?;
        self.shared_ids.insert(place, id);
        Some(id)
    }

    /// None for the empty set.
    fn field(&mut self, ranges: &[(u128, u128)], is_full: bool) -> Option<FieldId> {
        if is_full {
            return Some(FULL);
        }
        if ranges.is_empty() {
            return None;
        }
        if let Some(&id) = self.ids.get(ranges) {
            return Some(id);
        }
        let id = FieldId::try_from(self.sets.len()).ok()?;
        let ranges: Ranges = Arc::from(ranges);
        self.sets.push(ranges.clone());
        self.ids.insert(ranges, id);
        Some(id)
    }

    pub(crate) fn ranges(&self, id: FieldId) -> &[(u128, u128)] {
        self.sets.get(id as usize).map_or(&[], |ranges| ranges)
    }
}

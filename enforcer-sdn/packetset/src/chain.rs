//! Compiles first-match chains of selectors to diagrams: which packets are denied, which are logged.
//!
//! A chain is cut field by field. On each interval between two neighbouring boundaries of the rules' sets the same rules are active, so
//! their rest (the fields still to ask, and the effect) is compiled once for all intervals with the same active rests. What an earlier
//! rule decides whatever the later fields are, later rules cannot change: the list ends there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::diagram::{Arena, Edge, Limits, NodeId, OUT, TooLarge};
use crate::level::{Class, Context, Level};
use crate::range::Number;
use crate::{L4, PortSet, RangeSet, Selector, StateSet, Step, Verdict};

/// Number of a set of values of one field; `FULL` holds every value, whatever the field.
type FieldId = u32;
const FULL: FieldId = 0;

/// Number of a rest: the sets of all fields from one level on, and the effect.
pub(crate) type RestId = u32;

/// Rests at `Level::End` are effects.
const EFFECTS: RestId = 6;

#[derive(Clone, Copy, Debug)]
struct Rest {
    field: FieldId,
    next: RestId,
    /// Every field from here on is full: each packet that comes here is selected.
    selects_all: bool,
    decides: bool,
}

type Ranges = Arc<[(u128, u128)]>;

/// Steps of one family as numbers: equal numbers are equal steps.
pub(crate) type RestList = Vec<RestId>;

/// Numbers fields and rests, and compiles lists of them into one arena.
pub(crate) struct Compiler {
    pub arena: Arena,
    fields: Vec<Ranges>,
    field_ids: HashMap<Ranges, FieldId, FixedState>,
    /// Sets that share their memory are found without reading them. Sound while the steps that own them are borrowed.
    shared_ids: HashMap<(usize, usize), FieldId, FixedState>,
    rests: Vec<Rest>,
    rest_ids: HashMap<(Level, FieldId, RestId), RestId, FixedState>,
    done: HashMap<(Level, Context, Box<[RestId]>), NodeId, FixedState>,
    /// For each rest the last list that it was put in.
    seen_in: Vec<u64>,
    list_number: u64,
    visits: usize,
    held: usize,
    limits: Limits,
}

/// One step of one family: a set for each field from `State` on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cube {
    fields: [FieldId; 7],
    effect: RestId,
}

const WEEK: usize = 6;

impl Compiler {
    pub(crate) fn new(limits: Limits) -> Self {
        let effect = |code: RestId| Rest { field: FULL, next: code, selects_all: true, decides: code >= 2 };
        Self {
            arena: Arena::new(limits),
            fields: vec![Arc::from([(0, u128::MAX)])],
            field_ids: HashMap::default(),
            shared_ids: HashMap::default(),
            rests: (0..EFFECTS).map(effect).collect(),
            rest_ids: HashMap::default(),
            done: HashMap::default(),
            seen_in: Vec::new(),
            list_number: 0,
            visits: 0,
            held: 0,
            limits,
        }
    }

    /// The steps as numbers, IPv4 and IPv6 apart (no packet is of both). Neighbours that differ only in their minutes become one step:
    /// they have one effect, and so does their union. Steps that can have no effect any more are left out.
    pub(crate) fn number(&mut self, steps: &[Step]) -> [RestList; 2] {
        [false, true].map(|is_ipv6| {
            // Keyed by address, so only valid while these steps are borrowed.
            self.shared_ids.clear();
            let mut cubes: Vec<Cube> = Vec::with_capacity(steps.len());
            for step in steps {
                let Some(cube) = self.cube(step, is_ipv6) else { continue };
                match cubes.last_mut() {
                    Some(before) if before.fields[..WEEK] == cube.fields[..WEEK] && before.effect == cube.effect => {
                        before.fields[WEEK] = self.unite_weeks(before.fields[WEEK], cube.fields[WEEK]);
                    }
                    _ => cubes.push(cube),
                }
            }
            let rests: RestList = cubes.iter().map(|cube| self.rest_of(cube)).collect();
            self.shorten(rests)
        })
    }

    fn unite_weeks(&mut self, left: FieldId, right: FieldId) -> FieldId {
        if left == right || left == FULL || right == FULL {
            return if left == right { left } else { FULL };
        }
        let both = self.ranges(left).iter().chain(self.ranges(right)).copied().collect::<Vec<_>>();
        let set = RangeSet::from_ranges(both);
        let is_full = set.ranges() == [(0, Context::default().max(Level::Week))];
        self.field(set.ranges(), is_full).unwrap_or(FULL)
    }

    fn cube(&mut self, step: &Step, is_ipv6: bool) -> Option<Cube> {
        let Selector { source, destination, l4, state, week } = &step.selector;
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
        let [protocol, to, from] = self.l4(l4, is_ipv6)?;
        let week = if week.is_always() { FULL } else { self.shared(week.minutes())? };
        let verdict = match step.effect.verdict {
            None => 0,
            Some(Verdict::Allow) => 2,
            Some(Verdict::Deny) => 4,
        };
        let effect = verdict + RestId::from(step.effect.log);
        Some(Cube { fields: [state, destination, source, protocol, to, from, week], effect })
    }

    fn l4(&mut self, l4: &L4, is_ipv6: bool) -> Option<[FieldId; 3]> {
        let (number, to, from) = match l4 {
            L4::Any => return Some([FULL, FULL, FULL]),
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
        Some([self.field(&[(number.into(), number.into())], false)?, to, from])
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
        if let Some(&id) = self.field_ids.get(ranges) {
            return Some(id);
        }
        let id = FieldId::try_from(self.fields.len()).ok()?;
        let ranges: Ranges = Arc::from(ranges);
        self.fields.push(ranges.clone());
        self.field_ids.insert(ranges, id);
        Some(id)
    }

    fn ranges(&self, id: FieldId) -> &[(u128, u128)] {
        self.fields.get(id as usize).map_or(&[], |ranges| ranges)
    }

    fn rest_of(&mut self, cube: &Cube) -> RestId {
        let levels = Level::ALL.iter().skip(1).zip(cube.fields).rev();
        levels.fold(cube.effect, |next, (&level, field)| {
            *self.rest_ids.entry((level, field, next)).or_insert_with(|| {
                let after = self.rests.get(next as usize);
                self.rests.push(Rest {
                    field,
                    next,
                    selects_all: field == FULL && after.is_some_and(|rest| rest.selects_all),
                    decides: after.is_some_and(|rest| rest.decides),
                });
                (self.rests.len() - 1) as RestId
            })
        })
    }

    fn rest(&self, id: RestId) -> Rest {
        const NOTHING: Rest = Rest { field: FULL, next: 0, selects_all: true, decides: false };
        self.rests.get(id as usize).copied().unwrap_or(NOTHING)
    }

    /// Leaves out what cannot change any outcome: a repeated rest (the first one decided, or logged), everything after a rest that decides
    /// all, and at the end what allows without a log, as the end of the chain does.
    fn shorten(&mut self, list: impl IntoIterator<Item = RestId>) -> RestList {
        self.list_number += 1;
        self.seen_in.resize(self.rests.len(), 0);
        let mut short = Vec::new();
        for id in list {
            self.visits += 1;
            match self.seen_in.get_mut(id as usize) {
                Some(seen) if *seen == self.list_number => continue,
                Some(seen) => *seen = self.list_number,
                None => {}
            }
            short.push(id);
            let rest = self.rest(id);
            if rest.selects_all && rest.decides {
                break;
            }
        }
        while short.last().is_some_and(|&id| self.allows_quietly(id)) {
            short.pop();
        }
        short
    }

    fn allows_quietly(&self, mut id: RestId) -> bool {
        while id >= EFFECTS {
            id = self.rest(id).next;
        }
        id == 0 || id == 2
    }

    /// The diagram of both families' lists: terminal bit 0 is "denied", bit 1 is "logged".
    pub(crate) fn compile(&mut self, lists: &[RestList; 2]) -> Result<NodeId, TooLarge> {
        let [v4, v6] = lists;
        let below_v4 = self.build(Level::State, Context::default().after(Level::Family, 0), v4.clone())?;
        let below_v6 = self.build(Level::State, Context::default().after(Level::Family, 1), v6.clone())?;
        self.arena.make(Level::Family, &[Edge { last: 0, to: below_v4 }, Edge { last: 1, to: below_v6 }])
    }

    fn build(&mut self, mut level: Level, mut context: Context, mut list: RestList) -> Result<NodeId, TooLarge> {
        // A field that no rule restricts is not asked.
        while level != Level::End && list.iter().all(|&id| self.rest(id).field == FULL) {
            list = self.next_list(list);
            context = context.after(level, 0);
            level = level.next();
        }
        if list.is_empty() {
            return Ok(OUT);
        }
        if level == Level::End {
            return Ok(outcome(&list));
        }
        let key = (level, context, list.into_boxed_slice());
        if let Some(&known) = self.done.get(&key) {
            return Ok(known);
        }
        let id = self.sweep(level, context, &key.2)?;
        self.held += key.2.len() / 8 + 1;
        if self.held > self.limits.edges {
            return Err(TooLarge { limit: "edges", allowed: self.limits.edges });
        }
        self.done.insert(key, id);
        Ok(id)
    }

    fn next_list(&mut self, list: impl IntoIterator<Item = RestId>) -> RestList {
        let next: RestList = list.into_iter().map(|id| self.rest(id).next).collect();
        self.shorten(next)
    }

    /// Walks over the field's values, from one boundary of the rules' sets to the next.
    fn sweep(&mut self, level: Level, context: Context, list: &[RestId]) -> Result<NodeId, TooLarge> {
        let max = context.max(level);
        let mut active: BTreeSet<usize> = BTreeSet::new();
        let mut boundaries: Vec<(u128, usize, bool)> = Vec::new();
        for (position, &id) in list.iter().enumerate() {
            let field = self.rest(id).field;
            if field == FULL {
                active.insert(position);
                continue;
            }
            for &(first, last) in self.ranges(field) {
                boundaries.push((first, position, true));
                if last < max {
                    boundaries.push((last + 1, position, false));
                }
            }
        }
        boundaries.sort_unstable();
        let mut boundaries = boundaries.into_iter().peekable();
        let mut edges = Vec::new();
        let mut start = 0;
        loop {
            while let Some((_, position, opens)) = boundaries.next_if(|&(at, _, _)| at == start) {
                if opens {
                    active.insert(position);
                } else {
                    active.remove(&position);
                }
            }
            let below = self.below(list, &active);
            if self.visits > self.limits.visits {
                return Err(TooLarge { limit: "visits", allowed: self.limits.visits });
            }
            let to = self.build(level.next(), context.after(level, start), below)?;
            let next = boundaries.peek().map(|&(at, _, _)| at);
            edges.push(Edge { last: next.map_or(max, |at| at - 1), to });
            match next {
                Some(at) => start = at,
                None => return self.arena.make(level, &edges),
            }
        }
    }

    /// The rests of the active rules, up to the first that decides all.
    fn below(&mut self, list: &[RestId], active: &BTreeSet<usize>) -> RestList {
        let mut next = Vec::new();
        for &position in active {
            let Some(&id) = list.get(position) else { continue };
            let below = self.rest(id).next;
            next.push(below);
            let rest = self.rest(below);
            if rest.selects_all && rest.decides {
                break;
            }
        }
        self.shorten(next)
    }

    /// Whether two steps of one family select a packet in common.
    pub(crate) fn overlap(&self, mut left: RestId, mut right: RestId) -> bool {
        while left >= EFFECTS && right >= EFFECTS {
            let (a, b) = (self.rest(left), self.rest(right));
            if a.field != FULL && b.field != FULL && a.field != b.field && !share(self.ranges(a.field), self.ranges(b.field)) {
                return false;
            }
            (left, right) = (a.next, b.next);
        }
        true
    }
}

fn outcome(effects: &[RestId]) -> NodeId {
    let mut logged = 0;
    for effect in effects {
        logged |= (effect & 1) << 1;
        match effect >> 1 {
            0 => {}
            1 => return logged,
            _ => return logged | 1,
        }
    }
    logged
}

fn share(left: &[(u128, u128)], right: &[(u128, u128)]) -> bool {
    let (few, many) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    few.iter().any(|&(first, last)| {
        let at = many.partition_point(|&(_, end)| end < first);
        many.get(at).is_some_and(|&(start, _)| start <= last)
    })
}

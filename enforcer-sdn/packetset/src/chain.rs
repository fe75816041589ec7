//! Compiles first-match chains of selectors to diagrams: which packets are denied, which are logged.
//!
//! A chain is cut field by field. On each interval between two neighbouring boundaries of the rules' sets the same rules are active, so
//! their rest (the fields still to ask, and the effect) is compiled once for all intervals with the same active rests. What an earlier
//! rule decides whatever the later fields are, later rules cannot change: the list ends there. A rest names only the fields that it
//! restricts, so a field that no rule restricts costs nothing.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;

use crate::Step;
use crate::cube::{Cube, FULL, FieldId, Fields, WEEK};
use crate::diagram::{Arena, Edge, Limits, NodeId, OUT, TooLarge};
use crate::level::{Context, Level};

/// Number of a rest: the restricted fields from one level on, and the effect.
pub(crate) type RestId = u32;

/// Rests at `Level::End` are effects.
const EFFECTS: RestId = 6;

#[derive(Clone, Copy, Debug)]
struct Rest {
    /// The first field that is restricted; `End`: each packet that comes here is selected.
    level: Level,
    field: FieldId,
    next: RestId,
    /// Where it ends.
    effect: RestId,
}

/// Steps of one family as numbers: equal numbers are equal steps.
pub(crate) type RestList = Vec<RestId>;

/// Numbers fields and rests, and compiles lists of them into one arena.
pub(crate) struct Compiler {
    pub arena: Arena,
    fields: Fields,
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

impl Compiler {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            arena: Arena::new(limits),
            fields: Fields::new(),
            rests: (0..EFFECTS).map(Rest::end).collect(),
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
        [false, true].map(|is_ipv6| self.number_family(steps, is_ipv6))
    }

    /// The steps of one family.
    pub(crate) fn number_family(&mut self, steps: &[Step], is_ipv6: bool) -> RestList {
        self.fields.forget_shared();
        let mut cubes: Vec<Cube> = Vec::with_capacity(steps.len());
        for step in steps {
            let Some(cube) = self.fields.cube(step, is_ipv6) else { continue };
            match cubes.last_mut() {
                Some(before) if before.differs_at_most_in_week(&cube) => {
                    before.fields[WEEK] = self.fields.unite_weeks(before.fields[WEEK], cube.fields[WEEK]);
                }
                _ => cubes.push(cube),
            }
        }
        let rests: RestList = cubes.iter().map(|cube| self.rest_of(cube)).collect();
        self.shorten(rests)
    }

    fn rest_of(&mut self, cube: &Cube) -> RestId {
        let levels = Level::ALL.iter().skip(1).zip(cube.fields).rev();
        levels.filter(|&(_, field)| field != FULL).fold(cube.effect, |next, (&level, field)| {
            *self.rest_ids.entry((level, field, next)).or_insert_with(|| {
                self.rests.push(Rest { level, field, next, effect: cube.effect });
                (self.rests.len() - 1) as RestId
            })
        })
    }

    fn rest(&self, id: RestId) -> Rest {
        self.rests.get(id as usize).copied().unwrap_or(Rest::end(0))
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
            if decides_all(id) {
                break;
            }
        }
        while short.last().is_some_and(|&id| self.allows_quietly(id)) {
            short.pop();
        }
        short
    }

    fn allows_quietly(&self, id: RestId) -> bool {
        matches!(self.rest(id).effect, 0 | 2)
    }

    /// The diagram of both families' lists: terminal bit 0 is "denied", bit 1 is "logged".
    pub(crate) fn compile(&mut self, lists: &[RestList; 2]) -> Result<NodeId, TooLarge> {
        let [v4, v6] = lists;
        let below_v4 = self.build(Level::State, Context::default().after(Level::Family, 0), v4.clone())?;
        let below_v6 = self.build(Level::State, Context::default().after(Level::Family, 1), v6.clone())?;
        self.arena.make(Level::Family, &[Edge { last: 0, to: below_v4 }, Edge { last: 1, to: below_v6 }])
    }

    fn build(&mut self, mut level: Level, mut context: Context, list: RestList) -> Result<NodeId, TooLarge> {
        let Some(first) = list.iter().map(|&id| self.rest(id).level).min() else { return Ok(OUT) };
        // A field that no rule restricts is not asked.
        while level < first {
            context = context.after(level, 0);
            level = level.next();
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

    /// Walks over the field's values, from one boundary of the rules' sets to the next.
    fn sweep(&mut self, level: Level, context: Context, list: &[RestId]) -> Result<NodeId, TooLarge> {
        let max = context.max(level);
        let mut active: BTreeSet<usize> = BTreeSet::new();
        let mut boundaries: Vec<(u128, usize, bool)> = Vec::new();
        for (position, &id) in list.iter().enumerate() {
            let rest = self.rest(id);
            if rest.level != level {
                active.insert(position);
                continue;
            }
            for &(first, last) in self.fields.ranges(rest.field) {
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
            let below = self.below(level, list, &active);
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
    fn below(&mut self, level: Level, list: &[RestId], active: &BTreeSet<usize>) -> RestList {
        let mut next = Vec::new();
        for &position in active {
            let Some(&id) = list.get(position) else { continue };
            let rest = self.rest(id);
            let below = if rest.level == level { rest.next } else { id };
            next.push(below);
            if decides_all(below) {
                break;
            }
        }
        self.shorten(next)
    }

    /// Whether two steps of one family select a packet in common.
    pub(crate) fn overlap(&self, mut left: RestId, mut right: RestId) -> bool {
        while left >= EFFECTS && right >= EFFECTS {
            let (a, b) = (self.rest(left), self.rest(right));
            if a.level == b.level && a.field != b.field && !share(self.fields.ranges(a.field), self.fields.ranges(b.field)) {
                return false;
            }
            // The other one does not restrict this field.
            if a.level <= b.level {
                left = a.next;
            }
            if b.level <= a.level {
                right = b.next;
            }
        }
        true
    }
}

impl Rest {
    const fn end(effect: RestId) -> Self {
        Self { level: Level::End, field: FULL, next: effect, effect }
    }
}

/// An effect with a verdict: every packet that comes here is decided.
const fn decides_all(id: RestId) -> bool {
    id >= 2 && id < EFFECTS
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

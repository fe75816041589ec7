//! Compares two first-match chains: equal for every packet, or the exact sets of packets on which they differ.
//!
//! Long chains are mostly the same rules in the same order. Let C be a common subsequence of both, D the steps of either that are not in
//! C, and R the packets that some step of D selects. Outside R both chains are C, so they agree there. Inside R, a step that selects no
//! packet of R changes nothing. So the chains agree exactly when they do after leaving out every step of C that shares no packet with a
//! step of D; and where the shortened chains differ, the whole ones do. With D empty there is nothing left to ask. Where little changed, C is
//! what both have at their beginnings and ends, and is only looked at; else it is a longest common subsequence of the numbered steps.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use crate::chain::{Compiler, RestId, RestList};
use crate::diagram::{Limits, Operation, TooLarge};
use crate::same::{self, Narrowed};
use crate::{Packet, PacketSet, Step};

/// How two chains were found equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Steps of the left chain, counted once a family, that the right one has in the same order.
    pub same_steps: usize,
    /// Steps of both chains that had to be compared as packet sets.
    pub compared_steps: usize,
}

/// Where two chains differ. At least one set is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Denied by the left chain, allowed by the right one.
    pub only_left_denies: PacketSet,
    /// Allowed by the left chain, denied by the right one.
    pub only_right_denies: PacketSet,
    pub only_left_logs: PacketSet,
    pub only_right_logs: PacketSet,
}

/// What a chain does, as sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes {
    pub denied: PacketSet,
    pub logged: PacketSet,
}

/// Which diagram terminals count as members: bit 0 of a terminal is "denied", bit 1 "logged".
const DENIED: [u32; 4] = [0, 1, 0, 1];
const LOGGED: [u32; 4] = [0, 0, 1, 1];

/// More pairs than this are not tried for overlap: then all steps stay, which is as right and slower.
const MOST_PAIRS: usize = 20_000_000;

impl Outcomes {
    /// # Errors
    /// When the limits do not suffice.
    pub fn of(chain: &[Step], limits: Limits) -> Result<Self, TooLarge> {
        let mut compiler = Compiler::new(limits);
        let lists = compiler.number(chain);
        let root = compiler.compile(&lists)?;
        let denied = compiler.arena.map_terminals(root, DENIED)?;
        let logged = compiler.arena.map_terminals(root, LOGGED)?;
        Ok(Self { denied: PacketSet::take(&compiler.arena, denied), logged: PacketSet::take(&compiler.arena, logged) })
    }
}

/// Whether two chains do the same with every packet.
///
/// # Errors
/// When the limits do not suffice: then nothing is known.
pub fn compare(left: &[Step], right: &[Step], limits: Limits) -> Result<Result<Agreement, Box<Disagreement>>, TooLarge> {
    let mut compiler = Compiler::new(limits);
    let mut agreement = Agreement { same_steps: 0, compared_steps: 0 };
    let mut shortened = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for (family, is_ipv6) in [false, true].into_iter().enumerate() {
        let (kept_left, kept_right, same) = match same::narrow(left, right, is_ipv6) {
            Some(Narrowed { left, right, same }) => {
                (compiler.number_family(&left, is_ipv6), compiler.number_family(&right, is_ipv6), same)
            }
            None => {
                let left = compiler.number_family(left, is_ipv6);
                let right = compiler.number_family(right, is_ipv6);
                leave_out_the_same(&compiler, &left, &right)
            }
        };
        agreement.same_steps += same;
        agreement.compared_steps += kept_left.len() + kept_right.len();
        shortened[0][family] = kept_left;
        shortened[1][family] = kept_right;
    }
    let left = compiler.compile(&shortened[0])?;
    let right = compiler.compile(&shortened[1])?;
    if left == right {
        return Ok(Ok(agreement));
    }
    let arena = &mut compiler.arena;
    let mut only = |terminals, one, other| {
        let one = arena.map_terminals(one, terminals)?;
        let other = arena.map_terminals(other, terminals)?;
        let root = arena.apply(Operation::Difference, one, other)?;
        Ok(PacketSet::take(arena, root))
    };
    Ok(Err(Box::new(Disagreement {
        only_left_denies: only(DENIED, left, right)?,
        only_right_denies: only(DENIED, right, left)?,
        only_left_logs: only(LOGGED, left, right)?,
        only_right_logs: only(LOGGED, right, left)?,
    })))
}

/// Both lists without the common steps that share no packet with a step that is not common; and how many are common.
fn leave_out_the_same(compiler: &Compiler, left: &RestList, right: &RestList) -> (RestList, RestList, usize) {
    let common = common_subsequence(left, right);
    let apart = |list: &RestList| list.iter().copied().filter(|id| !common.contains(id)).collect::<Vec<_>>();
    let odd: Vec<RestId> = apart(left).into_iter().chain(apart(right)).collect();
    let stays_all = odd.len().saturating_mul(common.len()) > MOST_PAIRS;
    let stays: HashMap<RestId, bool, FixedState> =
        common.iter().map(|&id| (id, stays_all || odd.iter().any(|&other| compiler.overlap(id, other)))).collect();
    let keep = |list: &RestList| list.iter().copied().filter(|id| stays.get(id).copied().unwrap_or(true)).collect();
    (keep(left), keep(right), common.len())
}

/// A longest common subsequence. A list holds each step once, so it is the longest ascending run of the right positions (patience sorting).
fn common_subsequence(left: &RestList, right: &RestList) -> HashSet<RestId, FixedState> {
    let position: HashMap<RestId, usize, FixedState> = right.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let matches: Vec<(RestId, usize)> = left.iter().filter_map(|id| Some((*id, *position.get(id)?))).collect();
    // For each length the match that ends the best run of it, and for each match the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(matches.len());
    for (at, &(_, place)) in matches.iter().enumerate() {
        let length = ends.partition_point(|&end| matches.get(end).is_some_and(|&(_, other)| other < place));
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut common = HashSet::default();
    let mut at = ends.last().copied();
    while let Some(here) = at {
        if let Some(&(id, _)) = matches.get(here) {
            common.insert(id);
        }
        at = before.get(here).copied().flatten();
    }
    common
}

impl Disagreement {
    /// A packet on which the chains differ; a packet that the right chain wrongly allows first.
    #[must_use]
    pub fn witness(&self) -> Option<Packet> {
        [&self.only_left_denies, &self.only_right_denies, &self.only_left_logs, &self.only_right_logs]
            .into_iter()
            .find_map(PacketSet::witness)
    }
}

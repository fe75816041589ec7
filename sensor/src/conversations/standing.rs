//! How much a conversation has shown to be one, and who goes first when the map is full.

use std::collections::VecDeque;

use sensor_model::IpProtocol;

use super::{Edge, Tally};

/// Packets of a flow that are no more than an attempt: a SYN and its repeats, a datagram asked again.
const ATTEMPT_PACKETS: u64 = 8;

/// Lowest goes first. A scan stays at the bottom whatever it sends, since nobody answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// One flow that nobody answered.
    #[default]
    Attempt,
    /// Nobody answered, and still it goes on: a stream of one direction, a mirror of one.
    Unanswered,
    /// Answered, with an end outside, on one day: a passing stranger.
    Passing,
    /// Answered within our network, or on several days.
    Settled,
}

impl Standing {
    /// Of a flow that begins a conversation; `proven` when the server answered and the client went on.
    #[must_use]
    pub const fn of_flow(proven: bool, is_external: bool, packets: u64) -> Self {
        match (proven, is_external) {
            (true, true) => Self::Passing,
            (true, false) => Self::Settled,
            (false, _) if packets > ATTEMPT_PACKETS => Self::Unanswered,
            (false, _) => Self::Attempt,
        }
    }

    pub(super) fn of_edge(edge: &Edge) -> Self {
        let tallies = || edge.tallies.iter().map(|(_, tally)| tally);
        let answered = tallies().any(Tally::is_answered);
        let sum = |count: fn(&Tally) -> u64| tallies().map(count).sum::<u64>();
        let proven = answered && (edge.key.protocol != IpProtocol::Tcp || sum(|tally| tally.packets().client) > 1);
        if proven && tallies().any(|tally| tally.days() > 1) {
            return Self::Settled;
        }
        let flows = sum(Tally::flows);
        match Self::of_flow(proven, edge.is_external, sum(|tally| tally.packets().client + tally.packets().server)) {
            Self::Attempt if flows > 1 => Self::Unanswered,
            standing => standing,
        }
    }
}

/// Edges that may have to go, oldest first in each standing. Entries may be out of date: whoever takes one looks again.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: [VecDeque<u32>; 3],
}

impl Queue {
    /// The edge has this standing now.
    pub fn put(&mut self, edge: u32, standing: Standing) {
        if let Some(waiting) = self.waiting.get_mut(standing as usize) {
            waiting.push_back(edge);
        }
    }

    /// The oldest edge of the lowest standing below `standing`; `has` tells what an edge's standing is.
    pub fn take_below(&mut self, standing: Standing, has: impl Fn(u32) -> Option<Standing>) -> Option<u32> {
        for (waiting, lower) in self.waiting.iter_mut().zip([Standing::Attempt, Standing::Unanswered, Standing::Passing]) {
            if lower >= standing {
                return None;
            }
            while let Some(edge) = waiting.pop_front() {
                if has(edge) == Some(lower) {
                    return Some(edge);
                }
            }
        }
        None
    }

    /// Leaves out what is out of date, once there is more of it than of `live` edges.
    pub fn tidy(&mut self, live: usize, has: impl Fn(u32) -> Option<Standing>) {
        for (waiting, own) in self.waiting.iter_mut().zip([Standing::Attempt, Standing::Unanswered, Standing::Passing]) {
            if waiting.len() > 1024 + 2 * live {
                let mut kept = foldhash::HashSet::default();
                waiting.retain(|edge| has(*edge) == Some(own) && kept.insert(*edge));
            }
        }
    }
}

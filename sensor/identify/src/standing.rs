//! How much an address has shown to be a host, and which goes first when the inventory is full.

use std::collections::{HashSet, VecDeque};

use foldhash::fast::RandomState;
use sensor_model::{Asset, Scope, Visibility};

use crate::record::Counts;

/// Lowest goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Others sent to it, and it never sent: what a scan leaves behind.
    #[default]
    Silent,
    /// It sent, and nothing was sent to it: a forged source, or a mirror of one direction.
    OneSided,
    /// An address outside that takes part both ways.
    Outside,
    /// One of ours that takes part both ways, or whose MAC is certain.
    Ours,
}

impl Standing {
    /// Of an address that was not seen to take part both ways in a flow.
    pub const fn of_strange(counts: Counts) -> Self {
        if counts.sent > 0 || counts.group > 0 { Self::OneSided } else { Self::Silent }
    }

    pub const fn of_proven(scope: Scope) -> Self {
        match scope {
            Scope::External => Self::Outside,
            Scope::Internal | Scope::Group => Self::Ours,
        }
    }

    /// What an earlier run knew.
    pub const fn of_remembered(asset: &Asset) -> Self {
        match (asset.coverage.visibility, asset.scope) {
            (Visibility::BothWays, Scope::External) => Self::Outside,
            (Visibility::BothWays, _) => Self::Ours,
            (Visibility::SendsOnly | Visibility::BroadcastOnly, _) => Self::OneSided,
            (Visibility::ReceivesOnly | Visibility::Never, _) => Self::Silent,
        }
    }
}

/// Addresses that may have to go, oldest first in each standing. Entries may be out of date: whoever takes one looks again.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: [VecDeque<u32>; 3],
}

const LOWER: [Standing; 3] = [Standing::Silent, Standing::OneSided, Standing::Outside];

impl Queue {
    /// The address has this standing now, as one of `live`; `has` tells what an address's standing is.
    pub fn put(&mut self, address: u32, standing: Standing, live: usize, has: impl Fn(u32) -> Option<Standing>) {
        let Some(waiting) = self.waiting.get_mut(standing as usize) else { return };
        waiting.push_back(address);
        if waiting.len() > 1024 + 2 * live {
            let mut kept: HashSet<u32, RandomState> = HashSet::default();
            waiting.retain(|address| has(*address) == Some(standing) && kept.insert(*address));
        }
    }

    /// The oldest address of the lowest standing below `standing`.
    pub fn take_below(&mut self, standing: Standing, has: impl Fn(u32) -> Option<Standing>) -> Option<u32> {
        for (waiting, lower) in self.waiting.iter_mut().zip(LOWER).take_while(|(_, lower)| *lower < standing) {
            while let Some(address) = waiting.pop_front() {
                if has(address) == Some(lower) {
                    return Some(address);
                }
            }
        }
        None
    }
}

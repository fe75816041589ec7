//! When a flow is over without saying so, and which one goes when there is no room.

use crate::endpoint::{Endpoint, State};
use crate::key::{TCP, UDP};
use crate::slot::{Hot, ORIGINATOR, RESPONDER};
use crate::store::Store;
use crate::table::Config;

/// How far capture clocks may step back: sweeping leaves flows alone for this much longer than their timeout, so that a packet
/// that comes next with an older time still finds its flow.
const CLOCK_SLACK: i64 = 10_000_000_000;
/// Slots looked at to find one to evict. They are neighbours in memory.
const EVICTION_WINDOW: usize = 32;

/// Timeouts in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    tcp_idle: i64,
    tcp_attempt: i64,
    udp_idle: i64,
    other_idle: i64,
}

impl Timeouts {
    pub fn of(config: &Config) -> Self {
        let nanos = |duration: std::time::Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self {
            tcp_idle: nanos(config.tcp_idle_timeout),
            tcp_attempt: nanos(config.tcp_attempt_timeout),
            udp_idle: nanos(config.udp_idle_timeout),
            other_idle: nanos(config.icmp_idle_timeout),
        }
    }

    /// A packet at `now` comes too late for this flow.
    pub fn is_over(&self, hot: &Hot, now: i64) -> bool {
        now.saturating_sub(hot.last_seen) > self.of_flow(hot)
    }

    fn may_be_swept(&self, hot: &Hot, now: i64) -> bool {
        self.is_over(hot, now.saturating_sub(CLOCK_SLACK))
    }

    fn of_flow(&self, hot: &Hot) -> i64 {
        match hot.protocol {
            TCP if is_attempt(hot) || is_closed(hot) => self.tcp_attempt,
            TCP => self.tcp_idle,
            UDP => self.udp_idle,
            _ => self.other_idle,
        }
    }
}

/// TCP where neither side is known to be in a connection.
fn is_attempt(hot: &Hot) -> bool {
    hot.ends.iter().all(|end| matches!(end.state(), State::Inactive | State::SynSent | State::SynAckSent))
}

fn is_closed(hot: &Hot) -> bool {
    let [one, other] = hot.ends;
    one.did_close() && other.did_close()
        || one.state() == State::Reset
        || other.state() == State::Reset
        || is_tail(one, other)
        || is_tail(other, one)
}

/// All that was heard of `one` is its FIN: the end of a connection that was not seen.
fn is_tail(one: Endpoint, other: Endpoint) -> bool {
    one.state() == State::Closed && one.previous() == State::Inactive && matches!(other.state(), State::Inactive | State::Partial)
}

/// How little is lost when a flow is evicted: more is better to evict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Both sides were heard.
    Conversation,
    /// One side only, and more than a probe.
    OneWay,
    Closed,
    /// Nobody answered the few packets there were.
    HalfOpen,
    Over,
}

fn worth(hot: &Hot, timeouts: &Timeouts, now: i64) -> Worth {
    let one_way = hot.counts[ORIGINATOR].packets == 0 || hot.counts[RESPONDER].packets == 0;
    let few = hot.counts[ORIGINATOR].packets.saturating_add(hot.counts[RESPONDER].packets) <= 3;
    if timeouts.is_over(hot, now) {
        Worth::Over
    } else if one_way && (few || hot.protocol == TCP && is_attempt(hot)) {
        Worth::HalfOpen
    } else if hot.protocol == TCP && is_closed(hot) {
        Worth::Closed
    } else if one_way {
        Worth::OneWay
    } else {
        Worth::Conversation
    }
}

/// Goes round the slots a little at a time.
#[derive(Debug, Default)]
pub struct Clock {
    sweep_at: usize,
    evict_at: usize,
}

impl Clock {
    /// Slots, of the next `budget`, whose flow is over at `now`.
    pub fn over(&mut self, store: &Store, timeouts: &Timeouts, now: i64, budget: usize) -> Vec<usize> {
        let len = store.len();
        let mut found = Vec::new();
        for _ in 0..budget.min(len) {
            self.sweep_at = if self.sweep_at + 1 < len { self.sweep_at + 1 } else { 0 };
            if store.hot(self.sweep_at).is_some_and(|hot| timeouts.may_be_swept(hot, now)) {
                found.push(self.sweep_at);
            }
        }
        found
    }

    /// The slot to give up when the table is full: of the next few, what is over or half-open rather than a conversation, and
    /// of equals the one that was silent longest.
    pub fn victim(&mut self, store: &Store, timeouts: &Timeouts, now: i64) -> Option<usize> {
        let len = store.len();
        let mut best: Option<(Worth, i64, usize)> = None;
        for looked in 0..len {
            if looked >= EVICTION_WINDOW && best.is_some() {
                break;
            }
            self.evict_at = if self.evict_at + 1 < len { self.evict_at + 1 } else { 0 };
            let Some(hot) = store.hot(self.evict_at) else { continue };
            let candidate = (worth(hot, timeouts, now), now.saturating_sub(hot.last_seen), self.evict_at);
            if best.is_none_or(|best| candidate > best) {
                best = Some(candidate);
            }
        }
        best.map(|(_, _, slot)| slot)
    }
}

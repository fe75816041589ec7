//! When a flow is over without saying so, and which one goes when there is no room.

use std::time::Duration;

use crate::config::{Config, Reports};
use crate::endpoint::{Endpoint, State};
use crate::key::{TCP, UDP};
use crate::slot::{Hot, ORIGINATOR, RESPONDER};
use crate::store::Store;

/// How far capture clocks may step back: sweeping leaves flows alone for this much longer than their timeout, so that a packet
/// that comes next with an older time still finds its flow.
const CLOCK_SLACK: i64 = 10_000_000_000;
/// A pass through all slots takes this much packet time.
const PASS: i64 = 1_000_000_000;
/// Slots looked at to find one to evict where no flow is half-open. They are neighbours in memory.
const EVICTION_WINDOW: usize = 16;
/// Units of an interim interval, at least: a report may be early by one.
const UNITS: u64 = 1024;
/// Packets without an answer that are no more than a probe.
const MAX_PROBES: u32 = 3;

const TCP_IDLE: u8 = 0;
const TCP_ATTEMPT: u8 = 1;
const UDP_IDLE: u8 = 2;
const OTHER_IDLE: u8 = 3;

/// When flows are over, and when they are to be reported. In nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    idle: [i64; 4],
    interim_interval: i64,
    unit_shift: u32,
}

impl Timeouts {
    pub fn of(config: &Config) -> Self {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let mut idle = [0; 4];
        idle[usize::from(TCP_IDLE)] = nanos(config.tcp_idle_timeout);
        idle[usize::from(TCP_ATTEMPT)] = nanos(config.tcp_attempt_timeout);
        idle[usize::from(UDP_IDLE)] = nanos(config.udp_idle_timeout);
        idle[usize::from(OTHER_IDLE)] = nanos(config.icmp_idle_timeout);
        let interim_interval = match config.reports {
            Reports::All => nanos(config.interim_interval),
            Reports::EndsOnly => i64::MAX,
        };
        let unit_shift = (interim_interval.unsigned_abs() / UNITS).max(1).ilog2();
        Self { idle, interim_interval, unit_shift }
    }

    /// A packet at `now` comes too late for this flow.
    #[inline]
    pub const fn is_over(&self, hot: &Hot, now: i64) -> bool {
        now.saturating_sub(hot.last_seen) > self.idle[(hot.flags >> Hot::TIMEOUT_SHIFT) as usize]
    }

    /// A packet at `now` is the first of an interim interval, or came up to a unit earlier.
    #[inline]
    pub const fn is_report_due(&self, hot: &Hot, now: i64) -> bool {
        // The short count goes round after 16 intervals or more: the silence tells those apart.
        let units = self.units(now).wrapping_sub(hot.reported) as i16 as i64;
        (units >= self.interim_interval >> self.unit_shift) | (now.saturating_sub(hot.last_seen) >= self.interim_interval)
    }

    /// What a flow keeps of the time of a report.
    #[inline]
    pub const fn units(&self, now: i64) -> u16 {
        (now >> self.unit_shift) as u16
    }

    /// To be called when the flow's state may have changed.
    pub fn classify(hot: &mut Hot) {
        let class = match hot.protocol {
            TCP if is_attempt(hot) || is_closed(hot) => TCP_ATTEMPT,
            TCP => TCP_IDLE,
            UDP => UDP_IDLE,
            _ => OTHER_IDLE,
        };
        hot.flags = hot.flags & !(3 << Hot::TIMEOUT_SHIFT) | class << Hot::TIMEOUT_SHIFT;
    }

    const fn may_be_swept(&self, hot: &Hot, now: i64) -> bool {
        self.is_over(hot, now.saturating_sub(CLOCK_SLACK))
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

/// How little is lost when a flow is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody answered the few packets there were: the first to go.
    HalfOpen,
    /// TCP that ended, or never began: the next.
    Closed,
    Alive,
}

impl Standing {
    pub fn of(hot: &Hot) -> Self {
        let packets = hot.counts[ORIGINATOR].packets.saturating_add(hot.counts[RESPONDER].packets);
        let has_attempt_timeout = hot.protocol == TCP && hot.flags >> Hot::TIMEOUT_SHIFT == TCP_ATTEMPT;
        if !hot.is_two_way() && (packets <= MAX_PROBES || has_attempt_timeout) {
            Self::HalfOpen
        } else if has_attempt_timeout {
            Self::Closed
        } else {
            Self::Alive
        }
    }
}

/// What of flows that are alive is to go first: more is better to evict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Both sides were heard.
    Conversation,
    OneWay,
    Over,
}

fn worth(hot: &Hot, timeouts: &Timeouts, now: i64) -> Worth {
    if timeouts.is_over(hot, now) {
        Worth::Over
    } else if hot.is_two_way() {
        Worth::Conversation
    } else {
        Worth::OneWay
    }
}

/// Goes round the slots a little at a time.
#[derive(Debug, Default)]
pub struct Clock {
    sweep_at: usize,
    /// Packet time up to which passes have been made.
    swept_until: i64,
    evict_at: usize,
}

impl Clock {
    /// How many slots are to be looked at now, at most `budget`: as many as time went by.
    pub fn due(&mut self, store: &Store, now: i64, budget: usize) -> usize {
        let len = store.len() as i64;
        let gone = now.saturating_sub(self.swept_until).clamp(0, PASS);
        let due = (len * (gone / 1_000) / (PASS / 1_000)).min(i64::try_from(budget).unwrap_or(i64::MAX));
        if due > 0 {
            // Behind by more than a pass, it begins anew from here; or by less, it catches up.
            self.swept_until = now.saturating_sub(gone).saturating_add(due * (PASS / 1_000) / len * 1_000);
        } else if now < self.swept_until {
            self.swept_until = now;
        }
        due as usize
    }

    /// The next slot whose flow is over at `now`, among the next `left` slots.
    pub fn next_over(&mut self, store: &Store, timeouts: &Timeouts, now: i64, left: &mut usize) -> Option<usize> {
        while *left > 0 {
            *left -= 1;
            self.sweep_at = store.next_used(self.sweep_at)?;
            let slot = self.sweep_at;
            self.sweep_at += 1;
            if store.hot(slot).is_some_and(|hot| timeouts.may_be_swept(hot, now)) {
                return Some(slot);
            }
        }
        None
    }

    /// The slot to give up when the table is full: the half-open flow, else the closed one, that was passed by longest ago; where there
    /// is none, of the next few flows what is over or one-way rather than a conversation, and of equals the one that was silent longest.
    pub fn victim(&mut self, store: &Store, timeouts: &Timeouts, now: i64) -> Option<usize> {
        if let Some(slot) = store.next_expendable(self.evict_at) {
            self.evict_at = slot + 1;
            return Some(slot);
        }
        let mut best: Option<(Worth, i64, usize)> = None;
        for _ in 0..EVICTION_WINDOW {
            let slot = store.next_used(self.evict_at)?;
            self.evict_at = slot + 1;
            let Some(hot) = store.hot(slot) else { continue };
            let candidate = (worth(hot, timeouts, now), now.saturating_sub(hot.last_seen), slot);
            if best.is_none_or(|best| candidate > best) {
                best = Some(candidate);
            }
        }
        best.map(|(_, _, slot)| slot)
    }
}

//! When a flow is over without saying so, and which one goes when there is no room.

use crate::endpoint::{Endpoint, SEEN_ACK, SEEN_DATA, State};
use crate::key::{TCP, UDP};
use crate::slot::{Hot, ORIGINATOR, RESPONDER};
use crate::store::Store;
use crate::table::Config;

/// How far capture clocks may step back: sweeping leaves flows alone for this much longer than their timeout, so that a packet
/// that comes next with an older time still finds its flow.
const CLOCK_SLACK: i64 = 10_000_000_000;
/// Slots looked at to find one to evict. They are neighbours in memory.
const EVICTION_WINDOW: usize = 32;

const SECOND: i64 = 1_000_000_000;
/// Idle time of sessions at which people sit: an hour at least (Zeek's `Conn::port_inactivity_timeouts`).
const INTERACTIVE_IDLE: i64 = 3_600 * SECOND;
const INTERACTIVE_PORTS: [u16; 4] = [21, 22, 23, 513];
/// Every so often after its beginning a DNS flow is looked at, and is over when it has been silent for a second less (Zeek's
/// `dns_session_timeout`): resolvers that keep one port ask many questions from it.
const DNS_TICK: i64 = 10 * SECOND;
const DNS_SILENCE: i64 = DNS_TICK - SECOND;
/// DNS, NetBIOS names, mDNS, LLMNR.
const DNS_PORTS: [u16; 4] = [53, 137, 5353, 5355];

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

    /// A packet at `now` comes too late for this flow. Its beginning is asked for only where it counts.
    pub fn is_over(&self, hot: &Hot, first_seen: impl FnOnce() -> i64, now: i64) -> bool {
        let silence = now.saturating_sub(hot.last_seen);
        if silence >= self.of_flow(hot) {
            return true;
        }
        match hot.protocol {
            // An attempt is over so long after its first SYN, however often that is repeated (Zeek's `tcp_attempt_delay`).
            TCP if is_attempt(hot) => now.saturating_sub(first_seen()) >= self.tcp_attempt,
            UDP if silence >= DNS_SILENCE && DNS_PORTS.contains(&responder_port(hot)) => {
                dns_end(first_seen(), hot.last_seen) <= now
            }
            _ => false,
        }
    }

    fn may_be_swept(&self, hot: &Hot, first_seen: impl FnOnce() -> i64, now: i64) -> bool {
        self.is_over(hot, first_seen, now.saturating_sub(CLOCK_SLACK))
    }

    fn of_flow(&self, hot: &Hot) -> i64 {
        match hot.protocol {
            TCP if is_attempt(hot) || is_closed(hot) => self.tcp_attempt,
            TCP if INTERACTIVE_PORTS.contains(&responder_port(hot)) => self.tcp_idle.max(INTERACTIVE_IDLE),
            TCP => self.tcp_idle,
            UDP => self.udp_idle,
            _ => self.other_idle,
        }
    }
}

/// The first look at a DNS flow that finds it silent.
const fn dns_end(first_seen: i64, last_seen: i64) -> i64 {
    let until_silent = last_seen.saturating_sub(first_seen).saturating_add(DNS_SILENCE);
    let ticks = until_silent / DNS_TICK + (until_silent % DNS_TICK > 0) as i64;
    first_seen.saturating_add(ticks.saturating_mul(DNS_TICK))
}

const fn responder_port(hot: &Hot) -> u16 {
    if hot.is(Hot::ORIGINATOR_IS_LOW) { hot.ports as u16 } else { (hot.ports >> 16) as u16 }
}

/// TCP that never got beyond a SYN. An originator that goes on has its answers elsewhere: one direction is not seen, the
/// connection is there all the same.
fn is_attempt(hot: &Hot) -> bool {
    matches!(hot.ends[ORIGINATOR].state(), State::SynSent | State::SynAckSent)
        && hot.ends[RESPONDER].state() == State::Inactive
        && hot.seen[ORIGINATOR] & (SEEN_ACK | SEEN_DATA) == 0
}

/// TCP of which nothing is to come but what trails.
pub fn is_closed(hot: &Hot) -> bool {
    let [one, other] = hot.ends;
    one.did_close() && (other.did_close() || other.state() == State::Inactive)
        || other.did_close() && one.state() == State::Inactive
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

fn worth(hot: &Hot, first_seen: impl FnOnce() -> i64, timeouts: &Timeouts, now: i64) -> Worth {
    let one_way = hot.counts[ORIGINATOR].packets == 0 || hot.counts[RESPONDER].packets == 0;
    let few = hot.counts[ORIGINATOR].packets.saturating_add(hot.counts[RESPONDER].packets) <= 3;
    if timeouts.is_over(hot, first_seen, now) {
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
            let slot = self.sweep_at;
            let first_seen = || store.first_seen(slot).as_nanos();
            if store.hot(slot).is_some_and(|hot| timeouts.may_be_swept(hot, first_seen, now)) {
                found.push(slot);
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
            let first_seen = || store.first_seen(self.evict_at).as_nanos();
            let candidate = (worth(hot, first_seen, timeouts, now), now.saturating_sub(hot.last_seen), self.evict_at);
            if best.is_none_or(|best| candidate > best) {
                best = Some(candidate);
            }
        }
        best.map(|(_, _, slot)| slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_flow_ends_at_the_first_tick_that_finds_it_silent_for_nine_seconds() {
        let end = |last: i64| dns_end(100 * SECOND, (100 + last) * SECOND) / SECOND - 100;
        assert_eq!([0, 1, 2, 10, 11, 12, 25].map(end), [10, 10, 20, 20, 20, 30, 40]);
        assert_eq!(dns_end(i64::MAX, i64::MAX), i64::MAX);
    }
}

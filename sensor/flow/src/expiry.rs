//! When a flow is over without saying so, and which one goes when there is no room.

use std::time::Duration;

use crate::config::{Config, Reports};
use crate::endpoint::{Endpoint, SEEN_ACK, SEEN_DATA, State};
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

/// Classes of timeouts: four for TCP, four for the rest.
const TCP_IDLE: u8 = 0;
const INTERACTIVE: u8 = 1;
const CLOSED: u8 = 2;
const ATTEMPT: u8 = 3;
const UDP_IDLE: u8 = 4;
const DNS: u8 = 5;
const OTHER_IDLE: u8 = 6;

/// When flows are over, and when they are to be reported. In nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// By class.
    idle: [i64; 8],
    interim_interval: i64,
    unit_shift: u32,
}

impl Timeouts {
    pub fn of(config: &Config) -> Self {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let mut idle = [0; 8];
        idle[usize::from(TCP_IDLE)] = nanos(config.tcp_idle_timeout);
        idle[usize::from(INTERACTIVE)] = nanos(config.tcp_idle_timeout).max(INTERACTIVE_IDLE);
        idle[usize::from(CLOSED)] = nanos(config.tcp_attempt_timeout);
        idle[usize::from(ATTEMPT)] = nanos(config.tcp_attempt_timeout);
        idle[usize::from(UDP_IDLE)] = nanos(config.udp_idle_timeout);
        idle[usize::from(DNS)] = nanos(config.udp_idle_timeout).min(DNS_SILENCE);
        idle[usize::from(OTHER_IDLE)] = nanos(config.icmp_idle_timeout);
        let interim_interval = match config.reports {
            Reports::All => nanos(config.interim_interval),
            Reports::EndsOnly => i64::MAX,
        };
        let unit_shift = (interim_interval.unsigned_abs() / UNITS).max(1).ilog2();
        Self { idle, interim_interval, unit_shift }
    }

    /// A packet at `now` is in time for this flow, for which attempts and some others have another look at [`Self::is_over`].
    #[inline]
    pub const fn is_in_time(&self, hot: &Hot, now: i64) -> bool {
        now.saturating_sub(hot.last_seen) < self.idle[class_of(hot) as usize]
    }

    /// A packet at `now` comes too late for this flow. Its beginning is asked for only where it counts.
    pub fn is_over(&self, hot: &Hot, first_seen: impl FnOnce() -> i64, now: i64) -> bool {
        let is_silent = !self.is_in_time(hot, now);
        match class_of(hot) {
            // So long after its first SYN, however often that is repeated (Zeek's `tcp_attempt_delay`).
            ATTEMPT => is_silent || now.saturating_sub(first_seen()) >= self.idle[usize::from(ATTEMPT)],
            DNS if is_silent => {
                let silence = now.saturating_sub(hot.last_seen);
                silence >= self.idle[usize::from(UDP_IDLE)] || dns_end(first_seen(), hot.last_seen) <= now
            }
            _ => is_silent,
        }
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
            TCP if is_closed(hot) => CLOSED,
            TCP if is_attempt(hot) => ATTEMPT,
            TCP if INTERACTIVE_PORTS.contains(&responder_port(hot)) => INTERACTIVE,
            TCP => TCP_IDLE,
            UDP if DNS_PORTS.contains(&responder_port(hot)) => DNS,
            UDP => UDP_IDLE,
            _ => OTHER_IDLE,
        };
        hot.flags = hot.flags & !(3 << Hot::TIMEOUT_SHIFT) | class << Hot::TIMEOUT_SHIFT;
    }

    fn may_be_swept(&self, hot: &Hot, first_seen: impl FnOnce() -> i64, now: i64) -> bool {
        let now = now.saturating_sub(CLOCK_SLACK);
        !self.is_in_time(hot, now) && self.is_over(hot, first_seen, now)
    }
}

/// The two bits that a flow keeps, and its protocol.
#[inline]
const fn class_of(hot: &Hot) -> u8 {
    hot.flags >> Hot::TIMEOUT_SHIFT | if hot.protocol == TCP { 0 } else { 4 }
}

/// Nothing was to come but what trails when the flow's last packet had been worked in.
pub const fn was_closed(hot: &Hot) -> bool {
    class_of(hot) == CLOSED
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
fn is_closed(hot: &Hot) -> bool {
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
        let is_short = matches!(class_of(hot), ATTEMPT | CLOSED);
        if !hot.is_two_way() && (packets <= MAX_PROBES || is_short) {
            Self::HalfOpen
        } else if is_short {
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

fn worth(hot: &Hot, first_seen: impl FnOnce() -> i64, timeouts: &Timeouts, now: i64) -> Worth {
    if timeouts.is_over(hot, first_seen, now) {
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
            let first_seen = || store.first_seen(slot).as_nanos();
            if store.hot(slot).is_some_and(|hot| timeouts.may_be_swept(hot, first_seen, now)) {
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
            let first_seen = || store.first_seen(slot).as_nanos();
            let candidate = (worth(hot, first_seen, timeouts, now), now.saturating_sub(hot.last_seen), slot);
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

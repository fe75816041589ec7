//! What a policy means, in one place; everything else in this room is checked against it.
//!
//! - An address is in at most one zone. The policy has an opinion on a packet only if its source or destination is in one.
//! - The mode of a pair is the stronger of its two zones' modes: `enforce`, then `simulate`, then `observe`.
//! - Rules are asked by tier (`admin`, `app`, `baseline`), then in the order of the text; the first that matches decides.
//!   A rule that has expired, or whose schedule is closed, does not match.
//! - Where no rule matches: within a zone its `intraZone` decides; between zones, and between a zone and the outside, deny.
//! - Rules speak of who initiates. Packets of an admitted connection are always allowed, both ways, and errors about it.
//! - `enforce` does what was decided. `simulate` logs what would be denied and lets it through. `observe` does nothing.
//! - ICMP is IPv4's own and ICMPv6 is IPv6's own: a rule for one never matches a packet of the other family.

use std::net::IpAddr;

use enforcer_packetset::{ConnectionState, Packet};
use sensor_model::Timestamp;

use crate::document::{Mode, Peer, Policy, Rule, Verdict};
use crate::resolve::Resolution;
use crate::{service, window};

/// Which sentence of the policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decider {
    /// The packet belongs to a connection that was admitted.
    Established,
    /// Index into `Policy::rules`.
    Rule(usize),
    /// `intraZone` of this zone.
    IntraZone(usize),
    /// Nobody allowed it.
    Default,
}

/// A pair of zones; None is the outside.
pub type ZonePair = (Option<usize>, Option<usize>);

/// The policy's word on one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub zones: ZonePair,
    pub mode: Mode,
    pub verdict: Verdict,
    pub decider: Decider,
}

/// The stronger mode of the two sides; None where neither is in a zone.
#[must_use]
pub fn pair_mode(policy: &Policy, (from, to): ZonePair) -> Option<Mode> {
    let mode = |zone: Option<usize>| zone.and_then(|at| policy.zones.get(at)).map(|zone| zone.mode);
    mode(from).max(mode(to))
}

/// Whether one side of a rule names this zone (None: the outside).
#[must_use]
pub fn names(peers: &[Peer], zone: Option<usize>) -> bool {
    peers.iter().any(|peer| match peer {
        Peer::Any => true,
        Peer::Outside => zone.is_none(),
        Peer::Zone(at) => zone == Some(*at),
    })
}

/// Whether the rule is still there.
#[must_use]
pub fn is_alive(rule: &Rule, now: Timestamp) -> bool {
    rule.expires.as_ref().is_none_or(|expires| now < expires.value)
}

/// What happens between two zones where no rule matches.
#[must_use]
pub fn default_of(policy: &Policy, zones: ZonePair) -> (Verdict, Decider) {
    match zones {
        (Some(from), Some(to)) if from == to => {
            (policy.zones.get(from).map_or(Verdict::Deny, |zone| zone.intra_zone), Decider::IntraZone(from))
        }
        _ => (Verdict::Deny, Decider::Default),
    }
}

/// Whether protocol and ports of a packet are among the rule's. The family counts too.
#[must_use]
pub fn serves(rule: &Rule, packet: &Packet) -> bool {
    rule.l4.iter().any(|l4| service::speaks(l4, packet.source.is_ipv4()) && l4.contains(packet))
}

/// The policy's word on a packet at `now`: straight from the sentences above, slow and obvious.
#[must_use]
pub fn decide(policy: &Policy, resolution: &Resolution, packet: &Packet, now: Timestamp) -> Option<Decision> {
    let zones = zones_of(resolution, packet.source, packet.destination);
    let mode = pair_mode(policy, zones)?;
    if packet.state == ConnectionState::Established {
        return Some(Decision { zones, mode, verdict: Verdict::Allow, decider: Decider::Established });
    }
    let matching = policy.rules_in_order().into_iter().find_map(|at| {
        let rule = policy.rules.get(at).filter(|rule| matches(rule, zones, packet, now))?;
        Some((rule.action, Decider::Rule(at)))
    });
    let (verdict, decider) = matching.unwrap_or_else(|| default_of(policy, zones));
    Some(Decision { zones, mode, verdict, decider })
}

/// The zones of a packet's two ends.
#[must_use]
pub fn zones_of(resolution: &Resolution, source: IpAddr, destination: IpAddr) -> ZonePair {
    (resolution.zone_of(source), resolution.zone_of(destination))
}

/// Whether the rule decides on this packet, if no earlier one does.
#[must_use]
pub fn matches(rule: &Rule, (from, to): ZonePair, packet: &Packet, now: Timestamp) -> bool {
    is_alive(rule, now)
        && names(&rule.from, from)
        && names(&rule.to, to)
        && serves(rule, packet)
        && rule.schedule.as_ref().is_none_or(|schedule| window::open_at(schedule, now).contains(packet.minute_of_week))
}

//! What two selectors both select, and what two chains both let through. For parsers only.

use enforcer_packetset::{Effect, L4, PortSet, Selector, StateSet, Step, Verdict};

/// More steps are not compared.
const MOST_STEPS: usize = 2_000_000;

/// None where that is nothing, as far as one look tells.
pub(crate) fn both(left: &Selector, right: &Selector) -> Option<Selector> {
    let state = match (left.state, right.state) {
        (StateSet::Any, state) | (state, StateSet::Any) => state,
        (one, other) if one == other => one,
        _ => return None,
    };
    let (source, destination) = (left.source.intersection(&right.source), left.destination.intersection(&right.destination));
    let can_meet = (!source.v4.is_empty() && !destination.v4.is_empty()) || (!source.v6.is_empty() && !destination.v6.is_empty());
    let flags = left.flags.intersection(right.flags);
    if !can_meet || flags.is_empty() {
        return None;
    }
    // No dialect that is read with this has times or frames on both sides.
    let week = if left.week.is_always() { right.week.clone() } else { left.week.clone() };
    let link = if left.link.is_any() { right.link.clone() } else { left.link.clone() };
    Some(Selector { source, destination, l4: both_l4(&left.l4, &right.l4)?, flags, state, week, link })
}

/// None where no packet is both.
pub(crate) fn both_l4(left: &L4, right: &L4) -> Option<L4> {
    let ports = |a: &PortSet, b: &PortSet, c: &PortSet, d: &PortSet| {
        let (source, destination) = (a.intersection(c), b.intersection(d));
        (!source.is_empty() && !destination.is_empty()).then_some((source, destination))
    };
    Some(match (left, right) {
        (L4::Any, other) | (other, L4::Any) => other.clone(),
        (one, other) if one == other => one.clone(),
        (L4::Protocol(6), tcp @ L4::Tcp { .. }) | (tcp @ L4::Tcp { .. }, L4::Protocol(6)) => tcp.clone(),
        (L4::Protocol(17), udp @ L4::Udp { .. }) | (udp @ L4::Udp { .. }, L4::Protocol(17)) => udp.clone(),
        (L4::Protocol(132), sctp @ L4::Sctp { .. }) | (sctp @ L4::Sctp { .. }, L4::Protocol(132)) => sctp.clone(),
        (L4::Protocol(1), icmp @ L4::Icmp { .. }) | (icmp @ L4::Icmp { .. }, L4::Protocol(1)) => icmp.clone(),
        (L4::Protocol(58), icmp @ L4::Icmp6 { .. }) | (icmp @ L4::Icmp6 { .. }, L4::Protocol(58)) => icmp.clone(),
        (L4::Tcp { source: a, destination: b }, L4::Tcp { source: c, destination: d }) => {
            let (source, destination) = ports(a, b, c, d)?;
            L4::Tcp { source, destination }
        }
        (L4::Udp { source: a, destination: b }, L4::Udp { source: c, destination: d }) => {
            let (source, destination) = ports(a, b, c, d)?;
            L4::Udp { source, destination }
        }
        (L4::Sctp { source: a, destination: b }, L4::Sctp { source: c, destination: d }) => {
            let (source, destination) = ports(a, b, c, d)?;
            L4::Sctp { source, destination }
        }
        (L4::Icmp { types: a, codes: b }, L4::Icmp { types: c, codes: d }) => {
            let (types, codes) = (a.intersection(c), b.intersection(d));
            (!types.is_empty() && !codes.is_empty()).then_some(L4::Icmp { types, codes })?
        }
        (L4::Icmp6 { types: a, codes: b }, L4::Icmp6 { types: c, codes: d }) => {
            let (types, codes) = (a.intersection(c), b.intersection(d));
            (!types.is_empty() && !codes.is_empty()).then_some(L4::Icmp6 { types, codes })?
        }
        _ => return None,
    })
}

/// Steps with their lines.
pub(crate) type Chain = Vec<(Step, usize)>;

/// The chain that lets through what both let through: the second is asked about what passes the first. None where it is too long.
pub(crate) fn both_pass(first: &[(Step, usize)], second: &[(Step, usize)]) -> Option<Chain> {
    let mut chain: Chain = Vec::new();
    for (step, line) in first {
        let Step { selector, effect } = step;
        if effect.verdict != Some(Verdict::Allow) {
            chain.push((step.clone(), *line));
            continue;
        }
        if effect.log {
            chain.push((Step { selector: selector.clone(), effect: Effect { verdict: None, log: true } }, *line));
        }
        for (later, line) in second {
            if let Some(selector) = both(selector, &later.selector) {
                chain.push((Step { selector, effect: later.effect }, *line));
            }
        }
        chain.push((Step::allow(selector.clone()), *line));
        if chain.len() > MOST_STEPS {
            return None;
        }
    }
    chain.extend(second.iter().cloned());
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use enforcer_packetset::{Limits, RangeSet, compare};

    fn tcp(first: u16, last: u16) -> Selector {
        let destination = RangeSet::range(first, last);
        Selector { l4: L4::Tcp { source: PortSet::full(), destination }, ..Selector::any() }
    }

    #[test]
    fn what_passes_two_chains_passes_each() {
        let first = [(Step::deny(tcp(1, 10)), 1), (Step::allow(tcp(1, 30)), 2), (Step::deny(Selector::any()), 3)];
        let second = [(Step::allow(tcp(5, 20)), 4), (Step::deny(tcp(1, 100)), 5)];
        let chain: Vec<Step> = both_pass(&first, &second).unwrap().into_iter().map(|(step, _)| step).collect();
        let wanted = [Step::allow(tcp(11, 20)), Step::deny(Selector::any())];
        assert!(compare(&chain, &wanted, Limits::default()).unwrap().is_ok());
        // What the first does not decide is asked of the second too.
        let open: Vec<Step> = both_pass(&first[..1], &second).unwrap().into_iter().map(|(step, _)| step).collect();
        let wanted = [Step::deny(tcp(1, 10)), Step::allow(tcp(5, 20)), Step::deny(tcp(1, 100))];
        assert!(compare(&open, &wanted, Limits::default()).unwrap().is_ok());
    }
}

//! Hosts that only allowed packets leave or reach, as steps. For parsers only.

use enforcer_packetset::{AddressSet, FlagSet, L4, Selector, Step};

use crate::selecting::both_l4;
use crate::target::Parsed;

/// One allowed product: who is on the other side, and what is spoken.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) line: usize,
    pub(crate) peers: AddressSet,
    pub(crate) l4: L4,
    pub(crate) flags: FlagSet,
}

/// The hosts, and what may be sent to them and by them; None: everything.
#[derive(Debug, Default)]
pub(crate) struct Isolated {
    pub(crate) hosts: AddressSet,
    pub(crate) incoming: Option<Vec<Allowed>>,
    pub(crate) outgoing: Option<Vec<Allowed>>,
}

impl Isolated {
    /// `last_line` is where a reader looks for what is not written.
    pub(crate) fn steps(&self, last_line: usize, parsed: &mut Parsed) {
        let Self { hosts, incoming, outgoing } = self;
        let mut push = |line: usize, step: Step| {
            parsed.lines.push(line);
            parsed.steps.push(step);
        };
        let full = AddressSet::full();
        let between = |source: &AddressSet, destination: &AddressSet, (l4, flags): (&L4, FlagSet)| Selector {
            source: source.clone(),
            destination: destination.clone(),
            l4: l4.clone(),
            flags,
            ..Selector::any()
        };
        let everything = (&L4::Any, FlagSet::full());
        // Between two of the hosts both ends decide, so these packets come first.
        if let (Some(incoming), Some(outgoing)) = (incoming, outgoing) {
            for from in outgoing.iter().filter(|from| !from.peers.intersection(hosts).is_empty()) {
                for to in incoming.iter().filter(|to| !to.peers.intersection(hosts).is_empty()) {
                    if let Some((l4, flags)) = both(from, to) {
                        let (sources, destinations) = (to.peers.intersection(hosts), from.peers.intersection(hosts));
                        push(from.line, Step::allow(between(&sources, &destinations, (&l4, flags))));
                    }
                }
            }
            push(last_line, Step::deny(between(hosts, hosts, everything)));
        }
        for Allowed { line, peers, l4, flags } in outgoing.iter().flatten() {
            push(*line, Step::allow(between(hosts, peers, (l4, *flags))));
        }
        if outgoing.is_some() {
            push(last_line, Step::deny(between(hosts, &full, everything)));
        }
        for Allowed { line, peers, l4, flags } in incoming.iter().flatten() {
            push(*line, Step::allow(between(peers, hosts, (l4, *flags))));
        }
        if incoming.is_some() {
            push(last_line, Step::deny(between(&full, hosts, everything)));
        }
    }
}

/// What both select; None when nothing.
fn both(left: &Allowed, right: &Allowed) -> Option<(L4, FlagSet)> {
    Some((both_l4(&left.l4, &right.l4)?, left.flags.intersection(right.flags)))
}

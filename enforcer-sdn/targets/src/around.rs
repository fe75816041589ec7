//! A ruleset as what some hosts may ask of others, and others of them: the shape of dialects that know allowed peers of one point and
//! nothing else. For renderers only. A ruleset that is not of this shape is an error that names the rule.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::product::Writing;
use crate::target::RenderError;

/// The hosts, and who may speak with them.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    pub(crate) hosts: AddressSet,
    /// What the hosts may send; None: everything.
    pub(crate) outgoing: Option<Vec<Allowed<'a>>>,
    /// What may be sent to the hosts; None: everything.
    pub(crate) incoming: Option<Vec<Allowed<'a>>>,
}

/// One allowed product.
#[derive(Clone, Debug)]
pub(crate) struct Allowed<'a> {
    pub(crate) rule: &'a PointRule,
    pub(crate) peers: AddressSet,
    pub(crate) l4: L4,
    pub(crate) flags: FlagSet,
}

/// Which end of a packet the hosts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Source,
    Destination,
}

impl End {
    fn own(self, selector: &Selector) -> &AddressSet {
        if self == Self::Source { &selector.source } else { &selector.destination }
    }

    fn peer(self, selector: &Selector) -> &AddressSet {
        if self == Self::Source { &selector.destination } else { &selector.source }
    }
}

impl<'a> Around<'a> {
    /// `rules` without what the dialect does unwritten, such as letting answers through.
    pub(crate) fn of(target: &'static str, ruleset: &'a Ruleset, rules: &'a [PointRule]) -> Result<Self, RenderError> {
        let no_shape = |feature: &str| RenderError {
            rule: rules.last().map_or_else(|| "(ruleset)".into(), |rule| rule.id.clone()),
            target,
            feature: feature.into(),
            advice: format!(
                "point `{}` must be about one zone (its `zones`), and end by denying the rest from it, to it, or both",
                ruleset.point
            ),
        };
        for rule in rules {
            let writing = Writing { target, rule };
            writing.check_words()?;
            if !rule.selector.flags.is_full() && rule.action == Action::Deny {
                return Err(writing.cannot("TCP flags of a denial", "deny all of TCP, or allow it with flags"));
            }
            if rule.log || rule.action == Action::Log {
                return Err(writing.cannot("a log entry", "take the logs from another point, and leave them out here"));
            }
        }
        let (mut hosts, mut isolated) = (None, Vec::new());
        let mut listed = rules;
        while let Some((last, before)) = listed.split_last()
            && let Some((end, own)) = rest(last)
            && !isolated.contains(&end)
            && hosts.as_ref().is_none_or(|known| known == own)
        {
            hosts = Some(own.clone());
            isolated.push(end);
            listed = before;
        }
        let Some(hosts) = hosts else { return Err(no_shape("a ruleset without a last word on one zone's hosts")) };
        let side = |end: End| -> Result<Option<Vec<Allowed<'a>>>, RenderError> {
            if !isolated.contains(&end) {
                // Everything may pass this way, so nothing may be denied for it.
                let denying = listed.iter().find(|rule| rule.action == Action::Deny && touches(end, &hosts, &rule.selector));
                return denying.map_or(Ok(None), |rule| {
                    Err(Writing { target, rule }.cannot(
                        "a denial where the rest is allowed",
                        "deny the rest too, or name one zone as `zones` of the point",
                    ))
                });
            }
            allowed(target, listed, end, &hosts).map(Some)
        };
        Ok(Self { outgoing: side(End::Source)?, incoming: side(End::Destination)?, hosts })
    }
}

/// The hosts of a rule that denies all of what they send, or all of what is sent to them.
fn rest(rule: &PointRule) -> Option<(End, &AddressSet)> {
    let selector = &rule.selector;
    if rule.action != Action::Deny
        || selector.l4 != L4::Any
        || !selector.week.is_always()
        || selector.state == StateSet::Established
    {
        return None;
    }
    [End::Source, End::Destination].into_iter().find_map(|end| {
        let (own, peer) = (end.own(selector), end.peer(selector));
        let is_all = (own.v4.is_empty() || peer.v4.is_full()) && (own.v6.is_empty() || peer.v6.is_full());
        (is_all && !own.is_empty() && !own.is_full()).then_some((end, own))
    })
}

fn touches(end: End, hosts: &AddressSet, selector: &Selector) -> bool {
    let own = end.own(selector).intersection(hosts);
    let peer = end.peer(selector);
    (!own.v4.is_empty() && !peer.v4.is_empty()) || (!own.v6.is_empty() && !peer.v6.is_empty())
}

fn allowed<'a>(
    target: &'static str,
    rules: &'a [PointRule],
    end: End,
    hosts: &AddressSet,
) -> Result<Vec<Allowed<'a>>, RenderError> {
    let mut all: Vec<Allowed<'a>> = Vec::new();
    let mut denied: Vec<Allowed<'a>> = Vec::new();
    for rule in rules {
        if !touches(end, hosts, &rule.selector) {
            continue;
        }
        let writing = Writing { target, rule };
        let own = end.own(&rule.selector);
        // Of a version in which the rule has no peers, it says nothing.
        let peers = end.peer(&rule.selector).clone();
        let is_part = |own: bool, peers_empty: bool| !own && !peers_empty;
        if is_part(hosts.v4.is_subset(&own.v4), peers.v4.is_empty()) || is_part(hosts.v6.is_subset(&own.v6), peers.v6.is_empty())
        {
            return Err(
                writing.cannot("a rule about a part of the hosts", "put them in a zone, and compile a point, of their own")
            );
        }
        let peers = AddressSet {
            v4: if hosts.v4.is_empty() { RangeSet::empty() } else { peers.v4 },
            v6: if hosts.v6.is_empty() { RangeSet::empty() } else { peers.v6 },
        };
        let this = Allowed { rule, peers, l4: rule.selector.l4.clone(), flags: rule.selector.flags };
        match rule.action {
            Action::Deny => denied.push(this),
            Action::Allow => all.extend(without(target, this, &denied)?),
            Action::Log => {}
        }
    }
    Ok(all)
}

/// What is left of an allowed product after the denials before it; None when nothing is.
fn without<'a>(
    target: &'static str,
    mut allowed: Allowed<'a>,
    denied: &[Allowed<'a>],
) -> Result<Option<Allowed<'a>>, RenderError> {
    for denial in denied {
        if allowed.peers.intersection(&denial.peers).is_empty() || are_disjoint(&allowed.l4, &denial.l4) {
            continue;
        }
        if is_within(&allowed.l4, &denial.l4) {
            allowed.peers = allowed.peers.difference(&denial.peers);
        } else if let Some(l4) = less(&allowed.l4, &denial.l4).filter(|_| allowed.peers.is_subset(&denial.peers)) {
            allowed.l4 = l4;
        } else {
            let writing = Writing { target, rule: denial.rule };
            let feature = format!("a denial of a part of what rule `{}` allows", allowed.rule.id);
            return Err(writing.cannot(feature, "say in the allowing rule itself what it leaves out"));
        }
        if allowed.peers.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(allowed))
}

/// The protocol, and its ports where it has some.
fn parts(l4: &L4) -> Option<(u8, Option<(&PortSet, &PortSet)>)> {
    const ALL: &PortSet = &PortSet::full();
    match l4 {
        L4::Any => None,
        L4::Protocol(number @ (6 | 17 | 132)) => Some((*number, Some((ALL, ALL)))),
        L4::Protocol(number) => Some((*number, None)),
        L4::Tcp { source, destination } => Some((6, Some((source, destination)))),
        L4::Udp { source, destination } => Some((17, Some((source, destination)))),
        L4::Sctp { source, destination } => Some((132, Some((source, destination)))),
        L4::Icmp { .. } => Some((1, None)),
        L4::Icmp6 { .. } => Some((58, None)),
    }
}

/// False when in doubt.
fn are_disjoint(left: &L4, right: &L4) -> bool {
    let (Some((a, left)), Some((b, right))) = (parts(left), parts(right)) else { return false };
    let apart = |left: &PortSet, right: &PortSet| left.intersection(right).is_empty();
    a != b || matches!((left, right), (Some((a, b)), Some((c, d))) if apart(a, c) || apart(b, d))
}

/// False when in doubt.
fn is_within(inner: &L4, outer: &L4) -> bool {
    match (parts(inner), parts(outer)) {
        (_, None) => true,
        (Some((a, Some((from, to)))), Some((b, Some((all_from, all_to))))) => {
            a == b && from.is_subset(all_from) && to.is_subset(all_to)
        }
        (Some((a, None)), Some((b, None))) => a == b && (inner == outer || matches!(outer, L4::Protocol(_))),
        _ => false,
    }
}

/// The services of `left` that are not of `right`, where they are one product.
fn less(left: &L4, right: &L4) -> Option<L4> {
    let (number, Some((from, to))) = parts(left)? else { return None };
    let (other, Some((denied_from, denied_to))) = parts(right)? else { return None };
    let (source, destination) = if from.is_subset(denied_from) {
        (from.clone(), to.difference(denied_to))
    } else if to.is_subset(denied_to) {
        (from.difference(denied_from), to.clone())
    } else {
        return None;
    };
    match number {
        _ if number != other => None,
        6 => Some(L4::Tcp { source, destination }),
        17 => Some(L4::Udp { source, destination }),
        _ => Some(L4::Sctp { source, destination }),
    }
}

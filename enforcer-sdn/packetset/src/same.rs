//! What two chains of one family have in common at their beginnings and ends, found by looking at the steps, without numbering them: when
//! one rule of a hundred thousand changed, nearly all of the work is not done.

use crate::{AddressSet, L4, Number, PortSet, RangeSet, Selector, StateSet, Step, Verdict, WeekSet};

/// More differing steps than this are compared in the general way.
const MOST_APART: usize = 64;

/// More steps than this share packets with the differing ones: the general way leaves more of them out.
const MOST_CONCERNED: usize = 1024;

/// Two chains cut down to what differs and what shares a packet with that; they differ exactly where the whole chains do.
pub(crate) struct Narrowed {
    pub left: Vec<Step>,
    pub right: Vec<Step>,
    /// Steps at both ends that are the same.
    pub same: usize,
}

/// A step, or neighbours that differ only in their minutes.
#[derive(Clone)]
struct Seen<'a> {
    step: &'a Step,
    /// All minutes, where there are several steps.
    week: Option<WeekSet>,
}

/// None when too much differs.
pub(crate) fn narrow(left: &[Step], right: &[Step], is_ipv6: bool) -> Option<Narrowed> {
    let (left, right) = (seen(left, is_ipv6), seen(right, is_ipv6));
    let is_same = |(a, b): &(&Seen<'_>, &Seen<'_>)| a.is(b, is_ipv6);
    let before = left.iter().zip(&right).take_while(is_same).count();
    let (rest_left, rest_right) = (left.get(before..)?, right.get(before..)?);
    let behind = rest_left.iter().rev().zip(rest_right.iter().rev()).take_while(is_same).count();
    let apart_left = rest_left.get(..rest_left.len().checked_sub(behind)?)?;
    let apart_right = rest_right.get(..rest_right.len().checked_sub(behind)?)?;
    if apart_left.len() + apart_right.len() > MOST_APART {
        return None;
    }
    let apart: Vec<Step> = apart_left.iter().chain(apart_right).map(Seen::step).collect();
    let concerned = |steps: &[Seen<'_>]| -> Vec<Step> {
        let touches = |seen: &&Seen<'_>| apart.iter().any(|step| meet(&step.selector, &seen.step.selector, is_ipv6));
        steps.iter().filter(touches).map(Seen::step).collect()
    };
    let (first, last) = (concerned(left.get(..before)?), concerned(left.get(left.len().checked_sub(behind)?..)?));
    if first.len() + last.len() > MOST_CONCERNED {
        return None;
    }
    let chain =
        |middle: &[Seen<'_>]| first.iter().cloned().chain(middle.iter().map(Seen::step)).chain(last.iter().cloned()).collect();
    Some(Narrowed { left: chain(apart_left), right: chain(apart_right), same: before + behind })
}

fn seen(steps: &[Step], is_ipv6: bool) -> Vec<Seen<'_>> {
    let mut all: Vec<Seen<'_>> = Vec::with_capacity(steps.len());
    for step in steps.iter().filter(|step| is_of(&step.selector, is_ipv6)) {
        match all.last_mut() {
            Some(before) if !step.selector.week.is_always() && before.is_but_for_its_week(step, is_ipv6) => {
                let minutes = before.minutes().minutes().union(step.selector.week.minutes());
                before.week = Some(WeekSet::from_ranges(minutes.ranges().iter().copied()));
            }
            _ => all.push(Seen { step, week: None }),
        }
        // What comes after it is never asked.
        if step.effect.verdict.is_some() && is_everything(&step.selector, is_ipv6) {
            break;
        }
    }
    // The end of a chain allows quietly too.
    while all.last().is_some_and(|seen| !seen.step.effect.log && seen.step.effect.verdict != Some(Verdict::Deny)) {
        all.pop();
    }
    all
}

fn is_everything(selector: &Selector, is_ipv6: bool) -> bool {
    let Selector { source, destination, l4, flags, state, week, link } = selector;
    let addresses =
        if is_ipv6 { source.v6.is_full() && destination.v6.is_full() } else { source.v4.is_full() && destination.v4.is_full() };
    addresses && *l4 == L4::Any && flags.is_full() && *state == StateSet::Any && week.is_always() && link.is_any()
}

impl Seen<'_> {
    fn minutes(&self) -> &WeekSet {
        self.week.as_ref().unwrap_or(&self.step.selector.week)
    }

    fn step(&self) -> Step {
        let selector = Selector { week: self.minutes().clone(), ..self.step.selector.clone() };
        Step { selector, effect: self.step.effect }
    }

    fn is(&self, other: &Self, is_ipv6: bool) -> bool {
        self.minutes() == other.minutes() && self.is_but_for_its_week(other.step, is_ipv6)
    }

    fn is_but_for_its_week(&self, other: &Step, is_ipv6: bool) -> bool {
        let (a, b) = (&self.step.selector, &other.selector);
        self.step.effect == other.effect
            && a.state == b.state
            && a.flags == b.flags
            && a.link == b.link
            && is_same_in(&a.source, &b.source, is_ipv6)
            && is_same_in(&a.destination, &b.destination, is_ipv6)
            && fields(&a.l4) == fields(&b.l4)
    }
}

fn is_same_in(left: &AddressSet, right: &AddressSet, is_ipv6: bool) -> bool {
    if is_ipv6 { left.v6 == right.v6 } else { left.v4 == right.v4 }
}

/// Whether the selector can select packets of the family.
fn is_of(selector: &Selector, is_ipv6: bool) -> bool {
    let has_addresses = if is_ipv6 {
        !selector.source.v6.is_empty() && !selector.destination.v6.is_empty()
    } else {
        !selector.source.v4.is_empty() && !selector.destination.v4.is_empty()
    };
    has_addresses
        && match selector.l4 {
            L4::Icmp { .. } => !is_ipv6,
            L4::Icmp6 { .. } => is_ipv6,
            _ => true,
        }
}

/// What a protocol's two fields may be.
#[derive(PartialEq, Eq)]
enum Pair<'a> {
    /// A whole protocol is the same as its ports, all of them.
    Any,
    Ports(&'a PortSet, &'a PortSet),
    /// Beside ICMP as a whole, this leaves out the other family.
    Bytes(&'a RangeSet<u8>, &'a RangeSet<u8>),
}

/// Protocol number and fields.
fn fields(l4: &L4) -> (Option<u8>, Pair<'_>) {
    let ports = |number, source, destination| {
        let pair =
            if PortSet::is_full(source) && PortSet::is_full(destination) { Pair::Any } else { Pair::Ports(source, destination) };
        (Some(number), pair)
    };
    match l4 {
        L4::Any => (None, Pair::Any),
        L4::Protocol(number) => (Some(*number), Pair::Any),
        L4::Tcp { source, destination } => ports(6, source, destination),
        L4::Udp { source, destination } => ports(17, source, destination),
        L4::Sctp { source, destination } => ports(132, source, destination),
        L4::Icmp { types, codes } => (Some(1), Pair::Bytes(types, codes)),
        L4::Icmp6 { types, codes } => (Some(58), Pair::Bytes(types, codes)),
    }
}

/// Whether two selectors may have a packet of the family in common. Minutes are left aside, for neighbours may stand for more of them;
/// so are flags and links: one step too many costs time only.
fn meet(left: &Selector, right: &Selector, is_ipv6: bool) -> bool {
    let share_addresses = |a: &AddressSet, b: &AddressSet| if is_ipv6 { share(&a.v6, &b.v6) } else { share(&a.v4, &b.v4) };
    let states = matches!(
        (left.state, right.state),
        (StateSet::Any, _) | (_, StateSet::Any) | (StateSet::New, StateSet::New) | (StateSet::Established, StateSet::Established)
    );
    let ((one, a), (other, b)) = (fields(&left.l4), fields(&right.l4));
    let protocols = one.is_none() || other.is_none() || one == other;
    let pairs = match (a, b) {
        (Pair::Ports(a, b), Pair::Ports(c, d)) => one != other || (share(a, c) && share(b, d)),
        (Pair::Bytes(a, b), Pair::Bytes(c, d)) => one != other || (share(a, c) && share(b, d)),
        _ => true,
    };
    states
        && protocols
        && pairs
        && share_addresses(&left.destination, &right.destination)
        && share_addresses(&left.source, &right.source)
}

fn share<T: Number>(left: &RangeSet<T>, right: &RangeSet<T>) -> bool {
    let (few, many) = if left.ranges().len() <= right.ranges().len() { (left, right) } else { (right, left) };
    few.ranges().iter().any(|&(first, last)| {
        let at = many.ranges().partition_point(|&(_, end)| end < first);
        many.ranges().get(at).is_some_and(|&(start, _)| start <= last)
    })
}

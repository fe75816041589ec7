//! One short text for what a ruleset says, so that a plan can name it: equal rules in equal order give equal text.

use std::fmt::Write as _;

use enforcer_packetset::{HeadingSet, L4, Mac, RangeSet, Selector, StateSet};
use sha2::{Digest, Sha256};

use crate::ruleset::{Action, PointRule, Ruleset};
use crate::service;

/// SHA-256 over every field of every rule, in hexadecimal. The point's name is not part of it.
#[must_use]
pub fn of(ruleset: &Ruleset) -> String {
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    for rule in &ruleset.rules {
        bytes.clear();
        encode(&mut bytes, rule);
        hash.update(&bytes);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Every list begins with its length, so that no two rules have one encoding.
fn encode(out: &mut Vec<u8>, rule: &PointRule) {
    let PointRule { id, selector, action, log, origin } = rule;
    text(out, id);
    out.push(match action {
        Action::Allow => 0,
        Action::Deny => 1,
        Action::Log => 2,
    });
    out.push(u8::from(*log));
    length(out, origin.len());
    origin.iter().for_each(|name| text(out, name));
    let Selector { source, destination, l4, flags, state, week, link } = selector;
    for set in [source, destination] {
        ranges(out, &set.v4, |value| value.to_be_bytes());
        ranges(out, &set.v6, |value| value.to_be_bytes());
    }
    protocol(out, l4);
    out.push(match state {
        StateSet::Any => 0,
        StateSet::New => 1,
        StateSet::Established => 2,
    });
    ranges(out, week.minutes(), |value| value.to_be_bytes());
    // The next rule begins with a length, whose first byte is 0: these bytes cannot be mistaken for it.
    if !flags.is_full() {
        out.push(1);
        length(out, flags.bytes().count());
        out.extend(flags.bytes());
    }
    if !link.is_any() {
        out.push(2);
        ranges(out, &link.vlan, |id| id.get().to_be_bytes());
        ranges(out, &link.source_mac, Mac::octets);
        ranges(out, &link.destination_mac, Mac::octets);
        out.push(match link.heading {
            HeadingSet::Any => 0,
            HeadingSet::In => 1,
            HeadingSet::Out => 2,
        });
    }
}

fn protocol(out: &mut Vec<u8>, l4: &L4) {
    out.extend(service::number(l4).map_or([1, 0], |number| [0, number]));
    match l4 {
        L4::Any | L4::Protocol(_) => out.push(0),
        L4::Tcp { source, destination } | L4::Udp { source, destination } | L4::Sctp { source, destination } => {
            out.push(1);
            ranges(out, source, |value| value.to_be_bytes());
            ranges(out, destination, |value| value.to_be_bytes());
        }
        L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => {
            out.push(2);
            ranges(out, types, |value| value.to_be_bytes());
            ranges(out, codes, |value| value.to_be_bytes());
        }
    }
}

fn ranges<T: enforcer_packetset::Number, const N: usize>(out: &mut Vec<u8>, set: &RangeSet<T>, bytes: fn(T) -> [u8; N]) {
    length(out, set.ranges().len());
    for &(first, last) in set.ranges() {
        out.extend(bytes(first));
        out.extend(bytes(last));
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn length(out: &mut Vec<u8>, length: usize) {
    out.extend((length as u64).to_be_bytes());
}

//! Counters that a listing puts behind an entry.

use crate::words::{Words, number};

/// How often an entry was met, at its end: IOS lists `(12 matches)`, NX-OS `[match=12]`, EOS `[match 12 packets, 0:00:05 ago]`.
pub(crate) fn take_counters(words: &mut Words<'_>) {
    let line = words.rest().trim_end();
    let inside = |open, close| line.strip_prefix(open).and_then(|line: &str| line.strip_suffix(close));
    let is_count = |word: &str| number::<u64>(word).is_some();
    let parts: Vec<&str> = inside('(', ')').or_else(|| inside('[', ']')).unwrap_or("").split(' ').collect();
    let is_known = match parts.as_slice() {
        [count, "match" | "matches"] => line.starts_with('(') && is_count(count),
        ["match", count, "packets," | "packet,", _, "ago"] => line.starts_with('[') && is_count(count),
        [one] => line.starts_with('[') && one.strip_prefix("match=").is_some_and(is_count),
        _ => false,
    };
    while is_known && !words.peek().is_empty() {
        words.next();
    }
}

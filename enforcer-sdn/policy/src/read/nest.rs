//! Zones inside zones: names to indices, no zone inside itself, and the mode that a zone has from those around it.

use std::collections::HashMap;

use crate::document::Zone;
use crate::source::Spanned;

use super::fields::Log;
use super::suggestion;
use super::zone::Entry;

/// Links the zones; what is wrong is in the log.
pub fn link(entries: Vec<Entry>, names: &HashMap<String, usize>, log: &mut Log) -> Vec<Zone> {
    let mut inner: Vec<Vec<usize>> = Vec::with_capacity(entries.len());
    for entry in &entries {
        inner.push(entry.inner.iter().filter_map(|name| find(name, names, log)).collect());
    }
    let loops = cycles(&entries, &inner, log);
    let inherits: Vec<bool> = entries.iter().map(|entry| !entry.has_mode).collect();
    let mut zones: Vec<Zone> = entries.into_iter().map(|entry| entry.zone).collect();
    if loops {
        return zones;
    }
    for (zone, inner) in zones.iter_mut().zip(&inner) {
        zone.inner.clone_from(inner);
        zone.inner.sort_unstable();
        zone.inner.dedup();
    }
    // The longest chain is as long as there are zones; each round settles one more level.
    for _ in 0..zones.len() {
        let mut settled = true;
        for (at, inner) in inner.iter().enumerate() {
            let Some(mode) = zones.get(at).map(|zone| zone.mode) else { continue };
            for &below in inner.iter().filter(|below| inherits.get(**below).is_some_and(|inherits| *inherits)) {
                if let Some(zone) = zones.get_mut(below).filter(|zone| zone.mode < mode) {
                    zone.mode = mode;
                    settled = false;
                }
            }
        }
        if settled {
            break;
        }
    }
    zones
}

fn find(name: &Spanned<String>, names: &HashMap<String, usize>, log: &mut Log) -> Option<usize> {
    let found = names.get(&name.value).copied();
    if found.is_none() {
        let mut known: Vec<&str> = names.keys().map(String::as_str).collect();
        known.sort_unstable();
        let message = format!("unknown zone `{}`{}", name.value, suggestion(&name.value, known));
        log.error("unknown-zone", message, &name.span, "zones are defined under `zones:`");
    }
    found
}

/// Whether any zone is inside itself; each such loop is told once, at the entry that closes it.
fn cycles(entries: &[Entry], inner: &[Vec<usize>], log: &mut Log) -> bool {
    /// Untouched, on the path that is walked, or finished.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Walk {
        New,
        Open,
        Done,
    }
    let mut walked = vec![Walk::New; entries.len()];
    let mut found = false;
    for start in 0..entries.len() {
        // A path of its own instead of recursion: a thousand zones one in the other are no reason to fall over.
        let mut path: Vec<(usize, usize)> = Vec::new();
        if walked.get(start) == Some(&Walk::New) {
            path.push((start, 0));
        }
        while let Some((at, next)) = path.pop() {
            if let Some(walk) = walked.get_mut(at) {
                *walk = Walk::Open;
            }
            let Some(&below) = inner.get(at).and_then(|inner| inner.get(next)) else {
                if let Some(walk) = walked.get_mut(at) {
                    *walk = Walk::Done;
                }
                continue;
            };
            path.push((at, next + 1));
            match walked.get(below) {
                Some(Walk::New) => path.push((below, 0)),
                Some(Walk::Open) => {
                    found = true;
                    tell(entries, at, below, log);
                }
                _ => {}
            }
        }
    }
    found
}

/// `above` names `below`, which is around it already.
fn tell(entries: &[Entry], above: usize, below: usize, log: &mut Log) {
    let (Some(outer), Some(inner)) = (entries.get(below), entries.get(above)) else { return };
    let Some(named) = inner.inner.iter().find(|name| name.value == outer.zone.name.value) else { return };
    let first = log.place(&outer.zone.name.span);
    let message = match above == below {
        true => format!("zone `{}` is inside itself", named.value),
        false => format!("zone `{}` is inside `{}` and around it", inner.zone.name.value, named.value),
    };
    log.error("zone-cycle", message, &named.span, &format!("take one of the two out; `{}` is at {first}", named.value));
}

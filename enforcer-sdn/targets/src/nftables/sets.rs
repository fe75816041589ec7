//! Names and text of address sets, for the renderer: equal sets are written once and are called after their content, so that a new rule
//! does not rename the sets of the others.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::RangeSet;

/// Named sets of one rendering.
#[derive(Debug, Default)]
pub(super) struct NamedSets {
    v4: HashMap<RangeSet<u32>, String>,
    v6: HashMap<RangeSet<u128>, String>,
    /// Name to definition, in the order of the text.
    definitions: BTreeMap<String, String>,
}

impl NamedSets {
    /// What stands after `ip saddr`: one element as it is, several as a named set.
    pub(super) fn v4(&mut self, set: &RangeSet<u32>) -> String {
        if let [only] = set.ranges() {
            return v4_element(*only);
        }
        if let Some(name) = self.v4.get(set) {
            return format!("@{name}");
        }
        let elements: Vec<String> = set.ranges().iter().copied().map(v4_element).collect();
        let name = self.define("v4", "ipv4_addr", &elements);
        self.v4.insert(set.clone(), name.clone());
        format!("@{name}")
    }

    /// What stands after `ip6 saddr`.
    pub(super) fn v6(&mut self, set: &RangeSet<u128>) -> String {
        if let [only] = set.ranges() {
            return v6_element(*only);
        }
        if let Some(name) = self.v6.get(set) {
            return format!("@{name}");
        }
        let elements: Vec<String> = set.ranges().iter().copied().map(v6_element).collect();
        let name = self.define("v6", "ipv6_addr", &elements);
        self.v6.insert(set.clone(), name.clone());
        format!("@{name}")
    }

    fn define(&mut self, family: &str, kind: &str, elements: &[String]) -> String {
        let mut hash = fnv(elements);
        let mut name = format!("{family}_{hash:016x}");
        // Two sets with one hash: the later one moves on. Rules come in order, so the outcome is the same every time.
        while self.definitions.contains_key(&name) {
            hash = hash.wrapping_add(1);
            name = format!("{family}_{hash:016x}");
        }
        let mut text = format!("\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval\n\t\telements = {{ ");
        for (at, element) in elements.iter().enumerate() {
            // Several lines, as nft itself writes long lists.
            text.push_str(match at {
                0 => "",
                _ if at % 4 == 0 => ",\n\t\t\t     ",
                _ => ", ",
            });
            text.push_str(element);
        }
        text.push_str(" }\n\t}\n");
        self.definitions.insert(name.clone(), text);
        name
    }

    /// All definitions, each followed by an empty line.
    pub(super) fn write(&self, out: &mut String) {
        for definition in self.definitions.values() {
            let _ = writeln!(out, "{definition}");
        }
    }
}

/// FNV-1a, 64 bit: stable across versions, unlike the standard library's hashers.
fn fnv(elements: &[String]) -> u64 {
    let bytes = elements.iter().flat_map(|element| element.bytes().chain([b',']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn v4_element((first, last): (u32, u32)) -> String {
    let (start, end) = (Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last));
    match prefix_length(first.into(), last.into(), 32) {
        Some(32) => start.to_string(),
        Some(length) => format!("{start}/{length}"),
        None => format!("{start}-{end}"),
    }
}

fn v6_element((first, last): (u128, u128)) -> String {
    let (start, end) = (Ipv6Addr::from_bits(first), Ipv6Addr::from_bits(last));
    match prefix_length(first, last, 128) {
        Some(128) => start.to_string(),
        Some(length) => format!("{start}/{length}"),
        None => format!("{start}-{end}"),
    }
}

/// The length of the prefix that a range is, if it is one.
fn prefix_length(first: u128, last: u128, width: u32) -> Option<u32> {
    let differing = first ^ last;
    let host_bits = 128 - differing.leading_zeros();
    let is_prefix = differing.trailing_ones() == host_bits && first & differing == 0;
    is_prefix.then(|| width - host_bits)
}

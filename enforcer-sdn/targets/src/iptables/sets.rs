//! Names and text of address sets, for the renderer: equal sets are written once and are called after their content, so that rules which
//! run keep theirs while new ones are loaded.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, Prefix};

/// ipset's own default; more must be said.
const DEFAULT_MAXELEM: usize = 65_536;

/// Named sets of one rendering.
pub(super) struct NamedSets<'a> {
    /// What names begin with.
    owner: &'a str,
    names: HashMap<AddressSet, String>,
    /// Name to prefixes, in the order of the text.
    members: BTreeMap<String, Vec<Prefix>>,
}

impl<'a> NamedSets<'a> {
    pub(super) fn new(owner: &'a str) -> Self {
        Self { owner, names: HashMap::new(), members: BTreeMap::new() }
    }

    /// The name of a set of one IP version.
    pub(super) fn name(&mut self, set: &AddressSet, prefixes: Vec<Prefix>) -> String {
        if let Some(name) = self.names.get(set) {
            return name.clone();
        }
        let version = if set.v6.is_empty() { 4 } else { 6 };
        let mut hash = fnv(&prefixes);
        let mut name = format!("{}-{version}-{hash:016x}", self.owner);
        // Two sets with one hash: the later one moves on. Rules come in order, so the outcome is the same every time.
        while self.members.contains_key(&name) {
            hash = hash.wrapping_add(1);
            name = format!("{}-{version}-{hash:016x}", self.owner);
        }
        self.members.insert(name.clone(), prefixes);
        self.names.insert(set.clone(), name.clone());
        name
    }

    pub(super) fn write(&self, out: &mut String) {
        for (name, prefixes) in &self.members {
            let is_v4 = prefixes.first().is_some_and(|prefix| prefix.network().is_ipv4());
            let family = if is_v4 { "inet" } else { "inet6" };
            let room = if prefixes.len() > DEFAULT_MAXELEM { format!(" maxelem {}", prefixes.len()) } else { String::new() };
            let _ = writeln!(out, "create {name} hash:net family {family}{room}");
            for prefix in prefixes {
                let _ = writeln!(out, "add {name} {prefix}");
            }
        }
    }
}

/// FNV-1a, 64 bit: stable across versions, unlike the standard library's hashers.
fn fnv(prefixes: &[Prefix]) -> u64 {
    let text: String = prefixes.iter().map(|prefix| format!("{prefix},")).collect();
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

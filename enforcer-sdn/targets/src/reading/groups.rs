//! Names that stand for other names: groups, sets, and groups of groups. What a group means is the union of what is below it.

use std::collections::{BTreeMap, BTreeSet};

use super::Word;
use crate::target::ParseError;

/// Groups in groups in groups: devices allow few.
const DEEPEST: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Groups<'a> {
    members: BTreeMap<&'a str, Vec<Word<'a>>>,
}

impl<'a> Groups<'a> {
    pub fn contains(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Begins the group, or goes on with it.
    pub fn members(&mut self, name: &'a str) -> &mut Vec<Word<'a>> {
        self.members.entry(name).or_default()
    }

    /// What is below a name and no group itself, each once; the name itself where it is no group.
    pub fn leaves<'n>(&'n self, name: Word<'n>) -> Result<Vec<Word<'n>>, ParseError> {
        let mut walk = Walk { groups: self, open: Vec::new(), seen: BTreeSet::new(), leaves: Vec::new() };
        walk.visit(name)?;
        Ok(walk.leaves)
    }
}

struct Walk<'n, 'a> {
    groups: &'n Groups<'a>,
    /// The groups that we are in.
    open: Vec<&'n str>,
    seen: BTreeSet<&'n str>,
    leaves: Vec<Word<'n>>,
}

impl<'n> Walk<'n, '_> {
    fn visit(&mut self, name: Word<'n>) -> Result<(), ParseError> {
        if self.open.contains(&name.text) {
            return Err(name.error(format!("group `{}` is in itself", name.text), "the device refuses it: take it out"));
        }
        if !self.seen.insert(name.text) {
            return Ok(());
        }
        let Some(members) = self.groups.members.get(name.text) else {
            self.leaves.push(name);
            return Ok(());
        };
        if members.is_empty() {
            return Err(name.error(format!("group `{}` is empty", name.text), "give it members"));
        }
        if self.open.len() >= DEEPEST {
            return Err(name.error(format!("group `{}` is too deep in others", name.text), "name its members where it stands"));
        }
        self.open.push(name.text);
        for &member in members {
            self.visit(member)?;
        }
        self.open.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn word(text: &str) -> Word<'_> {
        Word { text, line: 1, column: 1, is_quoted: false }
    }

    fn groups(all: &[(&'static str, &[&'static str])]) -> Groups<'static> {
        let mut groups = Groups::default();
        for (name, members) in all {
            groups.members(name).extend(members.iter().map(|member| word(member)));
        }
        groups
    }

    fn leaves(groups: &Groups<'_>, name: &str) -> Option<Vec<String>> {
        groups.leaves(word(name)).ok().map(|leaves| leaves.iter().map(|leaf| leaf.text.to_owned()).collect())
    }

    #[test]
    fn each_name_is_found_once_however_often_it_is_below() {
        // Sixteen levels of ten names each would be visited 10^16 times.
        let names: Vec<String> = (0..16).map(|level| format!("g{level}")).collect();
        let mut wide = Groups::default();
        for pair in names.windows(2) {
            let inner = Word { text: pair[1].as_str(), ..word("") };
            wide.members(&pair[0]).extend([inner; 10]);
        }
        assert_eq!(wide.leaves(word("g0")).unwrap().len(), 1);
        let groups = groups(&[("a", &["x", "b", "c"]), ("b", &["y", "x"]), ("c", &["y"])]);
        assert_eq!(leaves(&groups, "a"), Some(vec!["x".into(), "y".into()]));
        assert_eq!(leaves(&groups, "x"), Some(vec!["x".into()]));
    }

    #[test]
    fn circles_and_empty_groups_are_refused() {
        let groups = groups(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"]), ("d", &[])]);
        for name in ["a", "b", "c", "d"] {
            assert_eq!(leaves(&groups, name), None, "{name}");
        }
    }
}

//! A Linux box with iptables, ip6tables and ipset: an own chain in each family's filter table, which FORWARD asks first.
//!
//! Words that differ: a replacement is one transaction for each family, not for both, so both are tested before either changes.
//! Sets are called after their content; one that is there and was changed by somebody is swapped, never emptied.
//! What stands in FORWARD behind our jump, and its policy, belongs to others and is neither read nor written. A jump that is not the
//! first rule decides nothing for sure, so it is read back as missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use enforcer_packetset::Packet;

use crate::config::Point;
use crate::driver::via::Via;
use crate::driver::{Cut, Driver, DriverKind, Running, conntrack};

pub const KIND: DriverKind = DriverKind { name: "iptables", target: "iptables", open };

/// The rendering's own chain, and what the names of its sets begin with.
const CHAIN: &str = "cordon";
/// A set that takes another's place for the moment of the swap.
const SPARE: &str = "cordon-spare";
const JUMP: &str = "-j cordon";

struct Iptables {
    via: Via,
}

/// One IP version's tools, and the heading of its part.
struct Family {
    save: &'static str,
    restore: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family { save: "iptables-save", restore: "iptables-restore" },
    Family { save: "ip6tables-save", restore: "ip6tables-restore" },
];

/// A document by its headings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    sets: BTreeMap<String, Set>,
    /// IPv4, IPv6: lines between the heading and the next one.
    tables: [Vec<String>; 2],
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Set {
    /// What stands behind `create NAME`.
    kind: String,
    members: BTreeSet<String>,
}

fn open(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Iptables { via: Via::new(&point.via) }))
}

impl Driver for Iptables {
    fn read_back(&self) -> Result<Running> {
        let mut text = String::from("# ipset save\n");
        for (name, set) in own_sets(&self.sets()?) {
            let _ = writeln!(text, "create {name} {}", set.kind);
            set.members.iter().for_each(|member| text.push_str(&format!("add {name} {member}\n")));
        }
        let mut is_there = false;
        for family in &FAMILIES {
            let table = self.filter_table(family)?;
            is_there |= has_chain(&table);
            let _ = writeln!(text, "# {} --noflush\n*filter\n:{CHAIN} - [0:0]", family.restore);
            if forward(&table).first() == Some(&JUMP) {
                let _ = writeln!(text, "-I FORWARD 1 {JUMP}");
            }
            let own = format!("-A {CHAIN} ");
            table.lines().filter(|line| line.starts_with(&own)).for_each(|line| text.push_str(&format!("{line}\n")));
            text.push_str("COMMIT\n");
        }
        Ok(Running(is_there.then_some(text)))
    }

    fn apply(&self, text: &str) -> Result<()> {
        let parts = Parts::of(text)?;
        self.load_sets(&parts)?;
        let mut loads = Vec::new();
        for (family, lines) in FAMILIES.iter().zip(&parts.tables) {
            loads.push((family, restore_text(&self.filter_table(family)?, lines)));
        }
        for (family, text) in &loads {
            self.via.run(&[family.restore, "--wait", "5", "--test", "--noflush"], text).context("the rules are refused")?;
        }
        for (family, text) in &loads {
            self.via.run(&[family.restore, "--wait", "5", "--noflush"], text)?;
        }
        self.remove_sets(&|name| !parts.sets.contains_key(name))
    }

    fn restore(&self, checkpoint: &Running) -> Result<()> {
        if let Some(text) = &checkpoint.0 {
            return self.apply(text);
        }
        for family in &FAMILIES {
            let table = self.filter_table(family)?;
            if has_chain(&table) {
                let text = removal_text(&table);
                self.via.run(&[family.restore, "--wait", "5", "--noflush"], &text)?;
            }
        }
        self.remove_sets(&|_| true)
    }

    fn cut(&self, denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
        conntrack::cut(&self.via, denied)
    }
}

impl Iptables {
    fn filter_table(&self, family: &Family) -> Result<String> {
        self.via.run(&[family.save, "-t", "filter"], "").with_context(|| format!("cannot list with `{}`", family.save))
    }

    fn sets(&self) -> Result<BTreeMap<String, Set>> {
        let saved = self.via.run(&["ipset", "save"], "").context("cannot list the sets of ipset")?;
        Ok(Parts::of(&saved)?.sets)
    }

    /// New sets are created; those that are there with other members get theirs in one step.
    fn load_sets(&self, parts: &Parts) -> Result<()> {
        let there = self.sets()?;
        let mut text = String::new();
        if there.contains_key(SPARE) {
            let _ = writeln!(text, "destroy {SPARE}");
        }
        for (name, set) in &parts.sets {
            let old = there.get(name);
            if old.is_some_and(|old| old.members == set.members) {
                continue;
            }
            let fill = if old.is_some() { SPARE } else { name };
            let _ = writeln!(text, "create {fill} {}", set.kind);
            set.members.iter().for_each(|member| text.push_str(&format!("add {fill} {member}\n")));
            if old.is_some() {
                let _ = writeln!(text, "swap {SPARE} {name}\ndestroy {SPARE}");
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        self.via.run(&["ipset", "restore"], &text).context("cannot load the sets").map(drop)
    }

    /// Removes own sets that no rule needs any more.
    fn remove_sets(&self, is_unneeded: &dyn Fn(&str) -> bool) -> Result<()> {
        let there = self.sets()?;
        let unneeded: String =
            own_sets(&there).filter(|(name, _)| is_unneeded(name)).map(|(name, _)| format!("destroy {name}\n")).collect();
        if unneeded.is_empty() {
            return Ok(());
        }
        self.via.run(&["ipset", "restore"], &unneeded).context("cannot remove sets that no rule needs any more").map(drop)
    }
}

fn own_sets(all: &BTreeMap<String, Set>) -> impl Iterator<Item = (&String, &Set)> {
    all.iter().filter(|(name, _)| name.starts_with("cordon-"))
}

fn has_chain(table: &str) -> bool {
    table.lines().any(|line| line.starts_with(&format!(":{CHAIN} ")))
}

/// The rules of FORWARD, without their first two words.
fn forward(table: &str) -> Vec<&str> {
    table.lines().filter_map(|line| line.strip_prefix("-A FORWARD ")).collect()
}

/// A part as its tool shall read it on this device: jumps that are in the way are taken out, a right one is left alone.
fn restore_text(running: &str, lines: &[String]) -> String {
    let rules = forward(running);
    let jumps = rules.iter().filter(|rule| **rule == JUMP).count();
    let wants_jump = lines.iter().any(|line| is_jump(line));
    let is_right = wants_jump && jumps == 1 && rules.first() == Some(&JUMP);
    let mut text = String::new();
    for line in lines {
        if line == "COMMIT" && !is_right {
            for _ in 0..jumps {
                let _ = writeln!(text, "-D FORWARD {JUMP}");
            }
            if wants_jump {
                let _ = writeln!(text, "-I FORWARD 1 {JUMP}");
            }
        }
        if !is_jump(line) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn is_jump(line: &str) -> bool {
    line.starts_with("-I FORWARD ") && line.ends_with(JUMP)
}

/// Takes our chain out of a table.
fn removal_text(running: &str) -> String {
    let jumps = forward(running).iter().filter(|rule| **rule == JUMP).count();
    format!("*filter\n{}-F {CHAIN}\n-X {CHAIN}\nCOMMIT\n", format!("-D FORWARD {JUMP}\n").repeat(jumps))
}

impl Parts {
    fn of(text: &str) -> Result<Self> {
        let mut parts = Self::default();
        let mut table: Option<usize> = None;
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("# ") {
                table = FAMILIES.iter().position(|family| heading.split(' ').next() == Some(family.restore));
                continue;
            }
            if let Some(lines) = table.and_then(|at| parts.tables.get_mut(at)) {
                lines.push(line.to_owned());
                continue;
            }
            match line.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
                ["create", name, kind] => {
                    drop(parts.sets.insert((*name).to_owned(), Set { kind: stable(kind), members: BTreeSet::new() }))
                }
                ["add", name, member] => {
                    let set = parts.sets.get_mut(*name).with_context(|| format!("member of an unknown set `{name}`"))?;
                    set.members.insert((*member).to_owned());
                }
                [""] => {}
                _ => bail!("a line that belongs to no tool: `{line}`"),
            }
        }
        Ok(parts)
    }
}

/// What a set is, without what ipset draws or grows by itself.
fn stable(kind: &str) -> String {
    let mut words = kind.split(' ');
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let own = words.clone().next();
        match word {
            "hashsize" | "bucketsize" | "initval" => drop(words.next()),
            "maxelem" if own == Some("65536") => drop(words.next()),
            _ => kept.push(word),
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# ipset restore\ncreate cordon-4-1 hash:net family inet\nadd cordon-4-1 10.0.0.0/8\n# iptables-restore --noflush\n\
         *filter\n:cordon - [0:0]\n-I FORWARD 1 -j cordon\n-A cordon -j DROP\nCOMMIT\n# ip6tables-restore --noflush\n*filter\nCOMMIT\n";

    #[test]
    fn a_document_is_split_by_its_headings() {
        let parts = Parts::of(DOCUMENT).unwrap();
        assert_eq!(parts.sets["cordon-4-1"].members.iter().collect::<Vec<_>>(), ["10.0.0.0/8"]);
        assert_eq!(parts.tables[0].len(), 5);
        assert_eq!(parts.tables[1], ["*filter", "COMMIT"]);
    }

    #[test]
    fn a_jump_that_stands_first_is_left_alone_and_others_are_replaced() {
        let parts = Parts::of(DOCUMENT).unwrap();
        let text = |running: &str| restore_text(running, &parts.tables[0]);
        assert_eq!(text("-A FORWARD -j cordon\n-A FORWARD -j DROP\n"), "*filter\n:cordon - [0:0]\n-A cordon -j DROP\nCOMMIT\n");
        let moved = text("-A FORWARD -j ACCEPT\n-A FORWARD -j cordon\n");
        assert!(moved.contains("-D FORWARD -j cordon\n-I FORWARD 1 -j cordon\nCOMMIT"), "{moved}");
        assert!(text("").contains("-I FORWARD 1 -j cordon\nCOMMIT") && !text("").contains("-D"));
    }

    #[test]
    fn what_ipset_draws_by_itself_is_no_part_of_a_set() {
        assert_eq!(stable("hash:net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1"), "hash:net family inet");
        assert_eq!(stable("hash:net family inet maxelem 70000"), "hash:net family inet maxelem 70000");
    }
}

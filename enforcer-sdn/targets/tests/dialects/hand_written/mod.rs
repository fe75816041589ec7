//! Texts as people write them, not our renderers: the tool whose language it is lists what it made of each, and the parser must read
//! the text and the listing as the same packets.

mod flows;
mod iptables;
mod nft;

use std::path::PathBuf;
use std::process::Command;

use enforcer_packetset::{Limits, compare};
use enforcer_targets::find;

use crate::rulesets::Random;

/// What became of the texts.
#[derive(Debug, Default)]
struct Tally {
    /// By the tool: they mean nothing.
    invalid: usize,
    /// By the parser; the tool took them.
    refused: usize,
    /// Read, but not the listing.
    unlisted: usize,
    equal: usize,
    /// The parser's words when it refused, for whoever widens it.
    reasons: std::collections::BTreeMap<String, usize>,
}

impl Tally {
    /// Counts a text; `listing` is None where the tool did not take it.
    ///
    /// The parser reads what the tool takes or says that it does not; both readings are the same packets.
    fn count(&mut self, target: &str, text: &str, listing: Option<&str>) {
        let target = find(target).unwrap();
        let read = (target.parse)(text);
        let Some(listing) = listing else {
            self.invalid += 1;
            if read.is_ok() {
                *self.reasons.entry("READ WHAT THE TOOL REFUSES".into()).or_default() += 1;
                if std::env::var_os("CORDON_SHOW").is_some() {
                    eprintln!("read, but invalid:\n{text}");
                }
            }
            return;
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                self.refused += 1;
                *self.reasons.entry(error.what).or_default() += 1;
                return;
            }
        };
        let listed = match (target.parse)(listing) {
            Ok(listed) => listed,
            Err(error) => {
                self.unlisted += 1;
                *self.reasons.entry(format!("LISTED: {}", error.what)).or_default() += 1;
                if std::env::var_os("CORDON_SHOW").is_some() {
                    eprintln!("{error} in the listing\n{listing}\nof\n{text}");
                }
                return;
            }
        };
        self.equal += 1;
        if let Err(difference) = compare(&read.steps, &listed.steps, Limits::default()).unwrap() {
            panic!("the text\n{text}\nis listed as\n{listing}\n{difference:#?}");
        }
    }

    fn report(&self, what: &str) {
        let Self { invalid, refused, unlisted, equal, reasons } = self;
        eprintln!(
            "{what}: {equal} read like their listing, {refused} refused, {unlisted} with an unread listing, {invalid} invalid"
        );
        for (reason, count) in reasons {
            eprintln!("  {count:>6} {reason}");
        }
    }
}

/// A folder of its own in memory, which goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cordon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The system's own folder for temporary files forgets what is left.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the script for each of the texts, which are `$1.in`, in a network namespace of its own, and returns what it wrote to `$1.out`;
/// None, said aloud, without the tools or the right to use them.
fn listed(name: &str, tools: &[&str], script: &str, texts: &[String]) -> Option<Vec<Option<String>>> {
    let has = |tool: &&str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    let is_root = Command::new("unshare").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    if !tools.iter().all(has) || !is_root {
        eprintln!("NOT TESTED against {tools:?}: this needs root and them");
        return None;
    }
    let folder = Folder::new(name);
    for (number, text) in texts.iter().enumerate() {
        std::fs::write(folder.0.join(format!("{number}.in")), text).unwrap();
    }
    std::fs::write(folder.0.join("script"), script).unwrap();
    // The kernel lets a tool wait that takes rules away, so several go side by side.
    let all = format!("seq 0 {} | xargs -P 8 -n 1 unshare -n sh script", texts.len() - 1);
    let output = Command::new("sh").args(["-c", &all]).current_dir(&folder.0).env("TZ", "UTC").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = |number: usize| std::fs::read_to_string(folder.0.join(format!("{number}.out"))).ok();
    Some((0..texts.len()).map(out).collect())
}

/// One of the words, mostly of the first half: they begin with the ordinary ones.
fn word<'a>(random: &mut Random, words: &[&'a str]) -> &'a str {
    let end = if random.one_in(6) { words.len() } else { words.len().div_ceil(2) };
    words[random.below(end as u64) as usize]
}

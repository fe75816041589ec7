//! The rules of the house that no compiler checks.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it is surprised")]

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/sources.rs"]
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::binary::repository;

/// Files of the repository whose name ends so: what is committed and what is about to be.
fn files_ending(ends: &[&str]) -> Vec<PathBuf> {
    let listed =
        Command::new("git").current_dir(repository()).args(["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let listed = listed.expect("git is needed to know what belongs to the repository");
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let wanted = names.lines().filter(|name| ends.iter().any(|end| name.ends_with(end)));
    wanted.map(|name| repository().join(name)).filter(|path| path.is_file()).collect()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// As the repository knows it.
fn short(path: &Path) -> String {
    path.strip_prefix(repository()).unwrap_or(path).display().to_string()
}

#[test]
fn the_repository_has_files() {
    // Every other test here would pass on an empty list.
    assert!(files_ending(&[".rs"]).len() > 50);
}

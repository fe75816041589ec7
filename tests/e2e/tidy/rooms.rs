//! Who may import whom, and what a pure room may not know.

use std::process::Command;

use harness::binary::repository;
use serde_json::Value;

use crate::{files_ending, read, short};

/// What stands at the top; dot-files beside it.
const TOP_LEVEL: [&str; 9] =
    ["Cargo.lock", "Cargo.toml", "Makefile", "README.md", "config", "enforcer-sdn", "image", "sensor", "systemd"];

/// Room, and the rooms that it may import. The two binaries and the tests come last.
const IMPORTS: &[(&str, &[&str])] = &[
    ("sensor-model", &[]),
    ("sensor-wire", &["sensor-model"]),
    ("sensor-flow", &["sensor-model", "sensor-wire"]),
    ("sensor-dissect", &["sensor-model"]),
    ("sensor-identify", &["sensor-model"]),
    ("sensor-capture", &["sensor-model", "sensor-wire"]),
    ("enforcer-packetset", &[]),
    ("enforcer-policy", &["sensor-model", "enforcer-packetset"]),
    ("enforcer-targets", &["enforcer-policy", "enforcer-packetset"]),
    ("sensor", &["sensor-model", "sensor-wire", "sensor-flow", "sensor-dissect", "sensor-identify", "sensor-capture"]),
    ("enforcer-sdn", &["sensor-model", "enforcer-packetset", "enforcer-policy", "enforcer-targets"]),
    ("system-tests", &["sensor-model"]),
];

/// Folders of the rooms that get time as an argument and give values back.
const PURE: [&str; 8] = [
    "sensor/model",
    "sensor/wire",
    "sensor/flow",
    "sensor/dissect",
    "sensor/identify",
    "enforcer-sdn/policy",
    "enforcer-sdn/packetset",
    "enforcer-sdn/targets",
];

/// What they may not name.
const WORLD: [&str; 9] = [
    "tokio",
    "std::fs",
    "std::thread",
    "std::env",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::process",
    "SystemTime",
    "Instant",
];

/// Parts of `std` that a grouped import could hide.
const WORLD_PARTS: [&str; 4] = ["fs", "thread", "env", "process"];

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).current_dir(repository()).args(["metadata", "--no-deps", "--format-version", "1"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    metadata["packages"].as_array().cloned().unwrap_or_default()
}

/// Normal dependencies of a package: tests may look further.
fn dependencies(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().cloned().unwrap_or_default();
    all.iter().filter(|one| one["kind"].is_null()).filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_top_level_holds_what_the_design_says() {
    let found = std::fs::read_dir(repository()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());

    let strangers: Vec<_> = found
        .filter(|name| !name.starts_with('.') && !["target", "tests"].contains(&name.as_str()))
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()))
        .collect();

    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn no_room_imports_a_room_that_it_may_not_know() {
    let packages = packages();
    let rooms: Vec<&str> = IMPORTS.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let Some((_, allowed)) = IMPORTS.iter().find(|(room, _)| *room == name) else {
            wrong.push(format!("`{name}` is in no list: say what it may import"));
            continue;
        };
        let imported = dependencies(package);
        let forbidden = imported.iter().filter(|one| rooms.contains(&one.as_str()) && !allowed.contains(&one.as_str()));
        wrong.extend(forbidden.map(|one| format!("`{name}` imports `{one}`")));
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(packages.len(), IMPORTS.len());
}

#[test]
fn a_pure_room_names_no_clock_no_file_no_thread_no_environment() {
    let mut wrong = Vec::new();
    for path in files_ending(&[".rs"]) {
        let name = short(&path);
        if !PURE.iter().any(|room| name.starts_with(&format!("{room}/src/"))) {
            continue;
        }
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in (1..).zip(code.lines()) {
            let line = line.split("//").next().unwrap_or_default();
            let direct = WORLD.iter().any(|world| names(line, world));
            let grouped = line.trim_start().starts_with("use std::{") && WORLD_PARTS.iter().any(|part| names(line, part));
            if direct || grouped {
                wrong.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_pure_room_depends_on_no_runtime() {
    let runtimes = ["tokio", "async-std", "libc", "rustix", "crossbeam-channel", "dashmap", "rusqlite", "axum"];
    let pure = IMPORTS
        .iter()
        .map(|(room, _)| *room)
        .filter(|room| !["sensor", "sensor-capture", "enforcer-sdn", "system-tests"].contains(room));

    for room in pure {
        let package = packages().into_iter().find(|package| package["name"] == room).unwrap();
        let wrong: Vec<_> = dependencies(&package).into_iter().filter(|one| runtimes.contains(&one.as_str())).collect();
        assert!(wrong.is_empty(), "{room} depends on {wrong:?}");
    }
}

#[test]
fn the_worker_loop_knows_no_shared_map_no_runtime_and_no_log() {
    let path = repository().join("sensor/src/worker.rs");
    let text = read(&path);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();

    for word in ["dashmap", "tokio", "tracing::", "info!(", "warn!(", "error!(", "println!("] {
        assert!(!code.contains(word), "the worker loop names `{word}`");
    }
}

/// Whether `line` has `word` as a whole word.
fn names(line: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + word.len()..].chars().next());
        !is_part(before) && !is_part(after)
    })
}

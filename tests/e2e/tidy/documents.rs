//! What is shipped beside the binaries: units, configuration, licences.

use std::path::PathBuf;
use std::process::Command;

use harness::binary::{self, repository};
use harness::scratch::Scratch;
use serde_json::Value;

use crate::{files_ending, read, short};

/// Of ten, as `systemd-analyze` counts it in tenths: the lower, the less a broken service could do.
const EXPOSURE_TENTHS: &str = "30";

/// Licences that the workspace may be built from; `.cargo/deny.toml` has the same list.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn units() -> Vec<PathBuf> {
    files_ending(&[".service"])
}

fn has_systemd_analyze() -> bool {
    let found = Command::new("systemd-analyze").arg("--version").output().is_ok();
    if !found {
        eprintln!("NOT CHECKED: no systemd-analyze; install Debian's package `systemd`");
    }
    found
}

#[test]
fn systemd_understands_every_line_of_the_units() {
    if !has_systemd_analyze() {
        return;
    }
    assert!(!units().is_empty());
    for unit in units() {
        let scratch = Scratch::create("units").unwrap();
        let name = unit.file_name().unwrap().to_string_lossy().into_owned();
        let program = unit.file_stem().unwrap().to_string_lossy().into_owned();
        // It looks for the program where the unit says, which is not here.
        let built = binary::path(&program).unwrap().display().to_string();
        let copy = scratch.write(&name, &read(&unit).replace(&format!("/usr/bin/{program}"), &built)).unwrap();

        let output = Command::new("systemd-analyze").arg("verify").arg(copy).output().unwrap();

        // An unknown key is a warning and exit 0.
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains(&name), "{}: {said}", short(&unit));
    }
}

#[test]
fn the_units_leave_little_to_a_broken_service() {
    if !has_systemd_analyze() {
        return;
    }
    for unit in units() {
        let mut command = Command::new("systemd-analyze");
        let output = command
            .args(["security", "--offline=yes", "--no-pager", "--threshold", EXPOSURE_TENTHS])
            .arg(&unit)
            .output()
            .unwrap();

        assert!(output.status.success(), "{}: {}", short(&unit), String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn every_setting_in_the_shipped_configuration_is_explained() {
    let mut silent = Vec::new();
    let shipped: Vec<_> = files_ending(&[".toml"]).into_iter().filter(|path| short(path).starts_with("config/")).collect();
    assert!(!shipped.is_empty());
    for path in shipped {
        let mut explained = false;
        for (number, line) in (1..).zip(read(&path).lines()) {
            let is_setting = line.contains(" = ") && !line.starts_with('#') && !line.starts_with(' ');
            if is_setting && !explained {
                silent.push(format!("{}:{number}: {line}", short(&path)));
            }
            explained = line.starts_with('#');
        }
    }

    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn everything_we_build_from_has_a_licence_that_we_may_use_and_comes_from_the_registry() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let output = command.current_dir(repository()).args(["metadata", "--format-version", "1"]).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none");
        // `A OR B` and the older `A/B` leave the choice to us; of `A AND B` we need both.
        let choices = licence.replace('/', " OR ").replace(['(', ')'], "");
        let usable = choices.split(" OR ").any(|choice| choice.split(" AND ").all(|one| LICENCES.contains(&one.trim())));
        if !usable {
            wrong.push(format!("{name}: {licence}"));
        }
        let source = package["source"].as_str();
        if source.is_some_and(|source| source != "registry+https://github.com/rust-lang/crates.io-index") {
            wrong.push(format!("{name}: from {source:?}"));
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_licence_texts_are_there() {
    for (name, words) in [("LICENSE-APACHE", "Apache License"), ("LICENSE-MIT", "Permission is hereby granted, free of charge")] {
        assert!(read(&repository().join("image/licenses").join(name)).contains(words), "{name}");
    }
}

//! Runs `tests/cases`: a folder with what to make and do (`case.json`), and what it must give.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::binary;
use harness::generate::generate;
use harness::scratch::Scratch;
use serde::Deserialize;
use serde_json::Value;

/// A case as written down. Files of its folder are beside the commands when they run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// One sentence: what this shows.
    claim: String,
    /// Captures to make first, by file name.
    #[serde(default)]
    captures: BTreeMap<String, CaptureRecipe>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaptureRecipe {
    recipe: String,
    count: u64,
    seed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    run: Vec<String>,
    #[serde(default)]
    exit: i32,
    /// Texts that stdout and stderr together must have, and must not have.
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    says_not: Vec<String>,
    /// Of JSON documents: file, pointer (RFC 6901), value.
    #[serde(default)]
    gives: Vec<(String, String, Value)>,
    /// Of NDJSON documents: file, fields that a line must have, how many lines do.
    #[serde(default)]
    lines: Vec<(String, BTreeMap<String, Value>, usize)>,
}

#[test]
fn every_case_gives_what_it_must() {
    let folder = binary::repository().join("tests/cases");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty());

    let failed: Vec<String> = folders.iter().filter_map(|folder| play(folder).err()).collect();

    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

fn play(folder: &Path) -> Result<(), String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(folder.join("case.json")).map_err(|error| format!("{name}: case.json: {error}"))?;
    let case: Case = serde_json::from_str(&text).map_err(|error| format!("{name}: case.json: {error}"))?;
    let scratch = Scratch::create("case").unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), scratch.file(&entry.file_name().to_string_lossy())).unwrap();
    }
    for (file, wanted) in &case.captures {
        generate(&wanted.recipe, Some(wanted.count), wanted.seed, &scratch.file(file), None).unwrap();
    }
    for step in &case.steps {
        take(step, &scratch).map_err(|wrong| format!("{name} ({}): `{}`: {wrong}", case.claim, step.run.join(" ")))?;
    }
    Ok(())
}

fn take(step: &Step, scratch: &Scratch) -> Result<(), String> {
    let (program, arguments) = step.run.split_first().ok_or("no program")?;
    let mut command = Command::new(binary::path(program).map_err(|error| error.to_string())?);
    let output = command.current_dir(scratch.path()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if output.status.code() != Some(step.exit) {
        return Err(format!("{}, expected exit {}: {said}", output.status, step.exit));
    }
    if let Some(text) = step.says.iter().find(|text| !said.contains(*text)) {
        return Err(format!("does not say `{text}`: {said}"));
    }
    if let Some(text) = step.says_not.iter().find(|text| said.contains(*text)) {
        return Err(format!("says `{text}`: {said}"));
    }
    for (file, pointer, expected) in &step.gives {
        let document: Value = serde_json::from_str(&read(scratch, file)?).map_err(|error| format!("{file}: {error}"))?;
        if document.pointer(pointer) != Some(expected) {
            return Err(format!("{file}{pointer} is {:?}, expected {expected}", document.pointer(pointer)));
        }
    }
    for (file, fields, expected) in &step.lines {
        let text = read(scratch, file)?;
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found = records.filter(|record| fields.iter().all(|(field, value)| record.get(field) == Some(value))).count();
        if found != *expected {
            return Err(format!("{file} has {found} lines with {fields:?}, expected {expected}"));
        }
    }
    Ok(())
}

fn read(scratch: &Scratch, file: &str) -> Result<String, String> {
    std::fs::read_to_string(scratch.file(file)).map_err(|error| format!("{file}: {error}"))
}

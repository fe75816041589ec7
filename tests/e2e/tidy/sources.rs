//! How files look, whoever wrote them.

use harness::binary::repository;

use crate::{files_ending, read, short};

const MAX_LINES: usize = 400;

/// Names that say nothing.
const EMPTY_NAMES: [&str; 9] = ["util", "utils", "helper", "helpers", "misc", "common", "manager", "handler", "processor"];

/// Written in two halves, so that this file does not hold what it forbids.
const FORBIDDEN: [(&str, &str); 9] = [
    ("todo", "!("),
    ("unimplemented", "!("),
    ("FIX", "ME"),
    ("#[ign", "ore"),
    ("#[al", "low("),
    ("#![al", "low("),
    ("sub", "agent"),
    ("/wo", "rk/"),
    ("dbg", "!("),
];

#[test]
fn no_source_file_has_more_lines_than_a_reader_can_hold() {
    let sources = files_ending(&[".rs"]);
    let long: Vec<String> = sources
        .iter()
        .map(|path| (read(path).lines().count(), short(path)))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, name)| format!("{name}: {lines}"))
        .collect();

    assert!(long.is_empty(), "split by noun: {}", long.join(", "));
}

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    // A package's build script and its crate root as well.
    let silent: Vec<String> = files_ending(&[".rs"])
        .iter()
        .filter(|path| !read(path).trim_start().starts_with("//!"))
        .map(|path| short(path))
        .collect();

    assert!(silent.is_empty(), "{}", silent.join(", "));
}

#[test]
fn no_file_is_named_after_nothing() {
    let named: Vec<String> = files_ending(&[".rs"])
        .iter()
        .filter(|path| path.file_stem().is_some_and(|stem| EMPTY_NAMES.contains(&stem.to_string_lossy().as_ref())))
        .map(|path| short(path))
        .collect();

    assert!(named.is_empty(), "{}", named.join(", "));
}

#[test]
fn nothing_is_left_open_and_no_word_is_here_that_does_not_belong() {
    let mut found = Vec::new();
    for path in files_ending(&[".rs", ".toml", ".md", ".yaml", ".json", ".service", ".sh", "Makefile", ".ci/run", ".c"]) {
        let text = read(&path);
        for (number, line) in (1..).zip(text.lines()) {
            let words = FORBIDDEN.iter().map(|(first, second)| [*first, *second].concat());
            found.extend(
                words.filter(|word| line.contains(word.as_str())).map(|word| format!("{}:{number}: {word}", short(&path))),
            );
        }
    }

    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_registry_has_a_template() {
    let registries: Vec<_> = files_ending(&["registry.rs"]).into_iter().filter(|path| path.ends_with("registry.rs")).collect();
    let without: Vec<String> = registries
        .iter()
        .filter(|path| !path.with_file_name("template.rs").is_file() && !path.with_file_name("template").is_dir())
        .map(|path| short(path))
        .collect();

    assert!(registries.len() > 3, "{registries:?}");
    assert!(without.is_empty(), "{}", without.join(", "));
}

#[test]
fn only_capture_may_be_unsafe() {
    let word = ["un", "safe "].concat();
    let capture = repository().join("sensor/capture");
    let wrong: Vec<String> = files_ending(&[".rs"])
        .iter()
        .filter(|path| !path.starts_with(&capture))
        .filter(|path| {
            read(path)
                .lines()
                .any(|line| line.trim_start().contains(&format!("{word}{{")) || line.contains(&format!("{word}fn ")))
        })
        .map(|path| short(path))
        .collect();

    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}

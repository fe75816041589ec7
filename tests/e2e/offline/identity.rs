//! The same packets give the same bytes, however many threads look at them.

use std::path::{Path, PathBuf};

use harness::binary;
use harness::generate::generate;
use harness::scratch::Scratch;
use harness::sensor::replay_command;

const DOCUMENTS: [&str; 4] = ["conn.log", "flowmap.json", "alerts.ndjson", "stats.json"];

/// The four documents of a replay.
fn documents(capture: &Path, scratch: &Scratch, name: &str, workers: &str) -> Vec<(&'static str, Vec<u8>)> {
    let folder = scratch.file(name);
    // A capture that ends inside its last packet exits 1, after everything before was written.
    replay_command(&[capture], &folder).unwrap().args(["--workers", workers]).output().unwrap();
    DOCUMENTS.iter().map(|document| (*document, std::fs::read(folder.join(document)).unwrap())).collect()
}

fn assert_identical(capture: &Path, scratch: &Scratch) {
    let first = documents(capture, scratch, "first", "1");
    for (name, workers) in [("again", "1"), ("two", "2"), ("four", "4")] {
        for ((document, expected), (_, found)) in first.iter().zip(documents(capture, scratch, name, workers)) {
            assert!(*expected == found, "{document} of {} differs with {workers} workers", capture.display());
        }
    }
}

#[test]
fn generated_captures_give_the_same_bytes_for_any_number_of_workers() {
    for (recipe, count) in [("imix", 2_000), ("intruder", 8), ("small", 3_000)] {
        let scratch = Scratch::create("identity").unwrap();
        let capture = scratch.file("capture.pcap");
        generate(recipe, Some(count), 7, &capture, None).unwrap();

        assert_identical(&capture, &scratch);
    }
}

#[test]
fn foreign_captures_give_the_same_bytes_for_any_number_of_workers() {
    let Some(captures) = binary::shared("captures") else { return };
    // The largest few of each kind: many flows in many orders.
    for category in ["flows", "mixed", "windows", "iot-enterprise", "scans"] {
        let mut files: Vec<(u64, PathBuf)> = std::fs::read_dir(captures.join(category))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.metadata().unwrap().len(), entry.path()))
            .collect();
        files.sort();
        for (_, capture) in files.iter().rev().take(3) {
            let scratch = Scratch::create("identity").unwrap();
            assert_identical(capture, &scratch);
        }
    }
}

#[test]
fn the_generator_gives_the_same_bytes_for_the_same_seed_and_others_for_another() {
    let scratch = Scratch::create("generator").unwrap();
    let made = |name: &str, seed| {
        let path = scratch.file(name);
        generate("imix", Some(300), seed, &path, None).unwrap();
        std::fs::read(path).unwrap()
    };

    assert!(made("a", 1) == made("b", 1));
    assert!(made("c", 1) != made("d", 2));
}

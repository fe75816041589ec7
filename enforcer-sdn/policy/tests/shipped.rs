//! The policies that ship under `config/policy` are read without a word of complaint.

use std::path::Path;

use enforcer_policy::{SourceFile, read};

#[test]
fn every_shipped_policy_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/policy");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let file = SourceFile { name: path.display().to_string(), text: std::fs::read_to_string(&path).unwrap() };
        if let Err(findings) = read(&[file]) {
            panic!("{}", findings.iter().map(|finding| format!("{finding}\n")).collect::<String>());
        }
        seen += 1;
    }
    assert!(seen > 0);
}

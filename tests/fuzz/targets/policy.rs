//! Any text as a policy: a policy, or complaints that each name a line of it.
#![no_main]

use enforcer_policy::{SourceFile, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines = text.lines().count();
    if let Err(complaints) = read(&[SourceFile { name: "policy.yaml".to_owned(), text: text.to_owned() }]) {
        assert!(!complaints.is_empty());
        for complaint in complaints {
            assert!(complaint.line() <= lines + 1);
            let _ = complaint.to_string();
        }
    }
});

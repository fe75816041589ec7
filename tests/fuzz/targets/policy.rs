//! Any text as a policy: a policy that every lint can look at, or complaints that each name a line of it. The same text as a usage
//! description: rules that are a policy, or complaints.
#![no_main]

use enforcer_policy::{MudOptions, SourceFile, check, from_mud, read};
use libfuzzer_sys::fuzz_target;
use sensor_model::Timestamp;

fuzz_target!(|text: &str| {
    let lines = text.lines().count();
    let file = |text: &str| SourceFile { name: "policy.yaml".to_owned(), text: text.to_owned() };
    match read(&[file(text)]) {
        Ok(policy) => check(&policy, None, Timestamp::ZERO).iter().for_each(|finding| drop(finding.to_string())),
        Err(complaints) => {
            assert!(!complaints.is_empty());
            for complaint in complaints {
                assert!(complaint.line() <= lines + 1);
                let _ = complaint.to_string();
            }
        }
    }
    let zone = || vec!["others".to_owned()];
    let options =
        MudOptions { zone: "devices".to_owned(), local: zone(), controller: zone(), manufacturer: zone(), ..MudOptions::default() };
    match from_mud(text, &options) {
        Ok(import) => {
            let zones = "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: z}\nzones:\n  - {name: devices, members: []}\n  - {name: others, members: []}\n";
            if let Err(complaints) = read(&[file(zones), file(&import.text)]) {
                panic!("{}\n{}", import.text, complaints[0]);
            }
        }
        Err(complaints) => assert!(!complaints.is_empty()),
    }
});

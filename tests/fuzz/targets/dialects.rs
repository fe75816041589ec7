//! Any text in any dialect: parsed or refused, never a panic.
#![no_main]

use enforcer_targets::TARGETS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for target in TARGETS {
        let _ = (target.parse)(text);
    }
});

//! Any text in any dialect: parsed or refused, never a panic. `CORDON_DIALECT=NAME` gives all the time to one dialect.
#![no_main]

use std::sync::LazyLock;

use enforcer_targets::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static WANTED: LazyLock<Vec<&'static Target>> = LazyLock::new(|| {
    let name = std::env::var("CORDON_DIALECT").ok();
    let wanted: Vec<_> = TARGETS.iter().filter(|target| name.as_deref().is_none_or(|name| name == target.name)).collect();
    assert!(!wanted.is_empty(), "no dialect is called {name:?}");
    wanted
});

fuzz_target!(|text: &str| {
    for target in WANTED.iter() {
        let _ = (target.parse)(text);
    }
});

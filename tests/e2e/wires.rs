//! What is claimed about traffic, tried on real wires. Needs root; without it every test says so and passes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it is surprised")]

#[path = "wires/accounting.rs"]
mod accounting;
#[path = "wires/alerting.rs"]
mod alerting;
#[path = "wires/enforcement.rs"]
mod enforcement;
#[path = "wires/idle.rs"]
mod idle;
#[path = "wires/listening.rs"]
mod listening;
#[path = "wires/made_policy.rs"]
mod made_policy;
#[path = "wires/planes/mod.rs"]
mod planes;
#[path = "wires/selftest.rs"]
mod selftest;
#[path = "wires/sharding.rs"]
mod sharding;
#[path = "wires/silence.rs"]
mod silence;
#[path = "wires/stage.rs"]
mod stage;
#[path = "wires/story.rs"]
mod story;
#[path = "wires/surviving.rs"]
mod surviving;
#[path = "wires/verdicts.rs"]
mod verdicts;

/// Whether namespaces can be made here; says so when not.
fn on_wires() -> bool {
    let available = harness::namespace::Namespace::available();
    if !available {
        eprintln!("NOT CHECKED: needs root and iproute2");
    }
    available
}

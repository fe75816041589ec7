//! A large policy is read, linted and compiled without a step that grows with the square of its rules. The figures that count are
//! from a release build: CORDON_SCALE_RULES=100000 cargo test --release -p enforcer-policy --test scale -- --nocapture

use std::time::Instant;

use enforcer_policy::{EnforcementPoint, SourceFile, check, compile, read, simulate};
use sensor_model::{Accounting, FlowMap, SCHEMA, TapCoverage, Timestamp};

#[test]
fn a_large_policy_is_compiled_whole() {
    let rules: usize = std::env::var("CORDON_SCALE_RULES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let mut text = String::from("apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: big, owner: o}\nzones:\n");
    for zone in 0..1000 {
        let (a, b) = (zone / 250, zone % 250);
        text += &format!(
            "  - {{name: z{zone}, mode: enforce, members: [{{prefix: 10.{a}.{b}.0/25}}, {{prefix: 10.{a}.{b}.192/27}}]}}\n"
        );
    }
    text += "rules:\n";
    for rule in 0..rules {
        let (from, to, port) = (rule % 1000, (rule / 1000 * 7 + rule + 1) % 1000, 1 + rule % 60_000);
        text += &format!("  - {{name: r{rule}, from: z{from}, to: z{to}, services: [tcp/{port}, udp/{port}], action: allow}}\n");
    }
    let map = FlowMap {
        schema: SCHEMA.into(),
        sensor: "s".into(),
        first_seen: Timestamp::ZERO,
        last_seen: Timestamp::ZERO,
        accounting: Accounting::default(),
        coverage: TapCoverage::default(),
        assets: Vec::new(),
        conversations: Vec::new(),
    };
    let point = EnforcementPoint::new("r", "nftables");
    let step = |name: &str, began: Instant| eprintln!("{name}: {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let policy = read(&[SourceFile { name: "big".into(), text }]).unwrap();
    step("read", began);
    let began = Instant::now();
    let compiled = compile(&policy, &map, &point, Timestamp::ZERO).unwrap();
    step("compile", began);
    let began = Instant::now();
    let found = check(&policy, Some(&map), Timestamp::ZERO);
    step("check", began);
    let began = Instant::now();
    simulate(&policy, &map, Timestamp::ZERO).unwrap();
    step("simulate without conversations", began);
    // Each rule is two (TCP and UDP), each zone has `intra`, `out` and `in`, and `established` stands first.
    assert_eq!(compiled.ruleset.rules.len(), 2 * rules + 3000 + 1);
    assert!(found.iter().all(|finding| finding.code == "redundant"), "{}", found[0]);
}

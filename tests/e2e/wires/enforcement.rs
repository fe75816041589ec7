//! Applying, confirming, undoing: what a router does while the enforcer lives, and after it died.

use std::time::Duration;

use harness::enforcer::{Enforcer, code};
use harness::generate::generate;
use harness::measure;
use harness::plant::{FILES, INTRUDER, MONITOR, PLC, Plant, Staff, start_intruder};
use harness::scratch::Scratch;
use harness::sensor::replay;
use harness::threat::{self, Outcome};

use crate::on_wires;

const PACE: Duration = Duration::from_secs(1);

/// A plant at work, and a plan that is learned from a capture of the same plant.
struct Site {
    // Hosts end before their wires go.
    staff: Staff,
    plant: Plant,
    scratch: Scratch,
}

impl Site {
    fn build() -> Self {
        let scratch = Scratch::create("site").unwrap();
        let capture = scratch.file("plant.pcap");
        generate("plant", Some(12), 1, &capture, None).unwrap();
        replay(&[&capture], &scratch, "map", &[]).unwrap();
        let plant = Plant::build().unwrap();
        let staff = Staff::hire(&plant, PACE).unwrap();
        let site = Self { staff, plant, scratch };
        let enforcer = site.enforcer();
        enforcer
            .run(&["learn", "--flowmap", "map/flowmap.json", "--out", "policy.yaml"])
            .unwrap()
            .expect_code(&[code::DONE])
            .unwrap();
        site.enforce_every_zone();
        let plan = ["plan", "--policy", "policy.yaml", "--flowmap", "map/flowmap.json", "--out", "plan.json"];
        enforcer.run(&plan).unwrap().expect_code(&[code::CHANGES_PENDING]).unwrap();
        site
    }

    fn enforcer(&self) -> Enforcer<'_> {
        Enforcer::configure(&self.scratch, &["ip", "netns", "exec", self.plant.router.name()]).unwrap()
    }

    fn enforce_every_zone(&self) {
        let path = self.scratch.file("policy.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("mode: observe", "mode: enforce").replace("mode: simulate", "mode: enforce")).unwrap();
    }

    fn rules(&self) -> String {
        self.plant.router.run("nft", &["list", "ruleset"]).unwrap()
    }

    /// What becomes of the intruder's attempts.
    fn doors(&self) -> Vec<Outcome> {
        let intruder = self.plant.at(INTRUDER).unwrap();
        threat::attempts(FILES.into(), PLC.into()).iter().map(|attempt| threat::attempt(intruder, attempt).unwrap()).collect()
    }
}

fn all_open(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| *outcome == Outcome::GotIn)
}

fn all_shut(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| matches!(outcome, Outcome::Blocked(_)))
}

#[test]
fn rules_of_a_killed_enforcer_are_gone_within_a_second_of_their_timer() {
    if !on_wires() {
        return;
    }
    let mut site = Site::build();
    let before = site.rules();
    let _intruder = start_intruder(&site.plant).unwrap();
    let name = format!("probe from {INTRUDER}");

    let mut applying = site.enforcer().start(&["apply", "plan.json", "--confirm", "4s"]).unwrap();
    let last = measure::wait_for_silence(&mut site.staff.files, &name, Duration::from_millis(300), Duration::from_secs(10));
    let last = last.unwrap_or_else(|error| panic!("{error}: {}{}", applying.lines().join("\n"), applying.complaints()));
    applying.kill_hard();
    let back_at = measure::wait_for_return(&mut site.staff.files, &name, last, Duration::from_secs(15)).unwrap();

    let outage = Duration::from_nanos(back_at - last.last_at_nanos);
    assert!(outage >= Duration::from_secs(3), "gone before its time: {outage:?}");
    assert!(outage <= Duration::from_secs(5), "late: {outage:?}");
    assert_eq!(site.rules(), before);
}

#[test]
fn confirmed_rules_stay_and_a_rollback_opens_the_doors_again() {
    if !on_wires() {
        return;
    }
    let mut site = Site::build();
    let before = site.rules();
    assert!(all_open(&site.doors()));

    let applied = site.enforcer().run(&["apply", "plan.json", "--confirm", "3s", "--detach"]).unwrap();
    applied.expect_code(&[code::DONE]).unwrap();
    site.enforcer().run(&["confirm"]).unwrap().expect_code(&[code::DONE]).unwrap();
    let confirmed_at = std::time::Instant::now();
    harness::deadline::wait_until("the timer's time", PACE * 10, || confirmed_at.elapsed() > Duration::from_secs(4)).unwrap();

    let after = site.doors();
    assert!(all_shut(&after), "{after:?}");
    let polled = format!("snmp get from {MONITOR}");
    let count = site.staff.printer.count(&polled).unwrap();
    measure::wait_for_return(&mut site.staff.printer, &polled, count, Duration::from_secs(5)).unwrap();
    site.enforcer().run(&["drift"]).unwrap().expect_code(&[code::DONE]).unwrap();

    site.enforcer().run(&["rollback"]).unwrap().expect_code(&[code::DONE]).unwrap();

    assert!(all_open(&site.doors()));
    assert_eq!(site.rules(), before);
}

#[test]
fn an_apply_that_waits_in_vain_says_that_it_rolled_back() {
    if !on_wires() {
        return;
    }
    let site = Site::build();
    let before = site.rules();

    let answer = site.enforcer().run(&["apply", "plan.json", "--confirm", "1s"]).unwrap();

    answer.expect_code(&[code::ROLLED_BACK]).unwrap();
    assert_eq!(site.rules(), before);
}

#[test]
fn a_rule_that_somebody_removed_by_hand_is_drift() {
    if !on_wires() {
        return;
    }
    let site = Site::build();
    let base = site.rules();
    site.enforcer().run(&["apply", "plan.json", "--confirm", "30s", "--detach"]).unwrap().expect_code(&[code::DONE]).unwrap();
    site.enforcer().run(&["confirm"]).unwrap().expect_code(&[code::DONE]).unwrap();
    let ours = site.plant.router.run("nft", &["list", "tables"]).unwrap();
    let table = ours.lines().find(|line| !base.contains(&format!("{line} {{"))).expect("a table of ours").to_owned();

    let words: Vec<&str> = ["flush"].into_iter().chain(table.split_whitespace()).collect();
    site.plant.router.run("nft", &words).unwrap();

    site.enforcer().run(&["drift"]).unwrap().expect_code(&[code::DRIFT]).unwrap();
}

#[test]
fn a_point_out_of_reach_is_an_error_that_names_it_and_changes_nothing() {
    if !on_wires() {
        return;
    }
    let site = Site::build();
    let before = site.rules();
    let lost = Enforcer::configure(&site.scratch, &["ip", "netns", "exec", "no-such-namespace"]).unwrap();

    let answer = lost.run(&["apply", "plan.json", "--confirm", "5s"]).unwrap().expect_code(&[code::ERROR]).unwrap();

    assert!(answer.stderr.contains("router"), "{}", answer.stderr);
    assert_eq!(site.rules(), before);
}

#[test]
fn a_quarantine_that_expires_is_lifted_by_the_server_and_its_traffic_comes_back() {
    if !on_wires() {
        return;
    }
    let mut site = Site::build();
    let name = format!("snmp get from {MONITOR}");
    let enforcer = Enforcer::configure(&site.scratch, &["ip", "netns", "exec", site.plant.router.name()]).unwrap();
    let config = enforcer.file("enforcer-sdn.toml");
    let documents = "policy = [\"policy.yaml\"]\nflowmap = [\"map/flowmap.json\"]\n[serve]\nlisten = \"127.0.0.1:0\"\n";
    let text = std::fs::read_to_string(&config).unwrap().replace("[[point]]", &format!("{documents}\n[[point]]"));
    std::fs::write(config, text).unwrap();
    let asked = MONITOR.to_string();
    let words = ["quarantine", &asked, "--for", "8s", "--owner", "soc", "--reason", "odd", "--apply", "--detach"];
    enforcer.run(&words).unwrap().expect_code(&[code::DONE]).unwrap();
    enforcer.run(&["confirm"]).unwrap().expect_code(&[code::DONE]).unwrap();
    let silent = measure::wait_for_silence(&mut site.staff.printer, &name, PACE * 3, PACE * 20).unwrap();

    let serving = enforcer.start(&["serve"]).unwrap();

    let back = measure::wait_for_return(&mut site.staff.printer, &name, silent, PACE * 30);
    back.unwrap_or_else(|error| panic!("{error}: {}", serving.complaints()));
    let journal = || std::fs::read_to_string(enforcer.file("state/journal.ndjson")).unwrap();
    harness::deadline::wait_until("the journal's word", PACE * 10, || journal().contains("quarantine ended")).unwrap();
    enforcer.run(&["drift"]).unwrap().expect_code(&[code::DONE]).unwrap();
}

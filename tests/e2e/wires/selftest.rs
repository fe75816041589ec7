//! `sensor selftest` at a port: it ends in time, names what is wrong, and sends nothing.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use harness::binary;
use harness::generate::{Damage, Random, Trade, Watched};
use harness::link;
use harness::namespace::{Namespace, run};
use harness::plant::TAP;
use harness::wire_sender::WireSender;
use serde_json::Value;

use crate::listening::quiet_wire;
use crate::on_wires;

const PER_SECOND: usize = 5_000;

/// Runs the selftest in JSON while `meanwhile` goes on; gives what it said and for how long it ran.
fn judged(listener: &Namespace, seconds: &str, meanwhile: impl FnOnce(u32)) -> (Output, Value, Duration) {
    let started = Instant::now();
    let mut command = listener.command(&binary::path("sensor").unwrap().to_string_lossy());
    command.args(["selftest", "--interface", TAP, "--seconds", seconds, "-o", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It says on stderr that it listens, and nothing more unless something is wrong.
    let mut told = [0; 1];
    std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut told).unwrap();
    meanwhile(child.id());
    let output = child.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output, report, started.elapsed())
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn a_selftest_names_the_host_whose_direction_is_missing_and_stays_silent() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = quiet_wire();
    let site = Watched::new(30, &mut Random::new(5));
    let host = site.of(Trade::Server)[0];
    let damage = Damage { mute: [host].into(), ..Damage::default() };
    let left = site.leave(&damage, &mut Random::new(1));

    let (output, report, _) = judged(&listener, "6", |_| {
        let frames: Vec<Vec<u8>> = left.frames.iter().map(|(_, frame)| frame.clone()).collect();
        WireSender::open(&talker, "wire0").unwrap().send_paced(frames.iter(), PER_SECOND).unwrap();
    });

    assert_eq!(output.status.code(), Some(2), "{report:#}");
    let hosts = check(&report, "hosts");
    assert_eq!((hosts["state"].as_str(), hosts["examples"].as_array().map(Vec::len)), (Some("fail"), Some(1)), "{hosts:#}");
    assert!(hosts["examples"][0].as_str().unwrap().contains(&host.to_string()), "{hosts:#}");
    assert_eq!(report["frames"].as_u64(), Some(left.frames.len() as u64));
    assert_eq!(link::frame_count(&listener, TAP).unwrap().sent, 0);
}

#[test]
fn a_selftest_of_a_port_without_traffic_ends_in_time_and_says_what_to_check() {
    if !on_wires() {
        return;
    }
    let (_talker, listener) = quiet_wire();

    let (output, report, lasted) = judged(&listener, "1", |_| ());

    assert_eq!(output.status.code(), Some(2));
    assert!(lasted < Duration::from_secs(10), "{lasted:?}");
    let traffic = check(&report, "traffic");
    assert_eq!(traffic["state"], "fail");
    assert!(traffic["advice"].as_str().unwrap().contains("cable"), "{traffic:#}");
}

#[test]
fn an_interrupted_selftest_gives_the_report_so_far() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = quiet_wire();
    let frames: Vec<Vec<u8>> = Watched::new(30, &mut Random::new(6))
        .leave(&Damage::default(), &mut Random::new(1))
        .frames
        .into_iter()
        .map(|at| at.1)
        .collect();

    let (output, report, lasted) = judged(&listener, "600", |process| {
        WireSender::open(&talker, "wire0").unwrap().send_paced(frames.iter(), PER_SECOND).unwrap();
        run(std::process::Command::new("kill").args(["-INT", &process.to_string()])).unwrap();
    });

    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert!(lasted < Duration::from_secs(60), "{lasted:?}");
    // What was in the ring at the interruption may be left there.
    assert!(report["frames"].as_u64().unwrap() + 2_000 > frames.len() as u64, "{report:#}");
}

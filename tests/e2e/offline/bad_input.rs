//! What goes wrong says what, where, and what to do; nothing else is lost.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use harness::binary;
use harness::generate::generate;
use harness::scratch::Scratch;
use harness::sensor::replay_command;

/// What a user typed, and what must be in the complaint.
struct Mistake {
    what: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    complaint: &'static [&'static str],
}

/// Files of these names are written before: see `lay_out`.
const MISTAKES: &[Mistake] = &[
    Mistake {
        what: "unknown key in the sensor's configuration",
        program: "sensor",
        arguments: &["check", "--config", "unknown-key.toml"],
        complaint: &["unknown-key.toml", "lern", "learning"],
    },
    Mistake {
        what: "value of the wrong kind in the sensor's configuration",
        program: "sensor",
        arguments: &["check", "--config", "wrong-value.toml"],
        complaint: &["wrong-value.toml", "tcp_idle_timeout"],
    },
    Mistake {
        what: "configuration that is not TOML",
        program: "sensor",
        arguments: &["check", "--config", "not-toml.toml"],
        complaint: &["not-toml.toml:1:"],
    },
    Mistake {
        what: "missing configuration",
        program: "sensor",
        arguments: &["check", "--config", "nowhere.toml"],
        complaint: &["nowhere.toml"],
    },
    Mistake {
        what: "missing capture",
        program: "sensor",
        arguments: &["replay", "nowhere.pcap", "--out", "out"],
        complaint: &["nowhere.pcap"],
    },
    Mistake {
        what: "file that is no capture",
        program: "sensor",
        arguments: &["replay", "not-toml.toml", "--out", "out"],
        complaint: &["not-toml.toml"],
    },
    Mistake {
        what: "missing interface",
        program: "sensor",
        arguments: &["run", "--interface", "nosuch0"],
        complaint: &["nosuch0"],
    },
    Mistake {
        what: "policy that is not YAML",
        program: "enforcer-sdn",
        arguments: &["check", "--policy", "not-yaml.yaml"],
        complaint: &["not-yaml.yaml:"],
    },
    Mistake {
        what: "unknown key in a policy",
        program: "enforcer-sdn",
        arguments: &["check", "--policy", "unknown-key.yaml"],
        complaint: &["unknown-key.yaml:", "zonez"],
    },
    Mistake {
        what: "missing policy",
        program: "enforcer-sdn",
        arguments: &["check", "--policy", "nowhere.yaml"],
        complaint: &["nowhere.yaml"],
    },
    Mistake {
        what: "flow map that is not one",
        program: "enforcer-sdn",
        arguments: &["learn", "--flowmap", "not-toml.toml", "--out", "policy.yaml"],
        complaint: &["not-toml.toml"],
    },
    Mistake {
        what: "unknown target",
        program: "enforcer-sdn",
        arguments: &["render", "--target", "nftable", "--policy", "nobody.yaml", "--flowmap", "empty-map.json"],
        complaint: &["nftable", "nftables"],
    },
];

fn lay_out(scratch: &Scratch) {
    scratch.write("unknown-key.toml", "[alert]\nlerning = \"1d\"\n").unwrap();
    scratch.write("wrong-value.toml", "[flow]\ntcp_idle_timeout = 17\n").unwrap();
    scratch.write("not-toml.toml", "this is = = not toml\n").unwrap();
    scratch.write("not-yaml.yaml", "zones: [\n  - }\n").unwrap();
    scratch.write("unknown-key.yaml", "zonez: []\n").unwrap();
    scratch
        .write("nobody.yaml", "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: nobody}\nzones: []\nrules: []\n")
        .unwrap();
    let since = "1970-01-01T00:00:00Z";
    let accounting = r#"{"packets":0,"lost_packets":0,"skipped_packets":0,"missed_bytes":0,"evicted_flows":0}"#;
    let map = format!(
        r#"{{"schema":"{}","sensor":"s","first_seen":"{since}","last_seen":"{since}","accounting":{accounting},"assets":[],"conversations":[]}}"#,
        sensor_model::SCHEMA
    );
    scratch.write("empty-map.json", &map).unwrap();
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(binary::path(program).unwrap());
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn every_mistake_is_named_and_exits_with_an_error() {
    let mut failed = Vec::new();
    for mistake in MISTAKES {
        let scratch = Scratch::create("mistake").unwrap();
        lay_out(&scratch);
        let output = run(mistake.program, mistake.arguments, scratch.path());
        let said = String::from_utf8_lossy(&output.stderr);
        let silent: Vec<_> = mistake.complaint.iter().filter(|word| !said.contains(**word)).collect();
        let is_clean = !said.contains("panicked at") && !said.contains("RUST_BACKTRACE");
        if !matches!(output.status.code(), Some(1 | 2)) || !silent.is_empty() || !is_clean {
            failed.push(format!("{}: {}, lacks {silent:?}: {said}", mistake.what, output.status));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_bad_capture_does_not_keep_a_good_one_from_being_read() {
    let scratch = Scratch::create("one-bad").unwrap();
    let (good, bad) = (scratch.file("good.pcap"), scratch.write("bad.pcap", "no capture at all").unwrap());
    let truth = generate("small", Some(50), 1, &good, None).unwrap();

    let output = replay_command(&[&bad, &good], &scratch.file("out")).unwrap().output().unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.lines().any(|line| line.contains("bad.pcap")), "{said}");
    let map: sensor_model::FlowMap = serde_json::from_slice(&std::fs::read(scratch.file("out/flowmap.json")).unwrap()).unwrap();
    assert_eq!(map.accounting.packets, truth.packets);
}

#[test]
fn a_capture_cut_inside_a_packet_gives_every_whole_packet_and_says_so() {
    let scratch = Scratch::create("cut").unwrap();
    let capture = scratch.file("cut.pcap");
    let truth = generate("small", Some(50), 1, &capture, None).unwrap();
    let bytes = std::fs::read(&capture).unwrap();
    std::fs::write(&capture, &bytes[..bytes.len() - 7]).unwrap();

    let output = replay_command(&[&capture], &scratch.file("out")).unwrap().output().unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cut.pcap"), "{said}");
    let map: sensor_model::FlowMap = serde_json::from_slice(&std::fs::read(scratch.file("out/flowmap.json")).unwrap()).unwrap();
    assert_eq!(map.accounting.packets, truth.packets - 1);
}

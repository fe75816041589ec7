//! The shipped policy, enforced, on a device that does not know connections: rendered, proven, and every difference to a router said.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../policy/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

struct Plant(tempfile::TempDir);

impl Plant {
    /// `config/policy/plant.yaml` with every zone in `enforce`, and a flow map with somebody in each.
    fn new() -> Self {
        let plant = Self(tempfile::tempdir().unwrap());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/policy/plant.yaml");
        let policy = std::fs::read_to_string(shipped).unwrap().replace("mode: observe", "mode: enforce");
        plant.write("policy.yaml", &policy);
        plant.write("map.json", &serde_json::to_string(&common::plant()).unwrap());
        plant
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn run(&self, command: &str, more: &[&str]) -> Output {
        let (policy, map) = (self.path("policy.yaml"), self.path("map.json"));
        Command::cargo_bin("enforcer-sdn")
            .unwrap()
            .current_dir(self.0.path())
            .args([command, "--policy", policy.as_str(), "--flowmap", map.as_str()])
            .args(more)
            .output()
            .unwrap()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_shipped_plant_runs_on_a_stateless_switch() {
    let plant = Plant::new();
    let refused = plant.run("render", &["--target", "arista-eos"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("rule `weekly-backup"), "{}", errors(&refused));
    assert!(refused.stdout.is_empty(), "never a part of a text");

    let rendered = plant.run("render", &["--target", "arista-eos", "--narrow", "--out", "plant.acl"]);
    assert_eq!(rendered.status.code(), Some(0), "{}", errors(&rendered));
    let text = plant.read("plant.acl");
    assert!(text.contains("permit tcp host 10.10.1.10 eq 502 host 10.10.1.20 established"), "{text}");
    assert!(!text.contains(" eq 22"), "a rule with a schedule is never open:\n{text}");
    for gap in [
        "rule `weekly-backup` has a schedule and this point no clock: it is never open",
        "rule `scada-polls-plcs`: as answers also unasked: tcp with ACK or RST from port 502 of 10.10.1.10 to 10.10.1.20, 10.10.2.30",
        "rule `snmp-monitoring`: as answers also unasked: udp from port 161 of",
    ] {
        assert!(errors(&rendered).contains(gap), "{gap}\n{}", errors(&rendered));
    }
    let proven = plant.run("prove", &["--target", "arista-eos", "--narrow", "plant.acl"]);
    assert_eq!(proven.status.code(), Some(0), "{}", errors(&proven));

    plant.write("open.acl", &text.replace(" established", ""));
    let differs = plant.run("prove", &["--target", "arista-eos", "--narrow", "open.acl"]);
    assert_eq!(differs.status.code(), Some(3), "{}", errors(&differs));
    assert!(errors(&differs).contains("the text admits what the policy denies"), "{}", errors(&differs));
    assert!(plant.0.path().join("counterexample.pcap").exists());
}

#[test]
fn a_schedule_is_written_for_a_router_that_has_time_ranges() {
    let plant = Plant::new();
    let rendered = plant.run("render", &["--target", "cisco-nxos", "--narrow", "--out", "plant.acl"]);
    assert_eq!(rendered.status.code(), Some(0), "{}", errors(&rendered));
    assert!(!errors(&rendered).contains("has a schedule"), "{}", errors(&rendered));
    let text = plant.read("plant.acl");
    let range = text.lines().find_map(|line| line.strip_prefix("time-range ")).unwrap();
    assert!(text.lines().any(|line| line.contains(" eq 22 ") && line.ends_with(&format!(" time-range {range}"))), "{text}");
    let prove = |text: &str| {
        plant.write("other.acl", text);
        plant.run("prove", &["--target", "cisco-nxos", "--narrow", "other.acl"])
    };
    let proven = prove(&text);
    assert_eq!(proven.status.code(), Some(0), "{}", errors(&proven));
    assert!(String::from_utf8_lossy(&proven.stdout).contains("must be on it"), "what the proof rests on is said");
    let longer = prove(&text.replacen(":59:59", ":58:59", 1));
    assert_eq!(longer.status.code(), Some(3), "{}", errors(&longer));
    let absolute = prove(&text.replacen("periodic", "absolute", 1));
    assert!(errors(&absolute).contains("other.acl:3:"), "{}", errors(&absolute));
}

#[test]
fn every_dialect_says_the_shipped_plant_or_why_not() {
    let plant = Plant::new();
    for target in enforcer_targets::TARGETS {
        let rendered = plant.run("render", &["--target", target.name, "--narrow", "--out", target.name]);
        eprintln!("{}: {:?} {}", target.name, rendered.status.code(), errors(&rendered).lines().last().unwrap_or_default());
        if rendered.status.code() == Some(0) {
            let proven = plant.run("prove", &["--target", target.name, "--narrow", target.name]);
            assert_eq!(proven.status.code(), Some(0), "{}: {}", target.name, errors(&proven));
        } else {
            assert!(errors(&rendered).contains("rule `"), "{}: {}", target.name, errors(&rendered));
            assert!(!plant.0.path().join(target.name).exists(), "never a part of a text");
        }
    }
}

impl Plant {
    /// A configuration with one switch of that capacity.
    fn switch(&self, capacity: &str) -> String {
        let text = format!(
            "[[point]]\nname = \"switch\"\ntarget = \"cisco-ios\"\ndriver = \"none\"\nnarrow = true\n[point.capacity]\n{capacity}\n"
        );
        self.write("enforcer.toml", &text);
        self.path("enforcer.toml")
    }

    fn render(&self, capacity: &str) -> Output {
        let config = self.switch(capacity);
        self.run("render", &["--config", &config, "--out", "switch.acl"])
    }
}

/// The number before `of` or `entries` in `takes 42 of 100 entries`.
fn taken(output: &Output) -> usize {
    let text = errors(output);
    let line = text.lines().find_map(|line| line.strip_prefix("takes ")).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_ruleset_that_a_point_cannot_hold_is_not_written() {
    let plant = Plant::new();
    let fits = plant.render("entries = 10000");
    assert_eq!(fits.status.code(), Some(0), "{}", errors(&fits));
    let entries = taken(&fits);
    // The bill is what stands in the text: each entry is a line.
    let lines = plant.read("switch.acl").lines().filter(|line| line.starts_with(" permit") || line.starts_with(" deny")).count();
    assert_eq!(entries, lines);
    let wide = plant.render("entries = 10000\nv6_width = 2\nexpands_ranges = true");
    assert!(taken(&wide) > entries, "{}", errors(&wide));

    std::fs::remove_file(plant.0.path().join("switch.acl")).unwrap();
    let over = plant.render(&format!("entries = {}", entries - 1));
    assert_eq!(over.status.code(), Some(5), "{}", errors(&over));
    let message = format!("enforcement point `switch` needs {entries} entries and holds {}", entries - 1);
    assert!(errors(&over).contains(&message), "{}", errors(&over));
    assert!(!plant.0.path().join("switch.acl").exists());

    let compressed = plant.render(&format!("entries = {}\ncompress = true", entries - 1));
    assert_eq!(compressed.status.code(), Some(0), "{}", errors(&compressed));
    assert!(taken(&compressed) < entries);
    // Nothing is granted for it: the compressed text is equal to the policy as it is, not only to itself.
    let proven = plant.run("prove", &["--target", "cisco-ios", "--narrow", "switch.acl"]);
    assert_eq!(proven.status.code(), Some(0), "{}", errors(&proven));
    let misspelt = plant.render("entrys = 1");
    assert!(errors(&misspelt).contains("unknown key `entrys`; did you mean `entries`?"), "{}", errors(&misspelt));
}

#[test]
fn an_update_is_printed_command_by_command() {
    let plant = Plant::new();
    let to = |target: &str, more: &[&str]| {
        let all = [&["--target", target, "--narrow"], more].concat();
        plant.run(if more.contains(&"--running") { "update" } else { "render" }, &all)
    };
    to("cisco-nxos", &["--out", "running.acl"]);
    let same = to("cisco-nxos", &["--running", "running.acl"]);
    assert_eq!(same.status.code(), Some(0), "{}", errors(&same));
    assert!(same.stdout.is_empty() && errors(&same).contains("nothing to do"), "{}", errors(&same));

    // An answer is missing on the device.
    let text = plant.read("running.acl");
    let missing = "permit tcp host 10.10.1.10 eq 502 host 10.10.1.20 established";
    let line = text.lines().find(|line| line.ends_with(missing)).unwrap();
    plant.write("older.acl", &text.replace(&format!("{line}\n"), ""));
    let pending = to("cisco-nxos", &["--running", "older.acl"]);
    assert_eq!(pending.status.code(), Some(2), "{}", errors(&pending));
    let commands = String::from_utf8(pending.stdout.clone()).unwrap();
    let [mode, insert, exit] = commands.lines().collect::<Vec<_>>()[..] else { panic!("{commands}") };
    assert_eq!((mode, exit), ("ip access-list cordon-v4", "exit"));
    assert!(insert.ends_with(missing), "{insert}");
    assert!(errors(&pending).contains("1 step, every state between them checked: 1 insert"), "{}", errors(&pending));
    let json = to("cisco-nxos", &["--running", "older.acl", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["bill"]["insert"], &json["steps"][0]["command"]), (&1.into(), &insert.trim().into()));

    let at = text.lines().position(|line| line.ends_with("statistics per-entry")).unwrap() + 1;
    plant.write("odd.acl", &text.replace("statistics per-entry", "wonders per-entry"));
    let unreadable = to("cisco-nxos", &["--running", "odd.acl"]);
    assert_eq!(unreadable.status.code(), Some(3), "{}", errors(&unreadable));
    assert!(unreadable.stdout.is_empty() && errors(&unreadable).contains(&format!("odd.acl:{at}:")), "{}", errors(&unreadable));
    let no_lists = to("nftables", &["--running", "running.acl"]);
    assert_eq!(no_lists.status.code(), Some(1), "{}", errors(&no_lists));
}

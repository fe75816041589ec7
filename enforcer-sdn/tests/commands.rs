//! The commands as a user runs them, against a device that is a shell script: what they print, write, refuse and exit with.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Keeps what `nft -f -` loads in a file, and lists it.
const DEVICE: &str = r#"#!/bin/sh
case "$*" in
  "nft list tables") [ -s loaded ] && echo "table inet cordon"; true ;;
  "nft -nn -s list table inet cordon") cat loaded ;;
  "nft -f -") cat > loaded ;;
  conntrack*) : ;;
  *) echo "unknown: $*" >&2; exit 1 ;;
esac
"#;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("device");
        fs::write(&device, DEVICE).unwrap();
        let config = format!(
            "state = \"{}\"\n[[point]]\nname = \"router\"\ntarget = \"nftables\"\ndriver = \"nft\"\nvia = [\"sh\", \"{}\"]\n",
            folder.path().join("state").display(),
            device.display()
        );
        fs::write(folder.path().join("e.toml"), config).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/policy/plant.yaml");
        fs::write(folder.path().join("plant.yaml"), fs::read_to_string(shipped).unwrap()).unwrap();
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/plant.flowmap.json"), folder.path().join("map.json"))
            .unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn shipped(&self) -> String {
        fs::read_to_string(self.path("plant.yaml")).unwrap()
    }

    fn run(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enforcer-sdn"));
        command.current_dir(self.folder.path()).args(["--config", "e.toml"]).args(words.split_whitespace()).output().unwrap()
    }

    /// Exit code, standard output, standard error.
    fn told(&self, words: &str) -> (i32, String, String) {
        let output = self.run(words);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn json(&self, words: &str, exit: i32) -> Value {
        let (code, out, err) = self.told(&format!("-o json {words}"));
        assert_eq!(code, exit, "{words}\n{out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words}: {error}\n{out}"))
    }
}

const DOCUMENTS: &str = "--policy plant.yaml --flowmap map.json";

#[test]
fn a_broken_guardrail_stops_every_command_that_makes_rules() {
    let bench = Bench::new();
    let bad = bench.shipped().replace("to: [scada, plcs]", "to: plcs")
        + "\n  - {name: no-modbus, assert: never, from: scada, to: plcs, services: [modbus]}\n";
    bench.write("bad.yaml", bad);
    let documents = "--policy bad.yaml --flowmap map.json";
    for words in ["plan --out out", "render --out out --target cisco-ios", "render --out out", "prove map.json", "check"] {
        let (code, out, err) = bench.told(&format!("{words} {documents}"));
        let said = format!("{out}{err}");
        assert_eq!(code, 1, "{words}: {said}");
        assert!(
            said.contains("guardrail `no-modbus` (bad.yaml:") && said.contains("rule `scada-polls-plcs` allows `tcp 10.10."),
            "{said}"
        );
        assert!(said.contains("bad.yaml:68:11: error: "), "{said}");
        assert!(!bench.path("out").exists(), "{words} wrote something");
    }
}

#[test]
fn includes_are_followed_and_become_inputs_of_the_plan() {
    let bench = Bench::new();
    fs::create_dir(bench.path("parts")).unwrap();
    let shipped = bench.shipped();
    let (head, rules) = shipped.split_once("\nrules:\n").unwrap();
    bench.write("parts/zones.yaml", head);
    bench.write(
        "top.yaml",
        format!(
            "apiVersion: cordon/v1\nkind: Policy\nmetadata: {{name: top, owner: o}}\ninclude: parts/zones.yaml\nrules:\n{rules}"
        ),
    );
    let plan = bench.json("plan --policy top.yaml --flowmap map.json", 0);
    let inputs: Vec<&str> = plan["policy"].as_array().unwrap().iter().map(|input| input["name"].as_str().unwrap()).collect();
    assert_eq!(inputs, ["parts/zones.yaml", "top.yaml"]);
    bench.write("parts/zones.yaml", format!("{head}\ninclude: [../top.yaml]\n"));
    let (code, _, err) = bench.told("check --policy top.yaml");
    assert_eq!(code, 1);
    assert!(
        err.contains("parts/zones.yaml:")
            && err.contains("`top.yaml` includes itself in the end: it was named by the command line"),
        "{err}"
    );
}

#[test]
fn explain_names_the_rule_the_point_and_the_line() {
    let bench = Bench::new();
    bench.write("plant.yaml", bench.shipped().replace("mode: observe", "mode: enforce"));
    let told = bench.json(&format!("explain hmi-1 plc-1 modbus {DOCUMENTS}"), 0);
    let packet = &told["packets"][0];
    assert_eq!((packet["verdict"].as_str(), packet["rule"].as_str()), (Some("allow"), Some("scada-polls-plcs")));
    let point = &packet["points"][0];
    assert_eq!((point["point"].as_str(), point["rule"].as_str()), (Some("router"), Some("scada-polls-plcs")));
    assert!(point["lines"][0]["text"].as_str().unwrap().contains("tcp dport 502"), "{point}");
    assert!(told["observed"].as_str().unwrap().contains("beyond the rule: modbus.write_single_coil"), "{told}");
    let (code, out, _) = bench.told(&format!("explain 192.0.2.1 plc-1 tcp/80 {DOCUMENTS}"));
    assert_eq!(code, 0);
    for words in
        ["denied: no rule allows it; mode enforce", "at `router`: denied by `plcs-default-in`", "line ", "observed: never"]
    {
        assert!(out.contains(words), "{words}: {out}");
    }
    let (code, _, err) = bench.told(&format!("explain hmi-1 plc-1 modbsu {DOCUMENTS}"));
    assert!(code == 1 && err.contains("unknown service `modbsu`; did you mean `modbus`?"), "{err}");
}

#[test]
fn diff_takes_policies_and_plans() {
    let bench = Bench::new();
    let enforced = bench.shipped().replace("mode: observe", "mode: enforce");
    bench.write("old.yaml", &enforced);
    bench.write("new.yaml", enforced.replace("services: [snmp, ping]", "services: [ping]"));
    for name in ["old", "new"] {
        bench.told(&format!("plan --policy {name}.yaml --flowmap map.json --accept-cuts --out {name}.json"));
    }
    for pair in ["old.yaml new.yaml", "old.json new.json", "old.json new.yaml", "old.yaml new.json"] {
        let told = bench.json(&format!("diff {pair} --flowmap map.json"), 2);
        let sets = told["points"][0]["packets"]["sets"].as_array().unwrap();
        assert_eq!(sets.len(), 1, "{pair}: {told}");
        assert_eq!((sets[0]["becomes"].as_str(), sets[0]["service"].as_str()), (Some("closed"), Some("udp/161")));
        let cut = &told["points"][0]["conversations"];
        assert!(
            cut.as_array().unwrap().iter().any(|one| one["destination"] == "10.10.1.10" && one["is_cut"] == true),
            "{pair}: {cut}"
        );
    }
    assert_eq!(bench.json("diff old.json old.yaml --flowmap map.json", 0)["equal"], true);
    assert_eq!(bench.json("diff old.json new.json", 2)["conversations_compared"], false);
    bench.write("observed.yaml", bench.shipped().replace("services: [snmp, ping]", "services: [ping]"));
    let (code, out, _) = bench.told("diff plant.yaml observed.yaml --flowmap map.json");
    assert!(code == 0 && out.contains("services: snmp, ping -> ping") && out.contains("--enforced"), "{out}");
    assert_eq!(bench.told("diff plant.yaml observed.yaml --flowmap map.json --enforced").0, 2);
}

#[test]
fn what_a_device_cannot_tell_apart_is_said_by_check_render_and_plan() {
    let bench = Bench::new();
    let words = "rule `scada-polls-plcs` allows only modbus.read_*";
    let (_, out, _) = bench.told(&format!("check {DOCUMENTS}"));
    assert!(out.matches(words).count() >= 2, "{out}");
    assert!(bench.told(&format!("check {DOCUMENTS} -o json")).1.contains(words));
    assert!(bench.told(&format!("render {DOCUMENTS}")).2.contains(words));
    assert!(bench.json(&format!("render {DOCUMENTS}"), 0)["gaps"].to_string().contains(words));
    assert!(bench.told(&format!("plan {DOCUMENTS}")).1.contains(words));
    assert!(bench.json(&format!("plan {DOCUMENTS}"), 0)["points"][0]["gaps"].to_string().contains(words));
}

#[test]
fn a_quarantine_goes_the_way_of_every_plan_and_the_report_knows() {
    let bench = Bench::new();
    let refused = bench.told(&format!("quarantine nosuch {DOCUMENTS} --owner soc --reason r"));
    assert!(refused.0 == 1 && refused.2.contains("neither an address nor an asset"), "{refused:?}");
    bench.told(&format!("plan {DOCUMENTS} --out before.json"));
    let (code, out, err) =
        bench.told(&format!("quarantine plc-1 {DOCUMENTS} --for 8h --owner soc --reason odd --apply --detach"));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("conversations in use that it stops: 4") && out.contains("hmi-1 -> plc-1 502/tcp modbus"), "{out}");
    assert!(fs::read_to_string(bench.path("loaded")).unwrap().contains("q-ip-10-10-1-10-in"));
    let waiting = bench.json(&format!("report {DOCUMENTS}"), 0);
    assert_eq!(
        (&waiting["quarantines"][0]["on_devices"], &waiting["time_to_block"]["not_carried_out"]),
        (&false.into(), &1.into())
    );
    assert_eq!(bench.told("confirm").0, 0);
    let report = bench.json(&format!("report {DOCUMENTS}"), 0);
    assert_eq!((&report["quarantines"][0]["on_devices"], &report["time_to_block"]["orders"]), (&true.into(), &1.into()));
    assert!(report["time_to_block"]["worst_ms"].is_u64() && report["traffic"]["false_positives"].as_array().unwrap().is_empty());
    assert_eq!(report["changes"]["confirmed_plans"], 1);
    assert_eq!(bench.told(&format!("quarantine plc-1 {DOCUMENTS} --owner soc --reason r")).0, 1);
    // A plan from before would let it out; every new plan keeps it in, without asking about what it stops.
    assert_eq!(bench.told("apply before.json --detach").0, 6);
    assert_eq!(bench.json(&format!("plan {DOCUMENTS}"), 0)["quarantined"][0], "ip-10.10.1.10");
    assert_eq!(bench.told(&format!("release hmi-1 {DOCUMENTS}")).0, 1);
    assert_eq!(bench.told(&format!("release plc-1 {DOCUMENTS} --apply --detach")).0, 0);
    assert_eq!(bench.told("confirm").0, 0);
    assert!(!fs::read_to_string(bench.path("loaded")).unwrap().contains("q-ip"));
    assert_eq!(bench.told("drift").0, 0);
    let (_, out, _) = bench.told("report");
    assert!(out.contains("coverage: unknown without a flow map") && out.contains("nobody is in quarantine"), "{out}");
}

#[test]
fn a_quarantine_that_no_plan_can_hold_is_not_recorded() {
    let bench = Bench::new();
    bench.write("plant.yaml", bench.shipped() + "\n  - {name: all, assert: always, from: any, to: any, services: [ping]}\n");
    bench.write(
        "plant.yaml",
        bench
            .shipped()
            .replace("\nguardrails:", "\n  - {name: p, from: any, to: any, services: [ping], action: allow}\n\nguardrails:"),
    );
    let (code, _, err) = bench.told(&format!("quarantine plc-1 {DOCUMENTS} --owner soc --reason r"));
    assert!(code == 1 && err.contains("nobody was put in quarantine") && err.contains("guardrail `all`"), "{code} {err}");
    assert!(bench.json("report", 0)["quarantines"].as_array().unwrap().is_empty());
}

#[test]
fn files_that_are_no_policy_are_refused_with_their_place_and_nothing_is_written() {
    let bench = Bench::new();
    bench.write("latin", b"apiVersion: cordon/v1\nkind: Pol\xe9\n");
    bench.write("binary", [0u8, 159, 146, 150, 0, 1]);
    bench.write("empty", "");
    fs::create_dir(bench.path("folder")).unwrap();
    for (name, words) in [
        ("latin", "latin:2:10: this is not UTF-8 text"),
        ("binary", "binary:1:2: this is not UTF-8 text"),
        ("empty", "`empty` holds no policy"),
        ("folder", "cannot read `folder`: Is a directory"),
        ("nosuch", "cannot read `nosuch`: No such file"),
    ] {
        for command in ["check", "plan --out out", "render --target nftables --out out", "simulate"] {
            let (code, out, err) = bench.told(&format!("{command} --policy {name} --flowmap map.json"));
            assert_eq!((code, out.as_str()), (1, ""), "{command} {name}");
            assert!(err.contains(words) && !err.contains("panicked"), "{command} {name}: {err}");
            assert!(!bench.path("out").exists());
        }
    }
}

/// The server, ended when the test is.
struct Serving(std::process::Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    fn serve(&self) -> Serving {
        let told = fs::File::create(self.path("told")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_enforcer-sdn"));
        command.current_dir(self.folder.path()).args(["--config", "e.toml", "serve"]);
        Serving(command.stdout(std::process::Stdio::null()).stderr(told).spawn().unwrap())
    }

    /// A server needs to know its documents.
    fn name_documents(&self) {
        let config = fs::read_to_string(self.path("e.toml")).unwrap();
        let documents = "policy = [\"plant.yaml\"]\nflowmap = [\"map.json\"]\n[serve]\nlisten = \"127.0.0.1:0\"\n";
        self.write("e.toml", config.replace("[[point]]", &format!("{documents}[[point]]")));
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !holds(self) {
            assert!(std::time::Instant::now() < deadline, "{what}: {}", self.text("told"));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

#[test]
fn a_quarantine_whose_time_is_over_is_lifted_by_the_server_on_the_way_of_every_plan() {
    let bench = Bench::new();
    bench.name_documents();
    let (code, out, err) = bench.told("quarantine plc-1 --for 3s --owner soc --reason odd --apply --detach");
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(bench.told("confirm").0, 0);
    assert!(bench.text("loaded").contains("q-ip-10-10-1-10-in"));
    let _serving = bench.serve();
    bench.wait_until("still shut in", |bench| bench.text("state/journal.ndjson").contains("quarantine ended"));
    assert!(!bench.text("loaded").contains("q-ip"), "{}", bench.text("loaded"));
    assert!(
        bench.text("told").contains("warning: the quarantine of `plc-1` (ip-10.10.1.10) ended at "),
        "{}",
        bench.text("told")
    );
    let events: Vec<String> = bench
        .text("state/journal.ndjson")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    let expected = ["quarantined", "applied", "confirmed", "applied", "confirmed", "quarantine ended"];
    assert_eq!(events, expected);
    assert_eq!(bench.told("drift").0, 0);
    assert!(bench.json("report", 0)["quarantines"].as_array().unwrap().is_empty());
}

#[test]
fn a_lift_that_would_change_more_is_left_to_people_and_said() {
    let bench = Bench::new();
    bench.name_documents();
    assert_eq!(bench.told("quarantine plc-1 --for 2s --owner soc --reason odd --apply --detach").0, 0);
    assert_eq!(bench.told("confirm").0, 0);
    bench.write("plant.yaml", bench.shipped() + "\n# changed, and nobody planned it\n");
    let _serving = bench.serve();
    bench.wait_until("nothing said", |bench| bench.text("told").contains("is over and still on the devices: "));
    assert!(bench.text("told").contains("the policy is not the confirmed one any more"), "{}", bench.text("told"));
    assert!(bench.text("loaded").contains("q-ip-10-10-1-10-in"));
}

#[test]
fn a_lift_in_whose_time_zones_got_other_members_is_left_to_people_and_said() {
    let bench = Bench::new();
    bench.name_documents();
    bench.write("plant.yaml", bench.shipped().replace("mode: observe", "mode: enforce"));
    assert_eq!(bench.told("quarantine plc-1 --for 2s --owner soc --reason odd").0, 4);
    assert_eq!(bench.told("plan --accept-cuts --out plan.json").0, 2);
    assert_eq!(bench.told("apply plan.json --detach").0, 0);
    assert_eq!(bench.told("confirm").0, 0);
    // The historian moved: the new map has other addresses in its zone.
    bench.write("map.json", bench.text("map.json").replace("10.10.2.30", "10.10.2.31"));
    let _serving = bench.serve();
    bench.wait_until("nothing said", |bench| bench.text("told").contains("is over and still on the devices: "));
    assert!(bench.text("told").contains("at `router` the rules for others would change too"), "{}", bench.text("told"));
    assert!(bench.text("loaded").contains("q-ip-10-10-1-10-in"));
}

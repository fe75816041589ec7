//! The committed JSON schema is the one that the tables give, an editor's validator accepts what the reader accepts, and both refuse
//! what is wrong with the keys. The validator is Python's `jsonschema`; without it the comparison is left out, and says so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use enforcer_policy::{SourceFile, read, schema};

/// Reads a schema and YAML documents from standard input as one JSON array; prints `ok` or the first objection for each.
const VALIDATE: &str = r#"
import sys, json
import yaml, jsonschema
class Loader(yaml.SafeLoader):
    pass
# YAML 1.2, as editors read it: dates and times are texts, and only true and false are booleans.
Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
import re
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^[-+]?[0-9]+$"), list("-+0123456789"))
schema, documents = json.load(sys.stdin)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for text in documents:
    errors = list(validator.iter_errors(yaml.load(text, Loader)))
    print(errors[0].message.replace("\n", " ")[:200] if errors else "ok")
"#;

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/policy")
}

fn python() -> Option<&'static str> {
    // Debian's own first: another Python on the path may lack its packages.
    ["/usr/bin/python3", "python3"].into_iter().find(|python| {
        let found = Command::new(python).args(["-c", "import yaml, jsonschema"]).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    })
}

/// One answer a document; None without the validator.
fn validated(documents: &[String]) -> Option<Vec<String>> {
    let Some(python) = python() else {
        eprintln!(
            "LEFT OUT: no python3 with jsonschema and yaml (Debian: python3-jsonschema, python3-yaml); the JSON schema was not tried"
        );
        return None;
    };
    let mut child = Command::new(python).args(["-c", VALIDATE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let input = serde_json::to_string(&(schema, documents)).unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the schema is no schema");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn the_committed_schema_is_current() {
    let committed = std::fs::read_to_string(config().join("policy.schema.json")).unwrap();
    assert!(committed == schema(), "run: enforcer-sdn schema > config/policy/policy.schema.json");
}

#[test]
fn shipped_policies_are_valid_and_name_the_schema() {
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(config()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("# yaml-language-server: $schema=policy.schema.json\n"), "{}", path.display());
            documents.push(text);
        }
    }
    assert!(!documents.is_empty());
    if let Some(answers) = validated(&documents) {
        assert!(answers.iter().all(|answer| answer == "ok"), "{answers:?}");
    }
}

const GOOD: &str = "apiVersion: cordon/v1
kind: Policy
metadata: {name: p, owner: 12}
zones:
  - {name: a, mode: enforce, priority: -3, intraZone: deny, members: [{prefix: 10.0.0.0/24}, {role: plc, vendor: x}], except: [{mac: '00:11:22:aa:bb:cc'}]}
  - {name: b, members: [{zone: a}]}
services:
  - {name: s, ports: [tcp/1, udp/2-3]}
rules:
  - {name: r, from: a, to: [b, outside], services: s, action: allow, log: true, tier: admin, expires: 2027-01-01, reviewBy: 2027-01-01, ticket: 77, operations: [modbus.read_*], schedule: {days: [mon-fri], from: '02:00', to: '24:00', timeZone: UTC}}
guardrails:
  - {name: g, assert: never, from: a, to: outside, services: [smb]}
";

/// What is right for both.
const ALSO_GOOD: &[(&str, &str)] = &[
    ("expires: 2027-01-01", "expires: 2027-01-01T10:00:00Z"),
    ("log: true", "log: false"),
    ("services: s,", "services: [any],"),
    ("  - {name: s, ports: [tcp/1, udp/2-3]}", "  - {name: s, ports: icmp/echo-request}"),
    (", owner: 12", ""),
    ("name: r,", "name: 5,"),
];

/// What both refuse.
const BAD: &[(&str, &str)] = &[
    ("apiVersion: cordon/v1", "apiVersion: cordon/v2"),
    ("kind: Policy\n", ""),
    ("rules:\n", "include: []\nrules:\n"),
    ("zones:", "zone:"),
    ("name: a,", "name: A,"),
    ("name: a,", "name: -a,"),
    ("name: a,", ""),
    ("mode: enforce", "mode: enforced"),
    ("priority: -3", "priority: high"),
    ("priority: -3", "priority: 99999999999"),
    ("intraZone: deny", "intraZone: yes"),
    ("{role: plc,", "{rol: plc,"),
    ("{role: plc,", "{role: plk,"),
    ("from: a, to: [b", "to: [b"),
    ("to: [b, outside]", "to: []"),
    ("to: [b, outside]", "to: {zone: b}"),
    ("action: allow", "action: permit"),
    ("log: true", "log: maybe"),
    ("tier: admin", "tier: top"),
    ("expires: 2027-01-01", "expires: tomorrow"),
    ("reviewBy: 2027-01-01", "reviewBy: soon"),
    ("from: '02:00'", "from: early"),
    ("timeZone: UTC", "zone: UTC"),
    ("ticket: 77", "ticket: [77]"),
    ("assert: never", "assert: sometimes"),
    ("assert: never, ", ""),
    ("ports: [tcp/1, udp/2-3]", "port: [tcp/1]"),
    ("except: [{mac", "except: [{zone"),
    ("metadata: {name: p, owner: 12}", "metadata: {owner: 12}"),
];

#[test]
fn the_schema_and_the_reader_agree() {
    let changed = |changes: &[(&str, &str)]| -> Vec<String> {
        changes
            .iter()
            .map(|(from, to)| {
                assert!(GOOD.contains(from), "{from}");
                GOOD.replacen(from, to, 1)
            })
            .collect()
    };
    let reads = |text: &String| match read(&[SourceFile { name: "p".into(), text: text.clone() }]) {
        Ok(_) => String::new(),
        Err(found) => found.iter().map(ToString::to_string).collect(),
    };
    let good = [vec![GOOD.to_owned()], changed(ALSO_GOOD)].concat();
    let bad = changed(BAD);
    good.iter().for_each(|text| assert_eq!(reads(text), "", "{text}"));
    bad.iter().for_each(|text| assert_ne!(reads(text), "", "{text}"));
    if let Some(answers) = validated(&good) {
        answers.iter().zip(&good).for_each(|(answer, text)| assert_eq!(answer, "ok", "{text}"));
    }
    if let Some(answers) = validated(&bad) {
        answers.iter().zip(&bad).for_each(|(answer, text)| assert_ne!(answer, "ok", "{text}"));
    }
}

//! Every key of the language missing, doubled, misspelt, empty, of a wrong type and out of range, and every way to break the text
//! around them: each is refused with a place and advice, or read as what it says. Made from the schema, so a new key is tried too.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use enforcer_policy::{Diagnostic, SourceFile, read, schema};
use serde_json::{Value, json};

/// A document that has every key.
fn whole() -> Value {
    let schedule = json!({"days": ["mon-fri"], "from": "02:00", "to": "24:00", "timeZone": "UTC"});
    json!({
        "apiVersion": "cordon/v1", "kind": "Policy", "metadata": {"name": "p", "owner": "o"},
        "zones": [
            {"name": "a", "mode": "enforce", "owner": "o", "description": "d", "priority": "1", "intraZone": "deny",
             "members": [{"asset": "x", "role": "plc", "vendor": "v", "prefix": "10.0.0.0/8", "mac": "00:11:22:aa:bb:cc", "name": "n"}],
             "except": [{"asset": "x", "role": "plc", "vendor": "v", "prefix": "10.0.0.0/8", "mac": "00:11:22:aa:bb:cc", "name": "n"}]},
            {"name": "b", "members": [{"zone": "a"}]}
        ],
        "services": [{"name": "s", "ports": ["tcp/1"]}],
        "rules": [{"name": "r", "from": "a", "to": ["b", "outside"], "services": "s", "action": "allow", "owner": "o", "reason": "r",
            "ticket": "t", "reviewBy": "2027-01-01", "expires": "2027-01-01", "schedule": schedule, "log": "true",
            "operations": ["modbus.read_*"], "tier": "admin"}],
        "guardrails": [{"name": "g", "assert": "never", "from": "b", "to": "outside", "services": ["smb"], "schedule": schedule,
            "owner": "o", "reason": "r", "ticket": "t"}]
    })
}

/// A step into the document.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    At(usize),
}

/// Something done to the entry of one key.
#[derive(Clone, Debug)]
enum Change {
    Leave,
    Double,
    Rename(String),
    Set(String),
}

/// YAML with the change applied at the path.
fn emit(value: &Value, path: &[Step], change: &Change, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                let here = matches!(path, [Step::Key(name)] if name == key);
                let rest = match path {
                    [Step::Key(name), rest @ ..] if name == key => rest,
                    _ => &[],
                };
                let entry = |name: &str, out: &mut String| {
                    *out += &format!("{pad}{name}:");
                    match (here, change) {
                        (true, Change::Set(text)) => *out += &format!(" {text}\n"),
                        _ => emit_value(below, rest, change, indent, out),
                    }
                };
                match (here, change) {
                    (true, Change::Leave) => {}
                    (true, Change::Rename(name)) => entry(name, out),
                    (true, Change::Double) => {
                        entry(key, out);
                        entry(key, out);
                    }
                    _ => entry(key, out),
                }
            }
        }
        _ => panic!("only mappings have keys"),
    }
}

fn emit_value(value: &Value, path: &[Step], change: &Change, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if map.is_empty() => *out += " {}\n",
        Value::Object(_) => {
            out.push('\n');
            emit(value, path, change, indent + 2, out);
        }
        Value::Array(items) => {
            out.push('\n');
            for (at, item) in items.iter().enumerate() {
                let rest = match path {
                    [Step::At(wanted), rest @ ..] if *wanted == at => rest,
                    _ => &[],
                };
                match item {
                    Value::Object(_) => {
                        let mut block = String::new();
                        emit(item, rest, change, indent + 4, &mut block);
                        let body = block.trim_start_matches(' ');
                        let body = if body.is_empty() { "{}\n" } else { body };
                        *out += &format!("{}  - {body}", " ".repeat(indent));
                    }
                    other => *out += &format!("{}  - {}\n", " ".repeat(indent), scalar(other)),
                }
            }
        }
        other => *out += &format!(" {}\n", scalar(other)),
    }
}

fn scalar(value: &Value) -> String {
    // Times in quotes, the rest as people write it.
    let text = value.as_str().unwrap();
    if text.contains(':') || text.contains('*') { format!("\"{text}\"") } else { text.to_owned() }
}

fn text(path: &[Step], change: &Change) -> String {
    let mut out = String::new();
    emit(&whole(), path, change, 0, &mut out);
    out
}

/// Every key of the schema: where it stands in `whole`, its schema, whether it is required.
fn keys() -> Vec<(Vec<Step>, Value, bool)> {
    fn walk(schema: &Value, document: &Value, path: &[Step], found: &mut Vec<(Vec<Step>, Value, bool)>) {
        let Some(properties) = schema["properties"].as_object() else { return };
        let required: Vec<&str> =
            schema["required"].as_array().map_or_else(Vec::new, |all| all.iter().filter_map(Value::as_str).collect());
        for (key, below) in properties {
            let mut path = path.to_vec();
            path.push(Step::Key(key.clone()));
            found.push((path.clone(), below.clone(), required.contains(&key.as_str())));
            match &document[key] {
                Value::Array(items) if below["items"].is_object() && items.first().is_some_and(Value::is_object) => {
                    path.push(Step::At(0));
                    walk(&below["items"], &items[0], &path, found);
                }
                inner @ Value::Object(_) => walk(below, inner, &path, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(&schema()).unwrap(), &whole(), &[], &mut found);
    found
}

/// A refusal as a person needs it.
fn complaint(text: &str) -> Result<(), String> {
    let found = match read(&[SourceFile { name: "p.yaml".into(), text: text.into() }]) {
        Ok(_) => return Err("it was read".to_owned()),
        Err(found) => found,
    };
    found.iter().try_for_each(|finding| told_well(finding, text))
}

fn told_well(finding: &Diagnostic, text: &str) -> Result<(), String> {
    let shown = finding.to_string();
    let lines = text.lines().count() + 1;
    if finding.code == "too-many" || (finding.code == "empty" && finding.line() == 0) {
        return Ok(());
    }
    if finding.line() == 0 || finding.line() > lines || finding.column() == 0 {
        return Err(format!("no place: {shown}"));
    }
    if finding.help.as_ref().is_none_or(|help| help.is_empty()) {
        return Err(format!("no advice: {shown}"));
    }
    if finding.message.contains('\n') || shown.len() > 2000 {
        return Err(format!("too much: {shown}"));
    }
    Ok(())
}

/// Values that are wrong for a key, whatever its type; and those wrong for its own.
fn wrong(key: &str, schema: &Value) -> Vec<String> {
    let is_list_of_objects = schema["items"]["properties"].is_object();
    let is_object = schema["properties"].is_object();
    let mut all: Vec<&str> = vec!["{nosuchkey: b}", "[[x]]", "[{}, [], {nosuch: 1}]"];
    if is_list_of_objects || is_object {
        all.extend(["word", "5", "\"\"", "[word]"]);
    } else {
        all.extend(["", "~", "null", "# nothing", "{}"]);
    }
    if is_object {
        all.extend(["", "[]", "{}"]);
    }
    all.extend(match key {
        "apiVersion" => vec!["cordon/v2", "v1", "1"],
        "kind" => vec!["policy", "List"],
        "name" if schema["maxLength"].is_u64() => {
            vec!["A", "a_b", "-a", "a-", "é", "a b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\"\""]
        }
        "mode" => vec!["Enforce", "enforced", "1"],
        "intraZone" | "action" => vec!["permit", "yes", "ALLOW"],
        "priority" => vec!["high", "1.5", "99999999999", "1e3", "0x10", "--1"],
        "role" => vec!["plk", "PLC"],
        "prefix" => vec!["10.0.0.1/8", "10.0.0.0/33", "fe80::/129", "10.0.0.0/-1", "300.1.1.1/8", "10.0.0.0/8/8", "any"],
        "mac" => vec!["00:11", "gg:11:22:33:44:55", "00112233445"],
        "zone" => vec!["nosuch", "b"],
        "ports" | "services" => vec![
            "[nosuch/5]",
            "[tcp/99999]",
            "[tcp/5-1]",
            "[tcp/]",
            "[502/tcp]",
            "[tcp/-1]",
            "[icmp/nosuch]",
            "[ip/256]",
            "[]",
            "[tcp/1, modbsu]",
        ],
        "from" | "to" if schema["pattern"].is_string() => vec!["25:00", "2am", "12:60", "\"\"", "12", "-1:00"],
        "from" | "to" => vec!["nosuch", "[]", "[a, nosuch]", "A"],
        "reviewBy" => vec!["2026-02-30", "soon", "2026-13-01", "20260101", "2026-1-1"],
        "expires" => vec!["2026-02-30", "tomorrow", "2026-01-01T25:00:00Z", "2026-01-01T10:00:00"],
        "log" => vec!["yes", "1", "True"],
        "tier" => vec!["Admin", "top"],
        "assert" => vec!["Never", "maybe"],
        "days" => vec!["[someday]", "[mon-]", "[1]", "[mon-fri-sun]"],
        "timeZone" => vec!["Mars/Base", "+01:00", "CEST5"],
        "include" => vec!["nosuch.yaml", "[]", "[nosuch.yaml, nosuch.yaml]"],
        _ => vec![],
    });
    all.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_key_missing_doubled_misspelt_empty_of_a_wrong_type_and_out_of_range_is_told_with_place_and_advice() {
    let mut tried: BTreeSet<String> = BTreeSet::new();
    let mut failures = Vec::new();
    let nothing = text(&[], &Change::Leave);
    assert!(read(&[SourceFile { name: "p".into(), text: nothing.clone() }]).is_ok(), "{nothing}");
    let mut refuse = |what: String, text: String| {
        if let Err(why) = complaint(&text) {
            failures.push(format!("{what}: {why}"));
        }
        tried.insert(text);
    };
    let has = |path: &[Step]| !text(path, &Change::Leave).eq(&nothing);
    for (path, schema, is_required) in keys() {
        let Some(Step::Key(key)) = path.last() else { continue };
        let what = format!("{path:?}");
        if !has(&path) {
            // `zone` and `include` stand alone: they are put beside the others, where they are wrong too.
            let at_top = path.len() == 1;
            let mut other = path.clone();
            other.pop();
            other.push(Step::Key(if at_top { "kind".into() } else { "asset".into() }));
            for value in wrong(key, &schema) {
                let pad = if at_top { "" } else { "        " };
                let beside = if at_top { format!("Policy\n{key}: {value}") } else { format!("x\n{pad}{key}: {value}") };
                refuse(format!("{what} = {value}"), text(&other, &Change::Set(beside)));
            }
            continue;
        }
        if is_required {
            refuse(format!("{what} missing"), text(&path, &Change::Leave));
        }
        refuse(format!("{what} doubled"), text(&path, &Change::Double));
        for near in [format!("{key}x"), key.to_uppercase(), key.chars().rev().collect()] {
            if near != *key {
                refuse(format!("{what} as {near}"), text(&path, &Change::Rename(near)));
            }
        }
        for value in wrong(key, &schema) {
            refuse(format!("{what} = {value}"), text(&path, &Change::Set(value)));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), tried.len(), failures.join("\n"));
    assert!(tried.len() >= 500, "{}", tried.len());
}

fn shipped() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/policy/plant.yaml")).unwrap()
}

/// Read, or refused well.
fn either(text: &str, failures: &mut Vec<String>) {
    if let Err(found) = read(&[SourceFile { name: "p.yaml".into(), text: text.into() }]) {
        if found.is_empty() {
            failures.push("refused without a word".into());
        }
        failures.extend(found.iter().filter_map(|finding| told_well(finding, text).err()));
    }
}

#[test]
fn a_text_cut_or_shifted_anywhere_is_read_or_told_with_place_and_advice() {
    let text = shipped();
    let lines: Vec<&str> = text.lines().collect();
    let mut failures = Vec::new();
    let mut cases = 0;
    for at in (0..text.len()).step_by(23).filter(|at| text.is_char_boundary(*at)) {
        either(&text[..at], &mut failures);
        either(&text[at..], &mut failures);
        cases += 2;
    }
    for at in 0..lines.len() {
        let with = |middle: &[String]| {
            let before = lines[..at].iter().map(ToString::to_string);
            let after = lines[at + 1..].iter().map(ToString::to_string);
            before.chain(middle.iter().cloned()).chain(after).map(|line| line + "\n").collect::<String>()
        };
        let line = lines[at].to_owned();
        for middle in [
            vec![],
            vec![line.clone(), line.clone()],
            vec![format!("  {line}")],
            vec![line.replacen("  ", "", 1)],
            vec![line.replacen("  ", "\t", 1)],
            vec![line.replace(':', "")],
            vec![format!("{line}: x")],
        ] {
            either(&with(&middle), &mut failures);
            cases += 1;
        }
    }
    assert!(failures.is_empty(), "{} of {cases}:\n{}", failures.len(), failures[..failures.len().min(20)].join("\n"));
    assert!(cases > 500);
}

#[test]
fn what_editors_leave_behind_is_read() {
    let text = shipped();
    for (what, text) in [
        ("a byte order mark", format!("\u{feff}{text}")),
        ("carriage returns", text.replace('\n', "\r\n")),
        ("both", format!("\u{feff}{}", text.replace('\n', "\r\n"))),
        ("a document mark", format!("---\n{text}...\n")),
        ("no newline at the end", text.trim_end().to_owned()),
        (
            "an anchor and its alias",
            text.replacen("owner: controls@example.org", "owner: &c controls@example.org", 1).replacen(
                "owner: controls@example.org",
                "owner: *c",
                1,
            ),
        ),
    ] {
        let found = read(&[SourceFile { name: "p".into(), text }]);
        assert!(found.is_ok(), "{what}: {}", found.unwrap_err()[0]);
    }
}

#[test]
fn broken_text_is_refused_with_place_and_advice() {
    let text = shipped();
    let deep = |open: &str, close: &str| format!("{text}extra: {}{}\n", open.repeat(100_000), close.repeat(100_000));
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    (1..30).for_each(|n| bomb += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    for (what, broken) in [
        ("deep lists", deep("[", "]")),
        ("deep mappings", deep("{a: ", "}")),
        ("unclosed deep lists", format!("{text}extra: {}", "[".repeat(200_000))),
        ("deep blocks", (0..5000).map(|n| format!("{}- a:\n", " ".repeat(n * 2))).collect()),
        ("an alias bomb", bomb),
        ("an alias to nothing", text.replacen("owner: ", "owner: *nobody # ", 1)),
        ("an alias to itself", format!("{text}extra: &a [*a]\n")),
        ("a merge key", text.replacen("    mode: observe", "    <<: {mode: observe}", 1)),
        ("a tag", text.replacen("    mode: observe", "    mode: !!str observe", 1)),
        ("a local tag", text.replacen("zones:", "zones: !include x", 1)),
        ("a directive", format!("%YAML 9.9\n---\n{text}")),
        ("a control character", text.replacen("    mode: observe", "    mode: obs\u{1}erve", 1)),
        ("a zero byte", text.replacen("    mode: observe", "    mode: obs\u{0}erve", 1)),
        ("a tab in the indentation", text.replacen("    mode", "\tmode", 1)),
        ("a line separator", text.replacen("    mode: observe", "    mode: obs\u{2028}erve", 1)),
        ("a wide space", text.replacen("    mode: observe", "    mode:\u{a0}observe", 1)),
        ("a curly quote", text.replacen("\"02:00\"", "\u{201c}02:00\u{201d}", 1)),
        ("an unclosed quote", text.replacen("\"02:00\"", "\"02:00", 1)),
        ("an unclosed bracket", text.replacen("[modbus]", "[modbus", 1)),
        ("a stray bracket", text.replacen("[modbus]", "modbus]]", 1)),
        ("a second document without a head", format!("{text}---\nzones: []\n")),
        ("a second document that is a word", format!("{text}---\nword\n")),
        ("two maps in one", text.replacen("kind: Policy", "kind: Policy: x", 1)),
        ("a list for a map", format!("- {}", text.replace('\n', "\n  "))),
        ("JSON with a comma too many", "{\"apiVersion\": \"cordon/v1\",, }".to_owned()),
        ("XML", "<policy><zone/></policy>".to_owned()),
        ("a shell script", "#!/bin/sh\nnft -f plant.nft\n".to_owned()),
        ("numbers", "42\n".to_owned()),
        ("a long line", format!("{text}extra: {}\n", "x".repeat(1_000_000))),
        ("a complex key", format!("{text}? [a, b]\n: c\n")),
        ("keys that differ in case", text.replacen("zones:", "Zones:", 1)),
    ] {
        assert_eq!(complaint(&broken), Ok(()), "{what}");
    }
}

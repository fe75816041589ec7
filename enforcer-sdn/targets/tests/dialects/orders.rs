//! Orders that a standard leaves free mean nothing: a document whose members, and whose lists without an order, are shuffled reads the same.

use enforcer_packetset::{Limits, compare};
use enforcer_policy::{SourceFile, Sources, yaml};
use enforcer_targets::find;
use serde_json::Value;

use crate::rulesets::{Random, cases, fit, layered_ruleset};

/// Dialects that are documents, with the lists of each whose order means nothing.
const DOCUMENTS: &[(&str, &[&str])] = &[
    ("kubernetes", &["ingress", "egress", "from", "to", "ports", "except", "policyTypes"]),
    ("mud", &["acl", "ace", "access-list"]),
    ("openconfig", &["acl-set", "acl-entry"]),
    ("rfc8519", &["acl"]),
];

/// The one document of a text; JSON is YAML too.
fn document(text: &str) -> Value {
    fn value(node: &yaml::Node) -> Value {
        match &node.value {
            yaml::Value::Scalar { text, quoted: false } => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            yaml::Value::Scalar { text, .. } => text.as_str().into(),
            yaml::Value::List(items) => items.iter().map(value).collect(),
            yaml::Value::Map(entries) => {
                let name = |node: &yaml::Node| value(node).as_str().unwrap().to_string();
                entries.iter().map(|(key, item)| (name(key), value(item))).collect()
            }
        }
    }
    let sources = Sources::new(&[SourceFile { name: "t".into(), text: text.into() }]);
    value(&yaml::parse(&sources, 0).unwrap()[0])
}

fn shuffle<T>(random: &mut Random, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.below(at as u64 + 1) as usize);
    }
}

/// The value as JSON, in another order and with other blanks.
fn shuffled(random: &mut Random, key: &str, value: &Value, free: &[&str]) -> String {
    let blank = random.pick(&["", " ", "\n", "\t\n  "]);
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{blank}\"{name}\":{}", shuffled(random, name, value, free)))
                .collect();
            shuffle(random, &mut members);
            format!("{{{}{blank}}}", members.join(","))
        }
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(|item| shuffled(random, "", item, free)).collect();
            if free.contains(&key) {
                shuffle(random, &mut items);
            }
            format!("[{blank}{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[test]
fn free_orders_mean_nothing() {
    for &(name, free) in DOCUMENTS {
        let target = find(name).unwrap();
        let mut random = Random(21);
        let mut changed = 0;
        let wanted = cases("CORDON_ORDERS", 30);
        for case in 0..wanted {
            let (_, rendering) = fit(target, layered_ruleset(&mut random));
            let document = document(&rendering.text);
            let text = shuffled(&mut random, "", &document, free);
            changed += usize::from(text != rendering.text);
            let (before, after) = (
                (target.parse)(&rendering.text).unwrap(),
                (target.parse)(&text).unwrap_or_else(|error| panic!("{name} case {case}: {error}\n{text}")),
            );
            if compare(&before.steps, &after.steps, Limits::default()).unwrap().is_err() {
                panic!("{name} case {case}: another order means something else\n{text}");
            }
        }
        assert!(changed as u64 * 10 > wanted * 9, "{name}: only {changed} texts were changed");
    }
}

#[test]
fn an_order_that_counts_is_kept() {
    let list = |first: &str, second: &str| {
        format!(
            "{{\"ietf-access-control-list:acls\": {{\"acl\": [{{\"name\": \"a\", \"type\": \"ipv4-acl-type\", \"aces\": {{\"ace\": [\
             {{\"name\": \"x\", \"actions\": {{\"forwarding\": \"{first}\"}}}}, {{\"name\": \"y\", \"actions\": {{\"forwarding\": \"{second}\"}}}}]}}}}]}}}}"
        )
    };
    let parse = find("rfc8519").unwrap().parse;
    let (one, other) = (parse(&list("accept", "drop")).unwrap(), parse(&list("drop", "accept")).unwrap());
    assert!(compare(&one.steps, &other.steps, Limits::default()).unwrap().is_err());
}

//! What is wrong, where, and what to do: the whole message for policies that people write by mistake.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use enforcer_policy::{SourceFile, read};
use proptest::prelude::*;

const HEAD: &str = "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: p, owner: o}\n";
const ZONES: &str = "zones:\n  - {name: plant, members: [{prefix: 10.0.0.0/24}]}\n  - {name: office, members: [{role: hmi}]}\n";

/// `line:words under the caret: message [code] = help` of every finding.
fn findings(text: &str) -> Vec<String> {
    let Err(found) = read(&[SourceFile { name: "p".into(), text: text.into() }]) else { return Vec::new() };
    found
        .iter()
        .map(|finding| {
            let help = finding.help.as_deref().unwrap_or("-");
            let words = finding
                .location
                .as_ref()
                .map_or_else(String::new, |at| at.line_text.chars().skip(at.column - 1).take(at.width).collect());
            format!("{}:{words}: {} [{}] = {help}", finding.line(), finding.message, finding.code)
        })
        .collect()
}

fn rule(keys: &str) -> String {
    format!("{HEAD}{ZONES}rules:\n  - {{name: r, {keys}}}\n")
}

#[test]
fn heads() {
    let known = "known keys are apiVersion, kind, metadata, include, zones, services, rules, guardrails";
    for (text, wanted) in [
        (String::new(), "0:: `p` holds no policy [empty] = begin with `apiVersion: cordon/v1` and `kind: Policy`".to_owned()),
        (
            "- a\n".into(),
            format!(
                "1:- a: expected a policy as a mapping, found a list [wrong-type] = write `key: value` lines; {}",
                known.replace("known keys", "keys")
            ),
        ),
        (
            format!("{HEAD}zone: []\n"),
            format!("4:zone: unknown key `zone` in a policy; did you mean `zones`? [unknown-key] = {known}"),
        ),
        (
            format!("{HEAD}rules: []\nrules: []\n"),
            "5:rules: `rules` is given twice in a policy [duplicate-key] = keep one of them".into(),
        ),
        (HEAD.replace("v1", "v2"), "1:cordon/v2: unknown apiVersion `cordon/v2` [bad-version] = write `apiVersion: cordon/v1`".into()),
        (HEAD.replace("Policy", "Pod"), "2:Pod: unknown kind `Pod` [bad-kind] = write `kind: Policy`".into()),
        (
            HEAD.replace("name: p", "name: Plant A"),
            "3:Plant A: policy name `Plant A` has `P` in it [bad-name] = use small letters, digits and `-`, at most 40 characters"
                .into(),
        ),
        (
            "apiVersion: cordon/v1\nkind: Policy\n".into(),
            "1:apiVersion: cordon/v1: this policy has no `metadata` [missing-key] = add `metadata:` with `name:` and `owner:`".into(),
        ),
        (
            format!("{HEAD}zones: {{a: b}}\n"),
            "4:{a: b}: `zones` is a mapping, not a list [wrong-type] = write each entry on its own line after `- `".into(),
        ),
        (
            format!("{HEAD}zones: !include x\n"),
            "4:x: a policy has no YAML tags [yaml-tag] = take out the word that begins with `!`".into(),
        ),
    ] {
        assert_eq!(findings(&text), [wanted], "{text}");
    }
}

#[test]
fn broken_yaml_says_where() {
    for (text, place) in [
        ("a: [1, 2\nb: 3\n", "2:"),
        ("a: 'x\n", "1:"),
        ("a: b: c\n", "1:"),
        ("a:\n\tb: 1\n", "2:"),
        ("a: *x\n", "1:"),
        ("{", "1:"),
    ] {
        let found = findings(text);
        assert!(found.len() == 1 && found[0].starts_with(place) && found[0].contains("this is not YAML: "), "{text:?} {found:?}");
    }
}

#[test]
fn zones() {
    let zone = |keys: &str| format!("{HEAD}zones:\n  - {{{keys}}}\n");
    for (text, wanted) in [
        (zone("mode: observe, members: []"), "5:{mode: observe, members: []}: zone has no `name` [missing-key] = add `name:`"),
        (
            zone("name: a"),
            "5:a: zone `a` has no `members` [missing-key] = add `members:` with entries such as `- role: plc` or `- prefix: 10.0.0.0/24`",
        ),
        (
            zone("name: any, members: []"),
            "5:any: `any` cannot be the name of a zone [bad-name] = in rules `any` means every address and `outside` every address that is in no zone; choose another name",
        ),
        (
            zone("name: a, mode: enforced, members: []"),
            "5:enforced: unknown mode `enforced`; did you mean `enforce`? [bad-value] = write one of observe, simulate, enforce",
        ),
        (
            zone("name: a, priority: high, members: []"),
            "5:high: `high` is not a whole number [bad-value] = write a number such as 10; the higher zone wins",
        ),
        (
            zone("name: a, members: [{}]"),
            "5:{}: a member without a key selects nothing [empty] = give at least one of asset, role, vendor, prefix, mac, name, zone",
        ),
        (
            zone("name: a, members: [{rol: plc}]"),
            "5:rol: unknown key `rol` in a member; did you mean `role`? [unknown-key] = known keys are asset, role, vendor, prefix, mac, name, zone",
        ),
        (
            zone("name: a, members: [{prefix: 10.0.0.1/24}]"),
            "5:10.0.0.1/24: `10.0.0.1/24` has host bits set, or a length that its family does not have [bad-value] = write the network address, such as 10.0.0.0/24 or 2001:db8::/32",
        ),
        (
            zone("name: a, members: [{mac: 00:11}]"),
            "5:00:11: `00:11` is not a MAC address; write it as 00:11:22:aa:bb:cc [bad-value] = write six pairs of hexadecimal digits",
        ),
        (zone("name: a, members: [{asset: }]"), "5::: `asset` has no value [missing-value] = write a value, or take the key out"),
        (
            zone("name: a, members: [plc]"),
            "5:plc: expected a member as a mapping, found a value [wrong-type] = write `key: value` lines; keys are asset, role, vendor, prefix, mac, name, zone",
        ),
        (
            zone("name: a, members: []}\n  - {name: a, members: []"),
            "6:a: zone `a` is defined twice [duplicate-name] = rename one; the first is at p:5",
        ),
    ] {
        assert_eq!(findings(&text), [wanted], "{text}");
    }
    let roles = findings(&zone("name: a, members: [{role: plk}]"));
    assert!(
        roles[0].starts_with("5:plk: unknown role `plk`; did you mean `plc`? [bad-value] = write one of plc, hmi,"),
        "{roles:?}"
    );
}

#[test]
fn rules() {
    let good = "from: office, to: plant, services: [modbus], action: allow";
    assert_eq!(findings(&rule(good)), [""; 0]);
    let change = |from: &str, to: &str| rule(&good.replace(from, to));
    let add = |keys: &str| rule(&format!("{good}, {keys}"));
    let forms = "write tcp/502, udp/1024-2048, sctp/2905, icmp/echo-request, icmp6/echo-request, ip/47, or any";
    let schedule = |keys: &str| add(&format!("schedule: {{{keys}}}"));
    let clock = "write hours and minutes in quotes, as \"02:00\"; \"24:00\" ends a day";
    for (text, wanted) in [
        (change("to: plant", "to: plnt"), "8:plnt: unknown zone `plnt`; did you mean `plant`? [unknown-zone] = zones are defined under `zones:`".to_owned()),
        (change("to: plant", "to: [plant, Office]"), "8:Office: unknown zone `Office`; did you mean `office`? [unknown-zone] = zones are defined under `zones:`".into()),
        (change("to: plant", "to: []"), "8:[]: `to` is an empty list [empty] = name at least one, or take the key out".into()),
        (change("to: plant, ", ""), "8:{name: r, from: office, services: [modbus], action: allow}: rule has no `to` [missing-key] = add `to:` with a zone, a list of zones, `any` or `outside`".into()),
        (change("[modbus]", "[modbsu]"), format!("8:modbsu: unknown service `modbsu`; did you mean `modbus`? [unknown-service] = define it under `services:`, or {forms}")),
        (change("[modbus]", "[502/tcp]"), "8:502/tcp: `502/tcp` has the port first [bad-service] = write `tcp/502`".into()),
        (change("[modbus]", "[tcp/1-70000]"), format!("8:tcp/1-70000: `70000` in `tcp/1-70000` is not a port (0 to 65535) [bad-service] = {forms}")),
        (change("[modbus]", "{tcp: 502}"), "8:{tcp: 502}: `services` is a mapping, not one value [wrong-type] = write one value".into()),
        (change("allow", "permit"), "8:permit: unknown action `permit` [bad-value] = write one of allow, deny".into()),
        (change(", action: allow", ""), "8:{name: r, from: office, to: plant, services: [modbus]}: rule has no `action` [missing-key] = add `action: allow` or `action: deny`".into()),
        (add("reviewby: 2026-01-01"), "8:reviewby: unknown key `reviewby` in a rule; did you mean `reviewBy`? [unknown-key] = known keys are name, from, to, services, action, owner, reason, ticket, reviewBy, expires, schedule, log, operations, tier".into()),
        (add("reviewBy: 2026-02-30"), "8:2026-02-30: `2026-02-30` is not a day of the calendar [bad-value] = write the day as 2026-12-31".into()),
        (add("expires: tomorrow"), "8:tomorrow: `tomorrow` is not a day or a moment with its UTC offset [bad-value] = write the last day as 2026-12-31, or the moment as 2026-12-31T18:00:00Z".into()),
        (add("tier: top"), "8:top: unknown tier `top` [bad-value] = write one of admin, app, baseline".into()),
        (add("log: yes"), "8:yes: unknown log `yes` [bad-value] = write one of true, false".into()),
        (schedule("from: \"02:00\", to: \"04:00\", timeZone: Europe/Berln"), "8:Europe/Berln: unknown time zone `Europe/Berln`; did you mean `Europe/Berlin`? [unknown-time-zone] = write an IANA name such as Europe/Berlin or UTC".into()),
        (schedule("from: 2am, to: \"04:00\", timeZone: UTC"), format!("8:2am: `2am` is not a time of day [bad-value] = {clock}")),
        (schedule("from: \"24:00\", to: \"04:00\", timeZone: UTC"), format!("8:\"24:00\": `24:00` is not a time of day [bad-value] = {clock}")),
        (schedule("from: \"02:00\", to: \"04:00\""), "8:{from: \"02:00\", to: \"04:00\"}: schedule has no `timeZone` [missing-key] = write an IANA name such as Europe/Berlin or UTC".into()),
        (schedule("days: [tues, tusday], from: \"02:00\", to: \"04:00\", timeZone: UTC"), "8:tusday: unknown day `tusday`; did you mean `tuesday`? [bad-value] = write mon, tue, wed, thu, fri, sat, sun or a range such as mon-fri".into()),
    ] {
        assert_eq!(findings(&text), [wanted], "{text}");
    }
}

#[test]
fn services_and_several_files() {
    let service = |keys: &str| format!("{HEAD}services:\n  - {{{keys}}}\n");
    assert_eq!(
        findings(&service("name: modbus, ports: [tcp/502]")),
        ["5:modbus: service `modbus` is built in [duplicate-name] = take it out, or give yours another name"]
    );
    assert_eq!(
        findings(&service("name: x")),
        ["5:{name: x}: service has no `ports` [missing-key] = add `ports:` with a list such as [tcp/502, udp/161]"]
    );
    let file = |name: &str, text: String| SourceFile { name: name.into(), text };
    let files = [
        file("a", format!("{HEAD}{ZONES}")),
        file("b", format!("{HEAD}rules:\n  - {{name: r, from: plant, to: offic, services: ssh, action: deny}}\n")),
    ];
    let found = read(&files).unwrap_err();
    let wanted = [
        "b:5:32: error: unknown zone `offic`; did you mean `office`? [unknown-zone]",
        " 5 |   - {name: r, from: plant, to: offic, services: ssh, action: deny}",
        "   |                                ^^^^^",
        "   = zones are defined under `zones:`",
    ];
    assert_eq!(found[0].to_string(), wanted.join("\n"));
}

#[test]
fn every_error_is_told_at_once_and_their_number_is_bounded() {
    let many: String = (0..500).map(|nth| format!("  - {{name: r{nth}, from: x, to: y, services: z, action: w}}\n")).collect();
    let found = findings(&format!("{HEAD}rules:\n{many}"));
    assert_eq!(found.len(), 201);
    assert_eq!(found[200], "0:: 1800 more errors are not shown [too-many] = -");
}

fn shipped() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/policy/plant.yaml")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_damaged_policy_is_read_or_refused_and_every_message_prints(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, prop::sample::select(vec!["", "\n", ": ", "- ", "[", "}", "\"", "&a", "*a", "\t", "é", "\u{0}", "99999999999", "-", "#", "|", "---\n", "%", "!x "])), 1..6)
    ) {
        let mut text = shipped();
        for (at, length, with) in cuts {
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            text = chars[..at].iter().copied().chain(with.chars()).chain(chars[(at + length).min(chars.len())..].iter().copied()).collect();
        }
        match read(&[SourceFile { name: "p".into(), text: text.clone() }]) {
            Ok(policy) => {
                let now = common::at("2026-11-23T00:00:00Z");
                let map = common::plant();
                enforcer_policy::check(&policy, Some(&map), now).iter().for_each(|finding| drop(finding.to_string()));
                let _ = enforcer_policy::simulate(&policy, &map, now);
            }
            Err(found) => {
                prop_assert!(!found.is_empty());
                for finding in found {
                    prop_assert!(finding.to_string().len() < 2000, "{}", finding);
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = read(&[SourceFile { name: "p".into(), text }]);
    }
}

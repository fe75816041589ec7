//! What is behind a device's own names: zones with those inside them, prefixes, and the rest.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use enforcer_packetset::AddressSet;
use enforcer_policy::{Compiled, EnforcementPoint, SourceFile, compile, read};

const LINE: &str = "apiVersion: cordon/v1
kind: Policy
metadata: {name: line, owner: ot}
zones:
  - {name: line, mode: enforce, members: [{prefix: 10.1.0.0/16}, {zone: cell}]}
  - {name: cell, mode: enforce, members: [{prefix: 10.2.0.0/24}, {zone: safety}]}
  - {name: safety, mode: enforce, members: [{prefix: 10.2.9.0/24}]}
  - {name: empty, members: [{role: hmi}]}
";

/// Names, with what is said to be behind each.
type Names<'a> = &'a [(&'a str, &'a [&'a str])];

fn compiled(names: Names<'_>, names_overlap: bool) -> Result<Compiled, String> {
    let found = read(&[SourceFile { name: "p.yaml".into(), text: LINE.into() }]);
    let policy = found.unwrap_or_else(|findings| panic!("{findings:?}"));
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let device_zones = names.iter().map(|(name, behind)| ((*name).to_owned(), words(behind))).collect();
    let point = EnforcementPoint { device_zones, names_overlap, ..EnforcementPoint::new("fw", "x") };
    let now = "2026-07-01T12:00:00Z".parse().unwrap();
    compile(&policy, &enforcer_policy::merge(&[]), &point, now).map_err(|found| found[0].to_string())
}

fn behind(names: Names<'_>, names_overlap: bool) -> BTreeMap<String, AddressSet> {
    compiled(names, names_overlap).unwrap().device_zones
}

fn set(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<enforcer_packetset::Prefix>().unwrap()).collect()
}

#[test]
fn a_zone_stands_for_those_inside_it_unless_they_are_at_another_place() {
    let all = behind(&[("a", &["line"]), ("b", &["*"])], false);
    assert_eq!(all["a"], set(&["10.1.0.0/16", "10.2.0.0/24", "10.2.9.0/24"]));
    assert_eq!(all["b"], AddressSet::full().difference(&all["a"]));
    let cell = behind(&[("a", &["line"]), ("b", &["cell"])], false);
    assert_eq!((&cell["a"], &cell["b"]), (&set(&["10.1.0.0/16"]), &set(&["10.2.0.0/24", "10.2.9.0/24"])));
    // The innermost name has it, and one name may have a zone and another that is around it.
    let three = behind(&[("a", &["line", "safety"]), ("b", &["cell", "192.0.2.0/24"])], false);
    assert_eq!((&three["a"], &three["b"]), (&set(&["10.1.0.0/16", "10.2.9.0/24"]), &set(&["10.2.0.0/24", "192.0.2.0/24"])));
}

#[test]
fn whoever_has_a_label_more_still_has_the_others() {
    let labels = behind(&[("{}", &["line"]), ("app=cell", &["cell"])], true);
    assert_eq!(labels["{}"], set(&["10.1.0.0/16", "10.2.0.0/24", "10.2.9.0/24"]));
    assert_eq!(labels["app=cell"], set(&["10.2.0.0/24", "10.2.9.0/24"]));
}

#[test]
fn names_do_not_change_what_is_asked_for() {
    assert_eq!(compiled(&[], false).unwrap().digest, compiled(&[("a", &["line"]), ("b", &["*"])], false).unwrap().digest);
}

#[test]
fn what_is_behind_a_name_and_cannot_be_is_an_error_that_names_it() {
    let cases: [(Names<'_>, &str); 6] = [
        (&[("a", &["lime"])], "`a`: `lime` is no zone of the policy and no prefix; did you mean `line`?"),
        (&[("a", &["10.0.0.0/33"])], "`10.0.0.0/33` is no zone of the policy and no prefix"),
        (&[("a", &["*", "line"])], "`a`: `*` beside other words"),
        (&[("a", &["*"]), ("b", &["*"])], "`b`: `a` has the rest already"),
        (&[("a", &["empty"])], "`a`: nobody is behind it"),
        (&[("a", &[])], "`a`: nobody is behind it"),
    ];
    for (names, told) in cases {
        let error = compiled(names, false).unwrap_err();
        assert!(error.contains("enforcement point `fw`, `device_zones`") && error.contains(told), "{error}");
    }
}

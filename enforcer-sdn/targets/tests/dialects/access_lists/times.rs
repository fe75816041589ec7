//! Time ranges: what a device's clock makes of them, against a policy's windows.

use enforcer_packetset::{L4, Selector, WeekSet};
use enforcer_policy::Ruleset;
use enforcer_targets::{RenderOptions, Way, find, prove};

use super::{ALL4, allow, between, differs, established, holds, refused, rest4, ruleset, tcp};

const DAY: u16 = 1440;

fn week(ranges: &[(u16, u16)]) -> WeekSet {
    WeekSet::from_ranges(ranges.iter().copied())
}

/// Weekdays from 8 to 18 o'clock.
fn office() -> WeekSet {
    week(&[0, 1, 2, 3, 4].map(|day| (day * DAY + 480, day * DAY + 1079)))
}

fn wanted(week: &WeekSet) -> Ruleset {
    let ssh = between(&["10.0.0.0/8"], &["192.0.2.1/32"], tcp(&[(22, 22)]));
    ruleset(vec![allow(Selector { week: week.clone(), ..ssh }), rest4()])
}

/// A list whose one entry holds in time range `x`, with the range's lines behind it, as devices show them.
fn ios(lines: &str) -> String {
    format!(
        "ip access-list extended a\n permit tcp 10.0.0.0 0.255.255.255 host 192.0.2.1 eq 22 time-range x\n!\ntime-range x\n{lines}!\nend\n"
    )
}

#[test]
fn a_window_is_open_from_its_first_minute_until_the_end_of_its_last() {
    holds("cisco-ios", &wanted(&office()), &ios(" periodic weekdays 8:00 to 17:59\n"));
    // One that says 18:00 is open for that minute too.
    let difference = differs("cisco-ios", &wanted(&office()), &ios(" periodic weekdays 8:00 to 18:00\n"));
    assert_eq!((difference.way, difference.packet.minute_of_week % DAY), (Way::AdmitsDenied, 18 * 60));
    let difference = differs("cisco-ios", &wanted(&office()), &ios(" periodic weekdays 9:00 to 17:59\n"));
    assert_eq!(difference.way, Way::DeniesAllowed);
    // Several windows are open in turn.
    holds(
        "cisco-ios",
        &wanted(&office()),
        &ios(" periodic Monday Wednesday 8:00 to 17:59\n periodic Tuesday Thursday Friday 8:00 to 17:59\n"),
    );
    let night = week(&[(4 * DAY + 1320, 4 * DAY + 1439), (5 * DAY, 6 * DAY + 359)]);
    holds("cisco-ios", &wanted(&night), &ios(" periodic friday 22:00 to sunday 5:59\n"));
    // A rule that should hold always, and does not.
    assert_eq!(
        differs("cisco-ios", &wanted(&WeekSet::always()), &ios(" periodic daily 0:00 to 23:58\n")).way,
        Way::DeniesAllowed
    );
    holds("cisco-ios", &wanted(&WeekSet::always()), &ios(" periodic daily 0:00 to 23:59\n"));
}

#[test]
fn a_devices_clock_that_is_not_utc_moves_its_windows() {
    let early = week(&[0, 1, 2, 3, 4].map(|day| (day * DAY + 420, day * DAY + 1019)));
    let cet = |lines: &str| format!("clock timezone CET 1 0\n{}", ios(lines));
    holds("cisco-ios", &wanted(&early), &cet(" periodic weekdays 8:00 to 17:59\n"));
    assert_eq!(differs("cisco-ios", &wanted(&office()), &cet(" periodic weekdays 8:00 to 17:59\n")).way, Way::AdmitsDenied);
    refused(
        "cisco-ios",
        &[&format!("clock timezone CET 1 0\nclock «summer-time CEST recurring\n{}", ios(" periodic daily 8:00 to 9:00\n"))],
    );
    // Without time ranges it is of no matter which clock there is.
    let plain =
        "clock summer-time CEST recurring\nip access-list extended a\n permit tcp 10.0.0.0 0.255.255.255 host 192.0.2.1 eq 22\n";
    holds("cisco-ios", &wanted(&WeekSet::always()), plain);
    // What a proof rests on is said.
    let notes = prove(find("cisco-ios").unwrap(), &wanted(&office()), &ios(" periodic weekdays 8:00 to 17:59\n")).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("UTC")), "{notes:?}");
}

#[test]
fn every_dialect_with_times_has_its_own_form() {
    let seconds = |until: &str| {
        format!(
            "time-range x\n  10 periodic weekdays 08:00:00 to {until}\nip access-list a\n  10 permit tcp 10.0.0.0/8 192.0.2.1/32 eq 22 time-range x\n"
        )
    };
    holds("cisco-nxos", &wanted(&office()), &seconds("17:59:59"));
    holds("cisco-nxos", &wanted(&office()), &seconds("18:00:00"));
    refused("cisco-nxos", &[&seconds("«18:00")]);
    let asa = "\
time-range x
 periodic weekdays 8:00 to 17:59
access-list a extended permit tcp 10.0.0.0 255.0.0.0 host 192.0.2.1 eq 22 log disable time-range x
access-list a extended deny ip any4 any4 log disable
access-list a extended permit ip any any
";
    let mut of_asa = wanted(&office());
    of_asa.rules.insert(0, established());
    holds("cisco-asa", &of_asa, asa);
    let vacl =
        format!("{}vlan access-map m 10\n match ip address a\n action forward\n", ios(" periodic weekdays 8:00 to 17:59\n"));
    holds("cisco-vacl", &wanted(&office()), &vacl);
    let numbers = "10 permit tcp 10.0.0.0/8 any eq 22 «time-range x";
    refused("arista-eos", &[&format!("ip access-list a\n {numbers}\n")]);
    refused("aruba-aoscx", &[&format!("access-list ip a\n {numbers}\n")]);
    refused("radius-dacl", &["# hosts: 10.0.0.0/8\nip:inacl#10=permit ip any any «time-range x\n"]);
}

#[test]
fn times_that_no_policy_has_are_refused_where_they_stand() {
    refused(
        "cisco-ios",
        &[
            &ios(" «absolute start 0:00 1 January 2026\n"),
            &ios(" «absolute end 23:59 31 December 2026\n periodic daily 0:00 to 23:59\n"),
            &ios(" periodic daily 22:00 to «6:00\n"),
            "ip access-list extended a\n permit ip any any time-range «x\n",
            "ip access-list extended a\n permit ip any any time-range «x\ntime-range x\n",
            "ip access-list extended a\n permit ip any any time-range x «time-range x\ntime-range x\n periodic daily 0:00 to 9:00\n",
            "time-range x\n periodic daily 0:00 to 9:00\ntime-range «x\n",
            "ip access-list extended a\n permit ip any any\ntime-range x\n periodic daily 0:00 to 9:00\n «permit ip any any\n",
        ],
    );
}

#[test]
fn schedules_are_written_as_ranges_that_are_read_back() {
    let mut rules = wanted(&office());
    let night = Selector { week: week(&[(0, 59), (6 * DAY + 1380, 7 * DAY - 1)]), ..between(ALL4, ALL4, L4::Protocol(47)) };
    rules.rules.insert(0, allow(night));
    rules.rules[0].id = "night".into();
    for target in ["cisco-ios", "cisco-nxos", "cisco-vacl", "cisco-asa"].map(|name| find(name).unwrap()) {
        let mut rules = rules.clone();
        if target.capability.stateful {
            rules.rules.insert(0, established());
        }
        let text = (target.render)(&rules, &RenderOptions::default()).unwrap().text;
        prove(target, &rules, &text).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("time-range ")).count(), 2, "{text}");
        let later = text.replacen(":59", ":58", 1);
        assert!(prove(target, &rules, &later).is_err(), "{later}");
    }
    let eos = (find("arista-eos").unwrap().render)(&rules, &RenderOptions::default()).unwrap_err();
    assert!(eos.to_string().contains("cannot say times"), "{eos}");
}

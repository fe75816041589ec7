//! From one ruleset to another by single commands: every state admits what both admit, and nothing that neither does.

use enforcer_packetset::{Limits, Outcomes, Selector};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::update::{Command, Does, NotUpdated, Unsafe, Update, Wrong, check, update};
use enforcer_targets::{RenderOptions, Target, find, prove};

use crate::rulesets::{Random, cases, fit, layered_ruleset, ruleset};

const NAMES: [&str; 4] = ["arista-eos", "aruba-aoscx", "cisco-ios", "cisco-nxos"];

/// The rendering as a device shows it, with numbers in steps of `step`.
fn shown(target: &Target, ruleset: &Ruleset, step: u32) -> String {
    let text = (target.render)(ruleset, &RenderOptions::default()).unwrap().text;
    if target.name == "aruba-aoscx" {
        return text;
    }
    let (mut number, mut word) = (0, "");
    let mut shown = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let entry = words.iter().position(|word| ["permit", "deny", "remark"].contains(word));
        match entry {
            None => {
                if line.contains("access-list") {
                    number = 0;
                    word = if target.name == "cisco-ios" && line.starts_with("ipv6") { "sequence " } else { "" };
                }
                shown += line;
            }
            Some(at) => {
                number += step;
                shown += &format!(" {word}{number} {}", words[at..].join(" "));
            }
        }
        shown += "\n";
    }
    shown
}

/// Another policy that is mostly the same, as policies are; sometimes a wholly other one.
fn edited(random: &mut Random, old: &Ruleset) -> Ruleset {
    let mut new = old.clone();
    for number in 0..1 + random.below(3) {
        let at = random.below(new.rules.len() as u64 + 1) as usize;
        match random.below(6) {
            0 | 1 if at < new.rules.len() => drop(new.rules.remove(at)),
            2 if at + 1 < new.rules.len() => new.rules.swap(at, at + 1),
            3 if at < new.rules.len() => {
                let rule = &mut new.rules[at];
                rule.action = if rule.action == Action::Deny { Action::Allow } else { Action::Deny };
            }
            4 => new = layered_ruleset(random),
            _ => {
                let more = ruleset(random, 3).rules.into_iter().map(|rule| PointRule { id: format!("new-{number}"), ..rule });
                new.rules.splice(at..at, more.take(1));
            }
        }
    }
    new
}

/// Two rulesets that the dialect can say, neither of them long.
fn pair(random: &mut Random, target: &Target) -> (Ruleset, Ruleset) {
    loop {
        let drawn = if random.one_in(2) { layered_ruleset(random) } else { ruleset(random, 6) };
        let (old, old_text) = fit(target, drawn.clone());
        let (new, new_text) = fit(target, edited(random, &drawn));
        if old_text.lines.len().max(new_text.lines.len()) <= 40 {
            return (old, new);
        }
    }
}

#[test]
fn every_state_on_the_way_is_between_the_old_and_the_new_rules() {
    let (mut in_place, mut swapped, mut resequenced) = (0, 0, 0);
    for case in 0..cases("CORDON_UPDATES", 240) {
        let mut random = Random(0x5afe + case);
        let target = find(NAMES[case as usize % NAMES.len()]).unwrap();
        let (old, new) = pair(&mut random, target);
        let step = random.pick(&[1, 2, 10, 100]);
        let running = shown(target, &old, step);
        prove(target, &old, &running).unwrap_or_else(|error| panic!("case {case}: {error}\n{running}"));
        let commands = match update(target, &new, &running) {
            Ok(update) => update.commands,
            Err(error) => panic!("case {case}, {}: {error}\n{running}", target.name),
        };
        check(target, &running, &new.steps(), &commands).unwrap();
        // Nothing to do is found exactly when both do the same.
        let of = |ruleset: &Ruleset| Outcomes::of(&ruleset.steps(), Limits::default()).unwrap();
        assert_eq!(commands.is_empty(), of(&old) == of(&new), "case {case}");
        let does = |what| commands.iter().any(|command| command.does == what);
        swapped += u32::from(does(Does::Bind));
        in_place += u32::from(does(Does::Insert) || does(Does::Remove));
        resequenced += u32::from(does(Does::Resequence));
        // A command less, and the end is another, unless it was only about words.
        if let Some((last, rest)) = commands.split_last()
            && last.does == Does::Bind
        {
            assert!(check(target, &running, &new.steps(), rest).is_err(), "case {case}");
        }
    }
    println!("updates in place: {in_place}, by another list: {swapped}, with new numbers: {resequenced}");
    assert!(in_place > 0 && swapped > 0 && resequenced > 0, "{in_place} {swapped} {resequenced}");
}

fn rule(id: &str, l4: enforcer_packetset::L4, log: bool) -> PointRule {
    PointRule { id: id.into(), selector: Selector { l4, ..Selector::any() }, action: Action::Deny, log, origin: vec![] }
}

fn denies(first: u16, last: u16, log: bool) -> Ruleset {
    use enforcer_packetset::{L4, PortSet};
    let l4 = L4::Tcp { source: PortSet::full(), destination: PortSet::range(first, last) };
    Ruleset { point: "test".into(), rules: vec![rule("shell", l4, log)] }
}

const NXOS: &str = "\
ip access-list plant
  10 deny tcp any any eq 23
  20 permit ip any any
ipv6 access-list plant6
  10 deny tcp any any eq 23
  20 permit ipv6 any any
interface Ethernet1/1
  ip access-group plant in
  ipv6 traffic-filter plant6 in
";

#[test]
fn a_wrong_order_is_caught_with_its_step_and_a_packet() {
    let target = find("cisco-nxos").unwrap();
    let wanted = denies(22, 23, false);
    let Update { commands, notes } = update(target, &wanted, NXOS).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    let place = |text: &str| {
        let is_it = |command: &Command| command.mode == "ip access-list plant" && command.text.ends_with(text);
        commands.iter().position(is_it).unwrap()
    };
    let (insert, remove) = (place("deny tcp any any range 22 23"), place("no 10"));
    assert!(insert < remove);
    let mut wrong = commands.clone();
    wrong.swap(insert, remove);
    let Err(NotUpdated::Unsafe(found)) = check(target, NXOS, &wanted.steps(), &wrong) else { panic!("not caught") };
    let Unsafe { step, command, wrong: way, packet } = *found;
    assert_eq!((step, command.as_str(), way), (insert + 1, "no 10", Wrong::AdmitsTooMuch));
    assert_eq!((packet.protocol, packet.destination_port, packet.destination.is_ipv4()), (6, 23, true));

    // The same as an entry that closes what both admit.
    let mut closes = commands.clone();
    closes
        .insert(0, Command { mode: "ip access-list plant".into(), text: "5 deny udp any any eq 53".into(), does: Does::Insert });
    let Err(NotUpdated::Unsafe(found)) = check(target, NXOS, &wanted.steps(), &closes) else { panic!("not caught") };
    assert_eq!((found.step, found.wrong, found.packet.destination_port), (1, Wrong::AdmitsTooLittle, 53));

    // And one that is left out.
    let Err(NotUpdated::Unsafe(found)) = check(target, NXOS, &wanted.steps(), &[]) else { panic!("not caught") };
    assert_eq!((found.step, found.wrong), (0, Wrong::EndsElsewhere));
}

#[test]
fn an_entry_that_starts_to_log_needs_another_list_and_its_binding() {
    let target = find("cisco-nxos").unwrap();
    let update = update(target, &denies(23, 23, true), NXOS).unwrap();
    let binds: Vec<_> = update.commands.iter().filter(|command| command.does == Does::Bind).collect();
    assert_eq!(binds.len(), 2);
    assert_eq!(binds[0].mode, "interface Ethernet1/1");
    assert_eq!(binds[0].text, "ip access-group cordon-v4 in");
    assert_eq!(binds[1].text, "ipv6 traffic-filter cordon-v6 in");
    assert!(update.notes[0].contains("`plant` is not changed entry by entry"), "{:?}", update.notes);
    assert!(update.text().starts_with("no ip access-list cordon-v4\nip access-list cordon-v4\n"), "{}", update.text());
}

#[test]
fn numbers_are_taken_from_the_device_and_never_overwritten() {
    let target = find("cisco-ios").unwrap();
    let running = "ip access-list extended plant\n 1 deny tcp any any eq 23\n 2 permit ip any any\n\
                   ipv6 access-list plant6\n sequence 10 deny tcp any any eq telnet\n permit ipv6 any any sequence 20\n";
    // An entry whose number stands behind it is not understood, so nothing is said.
    assert!(matches!(update(target, &denies(22, 23, false), running), Err(NotUpdated::Unreadable(_))));
    let running = running.replace("permit ipv6 any any sequence 20", "sequence 20 permit ipv6 any any");
    let update = update(target, &denies(22, 23, false), &running).unwrap();
    let text = "ip access-list resequence plant 10 10\nip access-list extended plant\n  5 deny tcp any any range 22 23\n  no 10\nexit\n\
                ipv6 access-list plant6\n  sequence 5 deny tcp any any range 22 23\n  no sequence 10\nexit\n";
    assert_eq!(update.text(), text);
    assert_eq!(update.count(Does::Insert), 2);
}

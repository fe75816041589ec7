//! Policies in the language of Aerleon, compiled by it here and now, beside what they say as rulesets: the proof must tell which texts are right.
//!
//! Aerleon comes from the Python package index; `tests/packages.sh test` puts it where it is looked for. Without it this says so and ends.

mod corpus;
mod firewalls;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use enforcer_policy::{PointRule, Ruleset};
use enforcer_targets::{NotProven, Way, find, prove};

use crate::access_lists::{ALL, allow, between, ruleset};
use crate::fed::fed;
use corpus::{Case, Verdict, cases};

/// Aerleon's generators with our dialects, and what stands in the header of a policy.
const GENERATORS: &[(&str, &str, &str)] = &[
    ("arista", "arista-eos", "corpus FAMILY"),
    ("cisco", "cisco-ios", "corpus FAMILY"),
    ("ciscoasa", "cisco-asa", "corpus"),
    ("cisconx", "cisco-nxos", "corpus FAMILY"),
    ("juniper", "junos-filter", "corpus mixed"),
    ("nftables", "nftables", "mixed forward"),
    ("srx", "junos-srx", "from-zone a to-zone b"),
];

/// A Python that can import Aerleon.
fn python() -> Option<PathBuf> {
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/aerleon/bin/python");
    let named = std::env::var_os("CORDON_AERLEON").map(PathBuf::from);
    let candidates = named.into_iter().chain([installed, PathBuf::from("python3")]);
    candidates.into_iter().find(|python| {
        let import = Command::new(python).args(["-c", "import aerleon.api"]).output();
        import.is_ok_and(|output| output.status.success())
    })
}

/// Aerleon's texts by number of the case and name of our dialect. A generator that gives up leaves a text that begins with `!`.
fn compile(python: &PathBuf, cases: &[Case]) -> BTreeMap<(usize, &'static str), String> {
    let mut input = format!("{}\npolicies:\n", corpus::DEFINITIONS);
    for case in cases {
        let options = GENERATORS.iter().map(|(name, _, options)| format!("{name}: {}", options.replace("FAMILY", case.family)));
        let options = options.collect::<Vec<_>>().join(", ");
        let terms = format!("{{name: a, {}}}, {{name: rest, logging: true, action: deny}}", case.terms);
        input.push_str(&format!("- {{targets: {{{options}}}, terms: [{terms}]}}\n"));
    }
    let text = generate(python, &input);
    let texts = text.split("===== ").skip(1).map(|part| {
        let (head, text) = part.split_once('\n').unwrap();
        let (number, generator) = head.split_once(' ').unwrap();
        let &(_, target, _) = GENERATORS.iter().find(|(name, ..)| *name == generator).unwrap();
        let text = if target == "nftables" && !text.starts_with('!') { in_one_chain(text) } else { text.to_owned() };
        ((number.parse().unwrap(), target), text)
    });
    texts.collect()
}

/// Each text behind a line with its name.
fn generate(python: &PathBuf, input: &str) -> String {
    let output = fed(Command::new(python).args(["-c", include_str!("generate.py")]), input);
    assert!(output.status.success(), "aerleon failed\n{}\n{input}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Aerleon's chains where its base chain jumps to them, and `new` as everything that is not established: what it leaves to the end of the chain
/// besides, packets that connection tracking takes for invalid, sets of packets do not tell from new ones.
fn in_one_chain(text: &str) -> String {
    let mut chains: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut lines = text.lines().map(str::trim);
    let mut base = None;
    lines.next();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("chain ").and_then(|rest| rest.strip_suffix(" {")) else { continue };
        let body: Vec<&str> =
            lines.by_ref().take_while(|line| *line != "}").filter(|line| !line.starts_with("comment ")).collect();
        if body.iter().any(|line| line.starts_with("type filter")) {
            base = Some(body);
        } else {
            let body = body.iter().map(|line| line.replace("ct state new ", "ct state invalid,new,untracked "));
            chains.insert(name, body.collect());
        }
    }
    let base = base.expect("a base chain");
    let lines = base.iter().flat_map(|line| match line.strip_prefix("jump ") {
        Some(name) => chains[name].clone(),
        None => vec![(*line).to_owned()],
    });
    format!("table inet t {{\nchain forward {{\n{}\n}}\n}}\n", lines.collect::<Vec<_>>().join("\n"))
}

/// What the case's policy says to this dialect: a stateful device lets answers through by itself, and a list for IPv4 alone says nothing of IPv6.
fn wanted(case: &Case, target: &str) -> Ruleset {
    let is_stateful = find(target).unwrap().capability.stateful;
    let mut rules: Vec<PointRule> = Vec::new();
    if is_stateful {
        let state = enforcer_packetset::StateSet::Established;
        rules.push(allow(enforcer_packetset::Selector { state, ..between(ALL, ALL, enforcer_packetset::L4::Any) }));
    }
    rules.extend(case.allowed(is_stateful).into_iter().map(allow));
    let of = if case.family == "extended" && ["arista-eos", "cisco-ios", "cisco-nxos"].contains(&target) {
        crate::access_lists::ALL4
    } else {
        ALL
    };
    rules.push(crate::access_lists::deny(between(of, of, enforcer_packetset::L4::Any), true));
    ruleset(rules)
}

#[test]
fn the_texts_of_aerleon_are_read_and_judged() {
    let Some(python) = python() else {
        eprintln!("NOT TESTED against aerleon: no Python here can import it; `tests/packages.sh test` installs it");
        return;
    };
    let cases = cases();
    let texts = compile(&python, &cases);
    let mut seen: BTreeMap<Verdict, usize> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        for &(_, target, _) in GENERATORS {
            let (text, wanted) = (&texts[&(number, target)], wanted(case, target));
            let proof = prove(find(target).unwrap(), &wanted, text);
            let found = match &proof {
                Ok(_) => Verdict::Equal,
                Err(NotProven::Differs(difference)) => match difference.way {
                    Way::AdmitsDenied => Verdict::Admits,
                    Way::DeniesAllowed => Verdict::Denies,
                    Way::LogsTooLittle | Way::LogsTooMuch => panic!("{} {target}: {difference}\n{text}", case.name),
                },
                Err(NotProven::Unreadable(_)) => Verdict::Unreadable,
                Err(error) => panic!("{} {target}: {error}\n{text}", case.name),
            };
            assert_eq!(found, case.verdict(target), "{} {target}: {proof:?}\n{text}", case.name);
            *seen.entry(found).or_default() += 1;
            if let Err(NotProven::Differs(difference)) = proof {
                assert!((case.shows)(&difference.packet), "{} {target}: {difference}\n{text}", case.name);
                // The packet shows it without the algebra, too.
                let denied = wanted.decide(&difference.packet).0 == enforcer_policy::Action::Deny;
                assert_eq!(denied, found == Verdict::Admits, "{} {target}: {difference}", case.name);
                eprintln!("{} {target}: {difference}", case.name);
            }
        }
    }
    eprintln!("texts of aerleon: {seen:?}");
    assert!(seen[&Verdict::Equal] >= 30 && seen[&Verdict::Admits] >= 12, "{seen:?}");
}

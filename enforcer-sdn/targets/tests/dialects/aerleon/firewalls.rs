//! The same policies for FortiOS and pf. What these texts do is another matter in nearly every case.

use std::collections::BTreeMap;

use enforcer_targets::{NotProven, Way, find, prove};

use super::corpus::{self, Verdict, cases};
use super::{generate, python, wanted};

/// Aerleon's generators with their options, and our dialects.
const GENERATORS: [(&str, &str, &str); 2] =
    [("fortigate", "from-zone any to-zone any", "fortios"), ("packetfilter", "corpus mixed", "pf")];

use Verdict::{Admits, Logs, Unreadable};

/// Of FortiOS and of pf. Unreadable is a text where the generator gives up, or that the device would not take either. What pf's last rule
/// says of SYN alone lets all other packets of TCP pass, in every text.
fn verdicts(case: &str) -> [Verdict; 2] {
    match case {
        // `none` is an address, which IPv6 packets from nowhere have.
        "ports and networks are kept" => [Admits, Admits],
        // FortiOS does not log what a policy without `logtraffic` denies; pf is asked for a table that nobody filled.
        "an exclusion leaves half" => [Logs, Unreadable],
        "an exclusion that leaves no source becomes every source"
        | "an exclusion that leaves no destination becomes every destination" => [Unreadable, Unreadable],
        "an IPv6 source with an IPv4 destination becomes every address" => [Admits, Unreadable],
        "IPv6 is left out" => [Logs, Admits],
        "each port is opened on the other's protocol" => [Admits, Admits],
        "answers become requests" => [Unreadable, Admits],
        // FortiOS opens every protocol.
        "IPv6 is left out beside ICMP" => [Admits, Admits],
        // FortiOS has one type a service; pf wants the family of an ICMP type.
        "ping is kept" => [Unreadable, Unreadable],
        other => panic!("`{other}` has no verdicts for firewalls"),
    }
}

#[test]
fn the_firewalls_texts_of_aerleon_are_read_and_judged() {
    let Some(python) = python() else {
        eprintln!("NOT TESTED against aerleon: no Python here can import it; `tests/packages.sh test` installs it");
        return;
    };
    let cases = cases();
    let mut input = format!("{}\npolicies:\n", corpus::DEFINITIONS);
    for case in &cases {
        let options = GENERATORS.map(|(name, options, _)| format!("{name}: {options}")).join(", ");
        let terms = format!("{{name: a, {}}}, {{name: rest, logging: true, action: deny}}", case.terms);
        input.push_str(&format!("- {{targets: {{{options}}}, terms: [{terms}]}}\n"));
    }
    let text = generate(&python, &input);
    let texts: BTreeMap<&str, &str> = text.split("===== ").skip(1).filter_map(|part| part.split_once('\n')).collect();
    for (number, case) in cases.iter().enumerate() {
        for ((generator, _, target), expected) in GENERATORS.into_iter().zip(verdicts(case.name)) {
            let text = texts[format!("{number} {generator}").as_str()];
            let wanted = wanted(case, target);
            let error = prove(find(target).unwrap(), &wanted, text).expect_err(case.name);
            eprintln!("{} {target}: {error}", case.name);
            let found = match &error {
                NotProven::Unreadable(_) => Unreadable,
                NotProven::Differs(difference) => {
                    // The packet shows it without the algebra, too.
                    let denied = wanted.decide(&difference.packet).0 == enforcer_policy::Action::Deny;
                    match difference.way {
                        Way::AdmitsDenied if denied => Admits,
                        Way::LogsTooLittle => Logs,
                        _ => panic!("{} {target}: {difference}\n{text}", case.name),
                    }
                }
                NotProven::TooLarge(_) => panic!("{} {target}: {error}", case.name),
            };
            assert_eq!(found, expected, "{} {target}: {error}\n{text}", case.name);
        }
    }
}

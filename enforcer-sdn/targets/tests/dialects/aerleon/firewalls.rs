//! The same policies for Junos, PAN-OS, FortiOS and pf. What these texts do is another matter in nearly every case.

use std::collections::BTreeMap;

use enforcer_targets::{NotProven, Way, find, prove};

use super::corpus::{self, Verdict, cases};
use super::{generate, python, wanted};

/// Our dialects, with the endings of Aerleon's files.
const TARGETS: [(&str, &str); 4] = [("fortios", "fgacl"), ("junos-filter", "jcl"), ("junos-srx", "srx"), ("pf", "pf")];

use Verdict::{Admits, Denies, Equal, Logs};

/// In the order of [`TARGETS`]. None: no text, or one that the device does not take either.
fn verdicts(case: &str) -> [Option<Verdict>; 4] {
    // What pf's last rule says of SYN alone lets all other packets of TCP pass, in every text.
    match case {
        // `none` is an address, which IPv6 packets from nowhere have.
        "ports and networks are kept" => [Some(Admits), Some(Equal), Some(Equal), Some(Admits)],
        // FortiOS does not log what a policy without `logtraffic` denies; pf is asked for a table that nobody filled.
        "an exclusion leaves half" => [Some(Logs), Some(Equal), Some(Equal), None],
        "an exclusion that leaves no source becomes every source"
        | "an exclusion that leaves no destination becomes every destination" => [None, Some(Equal), Some(Admits), None],
        "an IPv6 source with an IPv4 destination becomes every address" => [Some(Admits), Some(Equal), Some(Equal), None],
        "IPv6 is left out" => [Some(Logs), Some(Equal), Some(Equal), Some(Admits)],
        "each port is opened on the other's protocol" => [Some(Admits); 4],
        "answers become requests" => [None, Some(Equal), None, None],
        // FortiOS opens every protocol; SRX lets ICMP through over IPv6.
        "IPv6 is left out beside ICMP" => [Some(Admits), Some(Denies), Some(Admits), Some(Admits)],
        // FortiOS has one type a service; pf wants the family of an ICMP type.
        "ping is kept" => [None, Some(Equal), Some(Equal), None],
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
    for (number, case) in cases.iter().enumerate() {
        let family = if case.family == "extended" { "inet" } else { "mixed" };
        let zones = "srx: from-zone all to-zone all mixed, fortigate: from-zone any to-zone any";
        // The others refuse a condition on a packet's flags.
        let others =
            if case.terms.contains("established") { String::new() } else { format!(", {zones}, packetfilter: corpus mixed") };
        let targets = format!("juniper: corpus {family}{others}");
        let rest = "{name: rest, logging: true, action: deny}";
        let filter = format!("{{header: {{targets: {{{targets}}}}}, terms: [{{name: a, {}}}, {rest}]}}", case.terms);
        input.push_str(&format!("- {{filename: '{number}', filters: [{filter}]}}\n"));
    }
    let text = generate(&python, &input);
    let texts: BTreeMap<&str, &str> = text.split("===== ").skip(1).filter_map(|part| part.split_once('\n')).collect();
    for (number, case) in cases.iter().enumerate() {
        for ((target, ending), expected) in TARGETS.into_iter().zip(verdicts(case.name)) {
            let text = texts.get(format!("{number}.{ending}").as_str()).copied();
            let wanted = wanted(case, target);
            let proof = text.map(|text| prove(find(target).unwrap(), &wanted, text));
            let found = match &proof {
                None | Some(Err(NotProven::Unreadable(_))) => None,
                Some(Ok(_)) => Some(Equal),
                Some(Err(NotProven::Differs(difference))) => Some(match difference.way {
                    Way::AdmitsDenied => Admits,
                    Way::DeniesAllowed => Denies,
                    Way::LogsTooLittle | Way::LogsTooMuch => Logs,
                }),
                Some(Err(error @ NotProven::TooLarge(_))) => panic!("{} {target}: {error}", case.name),
            };
            assert_eq!(found, expected, "{} {target}: {proof:?}\n{text:?}", case.name);
            if let Some(Err(error)) = proof {
                eprintln!("{} {target}: {error}", case.name);
                if let NotProven::Differs(difference) = error {
                    // The packet shows it without the algebra, too.
                    let denied = wanted.decide(&difference.packet).0 == enforcer_policy::Action::Deny;
                    assert!(found == Some(Logs) || denied == (found == Some(Admits)), "{} {target}: {difference}", case.name);
                }
            }
        }
    }
}

#[test]
fn a_configuration_in_xml_is_refused_by_name() {
    let error = (find("panos").unwrap().parse)("<?xml version=\"1.0\" ?>\n<config/>\n").unwrap_err();
    assert!(error.to_string().starts_with("1:1: a configuration in XML; give the listing in `set` form"), "{error}");
}

//! What stands beside filters and security policies in a whole Junos configuration. What decides about no packet that passes through is known
//! by the words that lead to it; what filters, changes or turns packets is known too, with what to do about it. Anything else is unknown,
//! and stays an error. Routes are no matter here: a policy speaks of packets that go somewhere.

mod words;

use crate::reading::{Path, Word, begins};
use crate::target::ParseError;
use words::{FILTERS, IN_FAMILIES, IN_INTERFACES, IN_UNITS, OF_THE_DEVICE, UNRELATED};

/// What binds a filter, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    pub filter: Word<'a>,
    pub interface: Word<'a>,
    /// The unit's number, where it has one.
    pub unit: &'a str,
    pub is_ipv6: bool,
    /// `input` or `output`.
    pub direction: &'a str,
}

/// What a statement beside filters and policies is. Never about what they are made of: its reader looks for that first.
#[derive(Debug)]
pub(crate) enum Beside<'a> {
    Unrelated,
    Binds(Binding<'a>),
}

/// Where packets of an IP version pass through, by interface and unit; None where the statement does not say so.
pub(crate) fn passes<'a>(path: &Path<'a>) -> Option<(&'a str, &'a str, bool)> {
    match path.words.as_slice() {
        [interfaces, name, unit, number, family, version, ..]
            if interfaces.is("interfaces") && unit.is("unit") && family.is("family") && !OF_THE_DEVICE.contains(&name.text) =>
        {
            ["inet", "inet6"].contains(&version.text).then(|| (name.text, number.text, version.is("inet6")))
        }
        _ => None,
    }
}

/// # Errors
/// Where the statement filters, changes or turns packets, or is unknown.
pub(crate) fn beside<'a>(path: &Path<'a>) -> Result<Beside<'a>, ParseError> {
    let words = path.words.as_slice();
    let Some(&first) = words.first() else { return Ok(Beside::Unrelated) };
    if path.is_removal {
        return Err(first.error("a removal", "give the listing of what is in force at the end"));
    }
    match words {
        [groups, _, rest @ ..] if groups.is("groups") => group(first, rest),
        [interfaces, rest @ ..] if interfaces.is("interfaces") => interface(rest),
        _ => known(words).map(|()| Beside::Unrelated),
    }
}

/// What a group holds stands wherever the group is applied: of no matter as long as no part of it is.
fn group<'a>(place: Word<'a>, rest: &[Word<'a>]) -> Result<Beside<'a>, ParseError> {
    let advice = "give what `show configuration | display inheritance no-comments` lists";
    let error = || Err(place.error("a group about filters, policies or what is unknown beside them", advice));
    match rest {
        [] => Ok(Beside::Unrelated),
        [interfaces, rest @ ..] if interfaces.is("interfaces") => match interface(rest) {
            Ok(Beside::Unrelated) => Ok(Beside::Unrelated),
            _ => error(),
        },
        // They would become part of lists that filters name.
        [options, list, ..] if options.is("policy-options") && list.is("prefix-list") => error(),
        rest => known(rest).map_or_else(|_| error(), |()| Ok(Beside::Unrelated)),
    }
}

fn known(words: &[Word<'_>]) -> Result<(), ParseError> {
    let last = words.iter().find(|word| word.is("apply-groups") || word.is("apply-groups-except") || word.is("apply-macro"));
    if last.is_some() {
        return Ok(());
    }
    if let Some((start, why)) = FILTERS.iter().find(|(start, _)| begins(words, start)) {
        return Err(filters(words, start.split(' ').count(), why));
    }
    // BGP neighbours that send filters: at any depth.
    if let Some(at) = words.iter().position(|word| word.is("flow"))
        && words.iter().take(at).any(|word| word.is("protocols"))
    {
        return Err(filters(words, at + 1, words::FLOW_ROUTES));
    }
    if UNRELATED.iter().any(|start| begins(words, start)) { Ok(()) } else { Err(unknown(words)) }
}

fn filters(words: &[Word<'_>], length: usize, why: &str) -> ParseError {
    let place = words.get(length - 1).or(words.last());
    let shown: Vec<&str> = words.iter().take(length).map(|word| word.text).collect();
    let what = format!("`{}` decides about packets too", shown.join(" "));
    let advice = format!("{why}; cut it out only if what filters or policies do is to be proven without it");
    place.map_or_else(
        || ParseError { line: 1, column: 1, what: what.clone(), advice: advice.clone() },
        |at| at.error(&*what, &*advice),
    )
}

fn unknown(words: &[Word<'_>]) -> ParseError {
    // The word that is unknown, as far as can be said: the one after the longest start that is known.
    let matched = |start: &str| {
        let mut words = words.iter();
        start.split(' ').take_while(|wanted| words.next().is_some_and(|word| *wanted == "*" || word.is(wanted))).count()
    };
    let length = UNRELATED.iter().map(|start| matched(start)).max().unwrap_or(0);
    let end = Word { text: "", line: 1, column: 1, is_quoted: false };
    let place = words.get(length).or(words.last()).copied().unwrap_or(end);
    let advice =
        "if it filters, changes or turns no packets, cut it out: what counts are filters or policies, and what they are made of";
    place.unknown("a part of a configuration", advice)
}

/// What follows `interfaces`.
fn interface<'a>(words: &[Word<'a>]) -> Result<Beside<'a>, ParseError> {
    let (name, rest) = match words {
        [range, name, rest @ ..] if range.is("interface-range") => (*name, rest),
        [name, rest @ ..] => (*name, rest),
        [] => return Ok(Beside::Unrelated),
    };
    match rest {
        [] => Ok(Beside::Unrelated),
        [unit, number, rest @ ..] if unit.is("unit") => in_unit(name, number.text, rest),
        [word, ..] if IN_INTERFACES.contains(&word.text) => Ok(Beside::Unrelated),
        [word, ..] => Err(not_of(*word, "an interface")),
    }
}

fn in_unit<'a>(name: Word<'a>, unit: &'a str, words: &[Word<'a>]) -> Result<Beside<'a>, ParseError> {
    let [word, rest @ ..] = words else { return Ok(Beside::Unrelated) };
    if !word.is("family") {
        return if IN_UNITS.contains(&word.text) { Ok(Beside::Unrelated) } else { Err(not_of(*word, "a unit")) };
    }
    let [family, word, rest @ ..] = rest else { return Ok(Beside::Unrelated) };
    // What is sent to the device itself, and by it, is not what a policy is about.
    if OF_THE_DEVICE.contains(&name.text) || IN_FAMILIES.contains(&word.text) {
        return Ok(Beside::Unrelated);
    }
    match (family.text, word.text, rest) {
        ("inet" | "inet6", "filter", [direction, filter, rest @ ..]) if ["input", "output"].contains(&direction.text) => {
            if let Some(more) = rest.first() {
                return Err(more.unknown("the end of a binding", "a filter is bound by its name alone"));
            }
            let (direction, is_ipv6) = (direction.text, family.is("inet6"));
            Ok(Beside::Binds(Binding { filter: *filter, interface: name, unit, is_ipv6, direction }))
        }
        _ => Err(not_of(*word, "a family")),
    }
}

fn not_of(word: Word<'_>, place: &str) -> ParseError {
    let why = match word.text {
        "filter" => "a filter for other packets, or a list of filters, decides beside the rest",
        "rpf-check" => "it drops packets whose addresses have another way back",
        "policer" | "layer2-policer" | "storm-control" => "it drops packets by their rate",
        "service" => "what it names may let packets through, or drop them",
        "simple-filter" => "a simple filter decides before others",
        _ => {
            let advice =
                "if it filters, changes or turns no packets, cut it out: what counts are the statements that bind filters";
            return word.unknown(&format!("a statement of {place}"), advice);
        }
    };
    filters(&[word], 1, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::paths;

    fn of(statement: &str) -> Result<Option<String>, (usize, String)> {
        let text = format!("set {statement}");
        let paths = paths(&text).unwrap();
        match beside(&paths[0]) {
            Ok(Beside::Unrelated) => Ok(None),
            Ok(Beside::Binds(binding)) => {
                Ok(Some(format!("{} {}.{} {}", binding.filter.text, binding.interface.text, binding.unit, binding.direction)))
            }
            Err(error) => Err((error.column, error.what)),
        }
    }

    #[test]
    fn the_tables_are_sorted_and_name_nothing_twice() {
        let starts: Vec<&str> = FILTERS.iter().map(|(start, _)| *start).collect();
        for table in [&starts[..], UNRELATED, IN_INTERFACES, IN_UNITS, IN_FAMILIES, OF_THE_DEVICE] {
            assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
        }
    }

    #[test]
    fn what_passes_no_verdict_is_passed_over() {
        for statement in [
            "version 22.4R1.10",
            "system host-name x",
            "system login message \"no; entry { here }\"",
            "groups node0 system host-name x",
            "groups node0 interfaces fxp0 unit 0 family inet address 10.0.0.1/24",
            "apply-groups \"${node}\"",
            "interfaces ge-0/0/0 unit 0 family inet address 10.0.0.1/24",
            "interfaces ge-0/0/0 gigether-options redundant-parent reth0",
            "interfaces lo0 unit 0 family inet filter input protect-re",
            "protocols ospf area 0.0.0.0 interface ge-0/0/0.0",
            "routing-instances blue routing-options static route 0.0.0.0/0 next-hop 10.0.0.2",
            "security ike proposal p authentication-method pre-shared-keys",
            "security nat source rule-set r from zone trust",
        ] {
            assert_eq!(of(statement), Ok(None), "{statement}");
        }
    }

    #[test]
    fn a_binding_is_found_with_its_place() {
        let wanted = Ok(Some("f ge-0/0/0.7 output".to_owned()));
        assert_eq!(of("interfaces ge-0/0/0 unit 7 family inet6 filter output f"), wanted);
        assert_eq!(of("interfaces interface-range all unit 0 family inet filter input f"), Ok(Some("f all.0 input".into())));
        assert_eq!(of("interfaces ge-0/0/0 unit 0 family inet filter input-list f").unwrap_err().0, 44);
        assert_eq!(of("interfaces ge-0/0/0 unit 0 family inet filter input f precedence 3").unwrap_err().0, 59);
    }

    #[test]
    fn what_decides_beside_them_is_refused_at_its_place() {
        for (statement, column) in [
            ("interfaces ge-0/0/0 unit 0 family inet rpf-check", 44),
            ("interfaces ge-0/0/0 unit 0 family ethernet-switching filter input f", 58),
            ("interfaces ge-0/0/0 unit 0 family inet nosuch", 44),
            ("interfaces ge-0/0/0 nosuch", 25),
            ("security nat destination pool p address 10.0.0.1/32", 18),
            ("security zones security-zone untrust screen s", 42),
            ("security forwarding-options family inet6 mode packet-based", 51),
            ("routing-instances blue routing-options flow route r then discard", 44),
            ("protocols bgp group g family inet flow", 39),
            ("routing-instances blue protocols bgp group g family inet flow", 62),
            ("groups g security policies global policy p then permit", 5),
            ("groups g interfaces <*> unit 0 family inet filter input f", 5),
            ("vlans plant forwarding-options filter input f", 17),
            ("nosuch a b", 5),
            ("security nosuch", 14),
            ("logical-systems a interfaces ge-0/0/0", 5),
        ] {
            assert_eq!(of(statement).map_err(|(column, _)| column), Err(column), "{statement}");
        }
    }
}

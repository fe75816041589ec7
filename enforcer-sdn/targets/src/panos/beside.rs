//! What stands beside security rules and their objects in a whole configuration, by Palo Alto Networks' "PAN-OS CLI Quick Start" and the
//! paths of the XML API: what decides about no packet that passes through, and what does, with why. What is in none of the tables is unknown.
//! `*` is any name. Sorted.

use std::collections::BTreeMap;

use crate::reading::{Word, begins};
use crate::target::ParseError;

const ADDRESSES: &str =
    "it changes destinations before they are reached, so that what rules see is not what the policy speaks of";
const AUTHENTICATES: &str = "who is authenticated decides beside the rules";
const DROPS: &str = "it drops packets before rules are asked";
const INSPECTS: &str = "it looks into sessions, and may end them";
const OTHERS: &str = "it is another firewall's worth of text: give one at a time";
const PASSES: &str = "multicast passes a virtual wire without a rule, unless `multicast-firewalling` is on";
const PASSES_V6: &str = "no rule is asked about IPv6 then";
const RATES: &str = "it drops packets by their rate";
const TURNS: &str = "packets that it selects go another way than their address says";

/// Beside the rulebases.
const FILTERS: &[(&str, &str)] = &[
    ("deviceconfig setting session ipv6-firewalling no", PASSES_V6),
    ("network qos interface", RATES),
    ("network shared-gateway", OTHERS),
    ("network virtual-wire", PASSES),
    ("zone * network enable-packet-buffer-protection yes", RATES),
    ("zone * network zone-protection-profile", DROPS),
];

/// Parts of a configuration, with all below them. Objects that only a rule can put in force are of no matter until one names them, and that
/// is refused there.
const UNRELATED: &[&str] = &[
    "admin-role",
    "application",
    "application-filter",
    "application-group",
    "application-status",
    "authentication-object",
    "authentication-profile",
    "authentication-sequence",
    "botnet",
    "certificate",
    "certificate-profile",
    "content-preview",
    "device-object",
    "deviceconfig",
    "display-name",
    "dns-proxy",
    "email-scheduler",
    "external-list",
    "global-protect",
    "group-mapping",
    "import",
    "local-user-database",
    "log-settings",
    "mgt-config",
    "network dhcp",
    "network dns-proxy",
    "network ike",
    "network interface",
    "network lldp",
    "network logical-router",
    "network profiles",
    "network qos profile",
    "network tunnel global-protect-gateway",
    "network tunnel global-protect-site-to-site",
    "network tunnel ipsec",
    "network virtual-router",
    "network vlan",
    "ocsp-responder",
    "pdf-summary-report",
    "profile-group",
    "profiles",
    "region",
    "report-group",
    "reports",
    "response-page",
    "scep",
    "schedule",
    "server-profile",
    "ssl-decrypt",
    "ssl-tls-service-profile",
    "tag",
    "threats",
    "ts-agent",
    "user-id-agent",
    "user-id-collector",
    "wildfire",
    "zone * device-acl",
    "zone * enable-device-identification",
    "zone * enable-user-identification",
    "zone * network enable-packet-buffer-protection no",
    "zone * network external",
    "zone * network layer2",
    "zone * network layer3",
    "zone * network log-setting",
    "zone * network tap",
    "zone * network tunnel",
    "zone * network virtual-wire",
    "zone * user-acl",
];

/// Rulebases beside security, each of whose rules decides unless it is disabled: always, or where it holds one of these words.
const RULEBASES: &[(&str, &[&str], &str)] = &[
    ("authentication", &[], AUTHENTICATES),
    ("captive-portal", &[], AUTHENTICATES),
    ("decryption", &[], INSPECTS),
    ("dos", &[], RATES),
    // Sources are translated after rules were asked.
    ("nat", &["bi-directional", "destination-translation", "dynamic-destination-translation", "nat64", "nptv6"], ADDRESSES),
    ("network-packet-broker", &[], TURNS),
    ("pbf", &[], TURNS),
    ("sdwan", &[], TURNS),
    ("tunnel-inspect", &[], INSPECTS),
];

/// Rulebases that say what an application is, or which queue a session gets: rules about packets do not ask.
const IDLE_RULEBASES: &[&str] = &["application-override", "qos"];

/// Whether the part is of no matter, whatever is below it.
pub(super) fn is_unrelated(words: &[Word<'_>]) -> bool {
    UNRELATED.iter().any(|start| begins(words, start)) && !FILTERS.iter().any(|(start, _)| leads_to(words, start))
}

/// Whether the words are the first ones of `start`, and not all of it.
fn leads_to(words: &[Word<'_>], start: &str) -> bool {
    let mut wanted = start.split(' ');
    words.iter().all(|word| wanted.next().is_some_and(|next| next == "*" || word.is(next))) && wanted.next().is_some()
}

/// What stands beside rulebases and objects.
pub(super) fn check(words: &[Word<'_>]) -> Result<(), ParseError> {
    if let Some((start, why)) = FILTERS.iter().find(|(start, _)| begins(words, start)) {
        let length = start.split(' ').count();
        let shown: Vec<&str> = words.iter().take(length).map(|word| word.text).collect();
        let place = words.get(length - 1).or(words.first());
        return place.map_or(Ok(()), |place| Err(decides(*place, &shown.join(" "), why)));
    }
    // A name alone: a zone without anything, a part that is empty.
    let is_alone =
        UNRELATED.iter().any(|known| leads_to(words, known)) || FILTERS.iter().any(|(known, _)| leads_to(words, known));
    let is_named = words.len() == 2 && words.first().is_some_and(|word| word.is("zone"));
    if is_alone || is_named || is_unrelated(words) {
        return Ok(());
    }
    let advice = "if it filters, changes or turns no packets, cut it out: what counts are security rules, addresses and services of one \
                  virtual system";
    Err(words.first().map_or_else(
        || ParseError { line: 1, column: 1, what: "a line without words".into(), advice: "leave it out".into() },
        |word| word.unknown("a part of the configuration", advice),
    ))
}

fn decides(place: Word<'_>, what: &str, why: &str) -> ParseError {
    let advice = format!("{why}; cut it out only if what the rules do is to be proven without it");
    place.error(format!("`{what}` decides about packets too"), advice)
}

/// Rules of rulebases beside security.
#[derive(Debug, Default)]
pub(super) struct Others<'a> {
    rules: BTreeMap<(&'a str, &'a str), Other<'a>>,
}

#[derive(Debug)]
struct Other<'a> {
    name: Word<'a>,
    why: Option<&'static str>,
    is_disabled: bool,
}

impl<'a> Others<'a> {
    /// What follows a rulebase: `nat rules NAME ...`.
    pub fn add(&mut self, words: &[Word<'a>]) -> Result<(), ParseError> {
        let [kind, rest @ ..] = words else { return Ok(()) };
        let known = RULEBASES.iter().find(|(name, ..)| kind.is(name));
        if known.is_none() && !IDLE_RULEBASES.contains(&kind.text) {
            return Err(kind.unknown("a rulebase", "if it filters, changes or turns no packets, cut it out"));
        }
        let (Some((_, marks, why)), [_, name, rest @ ..]) = (known, rest) else { return Ok(()) };
        let rule = self.rules.entry((kind.text, name.text)).or_insert(Other { name: *name, why: None, is_disabled: false });
        rule.is_disabled |= rest.windows(2).any(|pair| pair[0].is("disabled") && pair[1].is("yes"));
        if marks.is_empty() || rest.iter().any(|word| marks.contains(&word.text)) {
            rule.why = Some(why);
        }
        Ok(())
    }

    /// That none of them decides.
    pub fn finish(&self) -> Result<(), ParseError> {
        let in_force = self.rules.iter().filter(|(_, rule)| !rule.is_disabled);
        let deciding = in_force.filter_map(|((kind, _), rule)| Some((kind, rule.name, rule.why?)));
        match deciding.min_by_key(|(_, name, _)| (name.line, name.column)) {
            Some((kind, name, why)) => Err(decides(name, &format!("{kind} rules {}", name.text), why)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_name_nothing_twice() {
        let filters: Vec<&str> = FILTERS.iter().map(|(start, _)| *start).collect();
        let rulebases: Vec<&str> = RULEBASES.iter().map(|(name, ..)| *name).collect();
        for table in [&filters[..], &rulebases, UNRELATED, IDLE_RULEBASES] {
            assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
        }
    }
}

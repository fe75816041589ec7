//! Dialects whose lists have numbered entries, and their words for a change. To add one: a line in `SYNTAXES`.

use super::NotUpdated;
use crate::target::Target;
use crate::{arista_eos, aruba_aoscx, cisco_ios, cisco_nxos};

/// How a dialect says a change. Pairs are for IPv4 and IPv6.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    name: &'static str,
    /// Before a list's name.
    pub header: [&'static str; 2],
    /// Before an entry's number.
    pub number: [&'static str; 2],
    pub resequence: [Resequence; 2],
    /// Before a list's name, where it is bound.
    pub bind: [&'static [&'static str]; 2],
    /// Remarks are entries with numbers on every release.
    pub numbers_remarks: bool,
    /// Why a bound list is never changed.
    pub never_in_place: Option<&'static str>,
}

/// The command that gives new numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resequence {
    /// None that all releases know.
    None,
    /// In the list's own mode: word, start, step.
    InList(&'static str),
    /// Words, name, start, step.
    Global(&'static str),
}

const SYNTAXES: [Syntax; 4] = [
    // EOS User Manual, "ACLs and Route Maps", `resequence`. Changes are taken in when the list's mode is left: fewer states than steps.
    Syntax {
        name: arista_eos::TARGET.name,
        header: ["ip access-list", "ipv6 access-list"],
        number: ["", ""],
        resequence: [Resequence::InList("resequence"), Resequence::InList("resequence")],
        bind: [&["ip access-group"], &["ipv6 access-group"]],
        numbers_remarks: true,
        never_in_place: None,
    },
    Syntax {
        name: aruba_aoscx::TARGET.name,
        header: ["access-list ip", "access-list ipv6"],
        number: ["", ""],
        resequence: [Resequence::None, Resequence::None],
        bind: [&["apply access-list ip"], &["apply access-list ipv6"]],
        numbers_remarks: false,
        never_in_place: Some("its vendor says that packets may pass a bound list while it is changed"),
    },
    // IOS Security Configuration Guide, "IP Access List Entry Sequence Numbering".
    Syntax {
        name: cisco_ios::TARGET.name,
        header: ["ip access-list extended", "ipv6 access-list"],
        number: ["", "sequence "],
        resequence: [Resequence::Global("ip access-list resequence"), Resequence::None],
        bind: [&["ip access-group"], &["ipv6 traffic-filter"]],
        numbers_remarks: false,
        never_in_place: None,
    },
    // Nexus 9000 Series Security Configuration Guide, "Changing Sequence Numbers in an IP ACL".
    Syntax {
        name: cisco_nxos::TARGET.name,
        header: ["ip access-list", "ipv6 access-list"],
        number: ["", ""],
        resequence: [Resequence::Global("resequence ip access-list"), Resequence::Global("resequence ipv6 access-list")],
        bind: [&["ip access-group", "ip port access-group"], &["ipv6 traffic-filter", "ipv6 port traffic-filter"]],
        numbers_remarks: true,
        never_in_place: None,
    },
];

pub(super) fn of(target: &Target) -> Result<&'static Syntax, NotUpdated> {
    let known = || SYNTAXES.map(|syntax| syntax.name).join(", ");
    SYNTAXES.iter().find(|syntax| syntax.name == target.name).ok_or_else(|| NotUpdated::Dialect(target.name, known()))
}

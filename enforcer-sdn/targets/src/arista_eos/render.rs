//! A ruleset as two access lists, numbered as the device shows them.

use enforcer_policy::Ruleset;

use crate::list_entries::{NumberedLists, Style, by_length, list_name};
use crate::list_times::TimeWords;
use crate::target::{RenderError, RenderOptions, Rendering};

const LISTS: NumberedLists = NumberedLists {
    style: Style {
        target: "arista-eos",
        any: ["ip", "ipv6"],
        icmp: ["icmp", "icmpv6"],
        address: by_length,
        kind: |kind, code| code.map_or_else(|| format!(" {kind}"), |code| format!(" {kind} {code}")),
        sctp_ports: false,
        times: TimeWords::None,
    },
    indent: "   ",
    counters: "counters per-entry",
    end: Some("!"),
};

/// With its ending it is a name on every release.
const LONGEST_NAME: usize = 32;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    LISTS.render(ruleset, list_name(options, LISTS.style.target, LONGEST_NAME)?)
}

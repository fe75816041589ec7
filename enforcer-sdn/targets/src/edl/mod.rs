//! External dynamic lists, also called threat feeds: plain texts of addresses that a firewall fetches and uses in a rule of its own.
//!
//! Words that differ: a text is a set of addresses and says nothing of what becomes of them, so there are two dialects. `edl-deny`
//! is a list whose hosts may neither send nor receive anything, and touches nobody else. `edl-allow` is a list of which one end of
//! every packet must be. A list is of one IP version and says nothing about the other: for both, compile the versions apart. A line is an
//! address, a prefix, or `FIRST-LAST`; behind a blank, or alone on a line, a comment begins with `#`, `;` or `//`. What stands behind
//! a blank otherwise some firewalls take for a comment too (PAN-OS does) and others for a mistake, so it is refused; so are host bits, and
//! masks in dots. An empty list is refused: to some rules it is everybody. Ports, protocols, states and logs are the firewall's rule's.
//!
//! Sources: the formatting guidelines of PAN-OS for IP address lists, and FortiOS' IP address threat feeds. Checked by parse-back alone.

mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, OwnNames, ParseError, Parsed, RenderError, RenderOptions, Rendering, Target};
use enforcer_policy::Ruleset;

/// What the firewall's rule does with the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Allow,
    Deny,
}

const CAPABILITY: Capability = Capability { ipv6: true, ..Capability::LEAST };

/// Only these hosts.
pub const ALLOW: Target = Target {
    name: "edl-allow",
    title: "external dynamic list of the hosts that may speak",
    capability: CAPABILITY,
    render: render_allow,
    parse: parse_allow,
    own_names: OwnNames::None,
    cost: cost::lines,
};

/// All but these hosts.
pub const DENY: Target = Target {
    name: "edl-deny",
    title: "external dynamic list of hosts that are shut out",
    capability: CAPABILITY,
    render: render_deny,
    parse: parse_deny,
    own_names: OwnNames::None,
    cost: cost::lines,
};

fn render_allow(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    render::render(ruleset, Use::Allow)
}

fn render_deny(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    render::render(ruleset, Use::Deny)
}

fn parse_allow(text: &str) -> Result<Parsed, ParseError> {
    parse::parse(text, Use::Allow)
}

fn parse_deny(text: &str) -> Result<Parsed, ParseError> {
    parse::parse(text, Use::Deny)
}

//! A ruleset about one zone as a file for its devices: the same text every time.

use std::fmt::Write as _;

use enforcer_packetset::{AddressSet, FlagSet, Selector, StateSet};
use enforcer_policy::{PointRule, Ruleset};

use super::{ADDRESSES, MODULE};
use crate::around::{Allowed, Around};
use crate::product::{Product, Writing};
use crate::rfc8519::{self, ace};
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

const TARGET: &str = "mud";
/// Of 64 characters, four are the list's.
const LONGEST_NAME: usize = 60;

/// The two ways, with the ending of their lists' names and the other way.
const WAYS: [(&str, &str, &str); 2] = [("from-device", "fr", "to-device"), ("to-device", "to", "from-device")];

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    for (what, text) in [("list", &options.name), ("point", &ruleset.point)] {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        if text.is_empty() || text.len() > LONGEST_NAME || !text.chars().all(is_plain) {
            return Err(RenderError {
                rule: format!("({what})"),
                target: TARGET,
                feature: format!("the name `{text}`"),
                advice: "use letters, digits, `-`, `_` and `.`, at most 60".into(),
            });
        }
    }
    for rule in &ruleset.rules {
        Writing { target: TARGET, rule }.check_stateless()?;
    }
    let around = Around::of(TARGET, ruleset, &ruleset.rules)?;
    let (Some(outgoing), Some(incoming)) = (&around.outgoing, &around.incoming) else {
        return Err(RenderError {
            rule: ruleset.rules.last().map_or_else(|| "(ruleset)".into(), |rule| rule.id.clone()),
            target: TARGET,
            feature: "a way that is left open".into(),
            advice: "deny the rest both to the zone and from it".into(),
        });
    };
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    head(&mut out, ruleset, &options.name, &around.hosts);
    out.line(&format!("  \"{}:acls\": {{", rfc8519::MODULE), None);
    out.line("    \"acl\": [", None);
    for ((way, ending, against), allowed) in WAYS.into_iter().zip([outgoing, incoming]) {
        for (version, is_ipv6) in [("v4", false), ("v6", true)] {
            let mut entries: Vec<(String, &str)> = Vec::new();
            for allowed in allowed {
                let lines = lines(allowed, way, against, is_ipv6)?;
                let names = ace::names(&allowed.rule.id, lines.len());
                let lines = names.iter().zip(&lines).map(|(name, matches)| ace::entry(name, matches, "accept", false));
                entries.extend(lines.map(|line| (line, allowed.rule.id.as_str())));
            }
            out.line("      {", None);
            out.line(&format!("        \"name\": \"{}-{version}{ending}\",", options.name), None);
            out.line(&format!("        \"type\": \"ip{version}-acl-type\","), None);
            out.line("        \"aces\": {", None);
            out.line("          \"ace\": [", None);
            let last = entries.len();
            for (at, (text, rule)) in (1..).zip(entries) {
                out.line(&format!("            {text}{}", if at == last { "" } else { "," }), Some(rule));
            }
            out.line("          ]", None);
            out.line("        }", None);
            out.line(if is_ipv6 && way == "to-device" { "      }" } else { "      }," }, None);
        }
    }
    for text in ["    ]", "  }", "}"] {
        out.line(text, None);
    }
    Ok(out.rendering)
}

fn head(out: &mut Writer, ruleset: &Ruleset, name: &str, hosts: &AddressSet) {
    let prefixes: Vec<String> = hosts.prefixes().iter().map(ToString::to_string).collect();
    out.line("{", None);
    out.line(&format!("  \"{MODULE}:mud\": {{"), None);
    out.line("    \"mud-version\": 1,", None);
    out.line(&format!("    \"mud-url\": \"https://cordon.invalid/{}\",", ruleset.point), None);
    out.line("    \"last-update\": \"1970-01-01T00:00:00Z\",", None);
    out.line("    \"is-supported\": true,", None);
    out.line(&format!("    \"systeminfo\": \"{}, {ADDRESSES} {}\",", ruleset.point, prefixes.join(" ")), None);
    for (way, ending, _) in WAYS {
        let lists: Vec<String> =
            ["v4", "v6"].iter().map(|version| format!("{{\"name\": \"{name}-{version}{ending}\"}}")).collect();
        let comma = if way == "to-device" { "" } else { "," };
        out.line(
            &format!("    \"{way}-policy\": {{\"access-lists\": {{\"access-list\": [{}]}}}}{comma}", lists.join(", ")),
            None,
        );
    }
    out.line("  },", None);
}

/// The `matches` of what one rule allows in one list; the Thing's own side stays unsaid.
fn lines(allowed: &Allowed<'_>, way: &str, against: &str, is_ipv6: bool) -> Result<Vec<String>, RenderError> {
    let (mut source, mut destination) = (AddressSet::full(), AddressSet::full());
    if way == "from-device" {
        destination.clone_from(&allowed.peers)
    } else {
        source.clone_from(&allowed.peers)
    }
    let rule = PointRule {
        selector: Selector {
            source,
            destination,
            l4: allowed.l4.clone(),
            flags: allowed.flags,
            state: StateSet::Any,
            ..Selector::any()
        },
        ..allowed.rule.clone()
    };
    let writing = Writing { target: TARGET, rule: &rule };
    let mut lines = Vec::new();
    for product in writing.products(is_ipv6)? {
        let mut more = Vec::new();
        if product.flags == FlagSet::ack_or_rst() {
            more.push(format!("\"{MODULE}:direction-initiated\": \"{against}\""));
        } else if !product.flags.is_full() {
            return Err(writing.cannot("these TCP flags", "only who opens a connection has a word"));
        }
        lines.push(ace::matches(writing, &Product { flags: FlagSet::full(), ..product }, &more)?);
    }
    Ok(lines)
}

struct Writer {
    rendering: Rendering,
    line: usize,
}

impl Writer {
    fn line(&mut self, text: &str, rule: Option<&str>) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
        if let Some(rule) = rule {
            self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.into() });
        }
    }
}

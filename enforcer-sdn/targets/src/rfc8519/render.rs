//! A ruleset as two lists, each entry on a line of its own: the same text every time.

use std::fmt::Write as _;

use enforcer_policy::{Action, Ruleset};

use super::{MODULE, ace};
use crate::product::Writing;
use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

/// Of 64 characters, three are the IP version's.
const LONGEST_NAME: usize = 61;

/// Entries with their rules.
type Entries<'a> = Vec<(String, Option<&'a str>)>;

pub(super) fn render(ruleset: &Ruleset, options: &RenderOptions) -> Result<Rendering, RenderError> {
    let name = &options.name;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
        return Err(RenderError {
            rule: "(list)".into(),
            target: "rfc8519",
            feature: format!("the list name `{name}`"),
            advice: "use letters, digits, `-`, `_` and `.`, at most 61".into(),
        });
    }
    let mut out = Writer { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 };
    out.line("{", None);
    out.line(&format!("  \"{MODULE}:acls\": {{"), None);
    out.line("    \"acl\": [", None);
    for (version, is_ipv6) in [("v4", false), ("v6", true)] {
        out.line("      {", None);
        out.line(&format!("        \"name\": \"{name}-{version}\","), None);
        out.line(&format!("        \"type\": \"ip{version}-acl-type\","), None);
        out.line("        \"aces\": {", None);
        out.line("          \"ace\": [", None);
        let entries = entries(ruleset, is_ipv6)?;
        let last = entries.len() - 1;
        for (at, (text, rule)) in entries.into_iter().enumerate() {
            out.line(&format!("            {text}{}", if at == last { "" } else { "," }), rule);
        }
        out.line("          ]", None);
        out.line("        }", None);
        out.line(if is_ipv6 { "      }" } else { "      }," }, None);
    }
    for text in ["    ]", "  }", "}"] {
        out.line(text, None);
    }
    Ok(out.rendering)
}

fn entries(ruleset: &Ruleset, is_ipv6: bool) -> Result<Entries<'_>, RenderError> {
    let mut entries: Entries<'_> = Vec::new();
    for rule in &ruleset.rules {
        let writing = Writing { target: "rfc8519", rule };
        writing.check_stateless()?;
        let forwarding = match rule.action {
            Action::Allow => "accept",
            Action::Deny => "drop",
            Action::Log => return Err(writing.cannot("a log without a verdict", "put the zone in another mode")),
        };
        let products = writing.products(is_ipv6)?;
        for (name, product) in ace::names(&rule.id, products.len()).into_iter().zip(&products) {
            let matches = ace::matches(writing, product, &[])?;
            entries.push((ace::entry(&name, &matches, forwarding, rule.log), Some(&rule.id)));
        }
    }
    // What no rule decides is allowed; what a device does at the end of a list, nobody knows.
    entries.push((ace::entry("no_opinion", "", "accept", false), None));
    Ok(entries)
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

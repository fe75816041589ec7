//! A ruleset as two lists, each entry on a line of its own: the same text every time.

use enforcer_policy::Ruleset;

use super::{MODULE, ace};
use crate::lines::Lines;
use crate::product::Writing;
use crate::target::{RenderError, RenderOptions, Rendering};

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
    let mut out = Lines::new();
    out.push("{", None);
    out.push(&format!("  \"{MODULE}:acls\": {{"), None);
    out.push("    \"acl\": [", None);
    for (version, is_ipv6) in [("v4", false), ("v6", true)] {
        out.push("      {", None);
        out.push(&format!("        \"name\": \"{name}-{version}\","), None);
        out.push(&format!("        \"type\": \"ip{version}-acl-type\","), None);
        out.push("        \"aces\": {", None);
        out.push("          \"ace\": [", None);
        out.elements(12, entries(ruleset, is_ipv6)?);
        out.push("          ]", None);
        out.push("        }", None);
        out.push(if is_ipv6 { "      }" } else { "      }," }, None);
    }
    for text in ["    ]", "  }", "}"] {
        out.push(text, None);
    }
    Ok(out.done())
}

fn entries(ruleset: &Ruleset, is_ipv6: bool) -> Result<Entries<'_>, RenderError> {
    let mut entries: Entries<'_> = Vec::new();
    for rule in &ruleset.rules {
        let writing = Writing { target: "rfc8519", rule };
        writing.check_stateless()?;
        let forwarding = writing.verdict("accept", "drop")?;
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

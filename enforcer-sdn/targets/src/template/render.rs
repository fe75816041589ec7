//! A ruleset as the dialect's text. What the dialect cannot say is an error: never leave a part of a rule out.

use std::fmt::Write as _;

use enforcer_packetset::Selector;
use enforcer_policy::{Action, PointRule, Ruleset};

use crate::target::{RenderError, RenderOptions, RenderedLine, Rendering};

pub(super) fn render(ruleset: &Ruleset, _: &RenderOptions) -> Result<Rendering, RenderError> {
    let mut rendering = Rendering { text: String::new(), lines: Vec::new() };
    for rule in &ruleset.rules {
        let verb = verb(rule)?;
        for source in rule.selector.source.prefixes() {
            for destination in rule.selector.destination.prefixes() {
                // A pair of two IP versions selects nothing.
                if source.network().is_ipv4() == destination.network().is_ipv4() {
                    let _ = writeln!(rendering.text, "{verb} {source} {destination}");
                    rendering.lines.push(RenderedLine { line: rendering.lines.len() + 1, rule: rule.id.clone() });
                }
            }
        }
    }
    Ok(rendering)
}

fn verb(rule: &PointRule) -> Result<&'static str, RenderError> {
    let Selector { source, destination, .. } = &rule.selector;
    let bare = Selector { source: source.clone(), destination: destination.clone(), ..Selector::any() };
    match rule.action {
        Action::Allow if bare == rule.selector && !rule.log => Ok("allow"),
        Action::Deny if bare == rule.selector && !rule.log => Ok("deny"),
        _ => Err(RenderError {
            rule: rule.id.clone(),
            target: "template",
            feature: "more than two addresses".into(),
            advice: "use another dialect".into(),
        }),
    }
}

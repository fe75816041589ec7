//! Rules that no packet can match.

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::document::{Peer, Rule};
use crate::resolve::Resolution;
use crate::{semantics, service};

pub const LINT: Lint = Lint { code: "unreachable", finds: "a rule that no packet can match", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let rules = context.policy.rules.iter().filter(|rule| semantics::is_alive(rule, context.now));
    rules
        .filter_map(|rule| {
            let (why, help) = reason(context, rule)?;
            let message = format!("rule `{}` can match no packet: {why}", rule.name.value);
            Some(Diagnostic::warning(LINT.code, message).at(&context.policy.sources, &rule.name.span).help(help))
        })
        .collect()
}

fn reason(context: &Context, rule: &Rule) -> Option<(&'static str, &'static str)> {
    if rule.from.value == [Peer::Outside] && rule.to.value == [Peer::Outside] {
        return Some(("a policy has no opinion on what is outside its zones", "name a zone on one side"));
    }
    // Zones without a map are not known well enough.
    let resolution = context.resolution.as_ref().ok().filter(|_| context.map.is_some())?;
    let meets = |is_ipv4: bool| {
        has_family(resolution, &rule.from, is_ipv4)
            && has_family(resolution, &rule.to, is_ipv4)
            && rule.l4.iter().any(|l4| service::speaks(l4, is_ipv4))
    };
    let why = "its two sides and its services share no address family, or one side has no members";
    (!meets(true) && !meets(false)).then_some((why, "look at the members of its zones"))
}

fn has_family(resolution: &Resolution, peers: &[Peer], is_ipv4: bool) -> bool {
    peers.iter().any(|peer| match peer {
        Peer::Any | Peer::Outside => true,
        Peer::Zone(at) => resolution
            .zones
            .get(*at)
            .is_some_and(|zone| if is_ipv4 { !zone.addresses.v4.is_empty() } else { !zone.addresses.v6.is_empty() }),
    })
}

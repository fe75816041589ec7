//! Zones that take in an asset because of something that only a port number suggests.

use sensor_model::{Asset, Claim, Strength};

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;
use crate::document::Member;
use crate::resolve::selects;

pub const LINT: Lint = Lint { code: "weak-identity", finds: "a selector that depends on what only a port number suggests", run };

fn run(context: &Context) -> Vec<Diagnostic> {
    let Some(map) = context.map else { return Vec::new() };
    let mut found = Vec::new();
    for zone in &context.policy.zones {
        for member in zone.members.iter().chain(&zone.except).filter(|member| !member.is_prefix_only()) {
            let weak: Vec<(&Asset, &str)> = map
                .assets
                .iter()
                .filter(|asset| selects(member, asset))
                .filter_map(|asset| Some((asset, weak_part(member, asset)?)))
                .collect();
            let Some((first, part)) = weak.first() else { continue };
            let more = if weak.len() > 1 { format!(" and {} more", weak.len() - 1) } else { String::new() };
            let message = format!(
                "zone `{}` selects `{}`{more} by a {part} that only a port number suggests",
                zone.name.value,
                first.label.escape_debug()
            );
            found.push(
                Diagnostic::warning(LINT.code, message)
                    .at(&context.policy.sources, &member.span)
                    .help("name the assets with `- asset:`, or add a second key such as `prefix:` or `mac:`"),
            );
        }
    }
    found
}

/// The weak key, where no stronger one pins the asset down.
fn weak_part(member: &Member, asset: &Asset) -> Option<&'static str> {
    let weak = |claim: &Option<Claim>| claim.as_ref().is_some_and(|claim| claim.strength == Strength::Port);
    if member.asset.is_some() || member.mac.is_some() || member.prefix.is_some() {
        None
    } else if member.role.is_some() && weak(&asset.role) {
        Some("role")
    } else if member.vendor.is_some() && weak(&asset.vendor) {
        Some("vendor")
    } else {
        None
    }
}

//! Assets of ours that no zone has: the policy does not speak of them.

use sensor_model::{Asset, Scope};

use super::{Context, Lint};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint { code: "asset-in-no-zone", finds: "an internal asset that is in no zone", run };

/// Names in one message.
const MAX_NAMED: usize = 10;

fn run(context: &Context) -> Vec<Diagnostic> {
    let (Ok(resolution), Some(map)) = (&context.resolution, context.map) else { return Vec::new() };
    let stray = |asset: &&Asset| {
        let addresses = resolution.addresses_of(&asset.id);
        asset.scope == Scope::Internal && !addresses.iter().any(|address| resolution.zone_of(*address).is_some())
    };
    let (with_address, without): (Vec<&Asset>, Vec<&Asset>) =
        map.assets.iter().filter(stray).partition(|asset| !resolution.addresses_of(&asset.id).is_empty());
    let mut found = Vec::new();
    if !with_address.is_empty() {
        let message = format!("{} in no zone: {}", assets(with_address.len()), names(&with_address));
        found.push(Diagnostic::warning(LINT.code, message).help(
            "put each into a zone (`- asset: NAME` or `- prefix: ...`); until then it may reach only what `any` and `outside` may",
        ));
    }
    if !without.is_empty() {
        let message = format!("{} without an IP address of its own: {}", assets(without.len()), names(&without));
        let help = "rules are about addresses, so no zone can hold them; look whether the tap sees more than their broadcasts";
        found.push(Diagnostic::note(LINT.code, message).help(help));
    }
    found
}

fn assets(count: usize) -> String {
    if count == 1 { "1 asset".to_owned() } else { format!("{count} assets") }
}

fn names(assets: &[&Asset]) -> String {
    let shown = assets.iter().take(MAX_NAMED).map(|asset| format!("`{}`", asset.label.escape_debug()));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match assets.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{shown} and {more} more"),
        None => shown,
    }
}

//! `sensor assets`: who is there, and how we know.

use anyhow::Result;
use sensor_model::{Asset, Claim, FlowMap};

use super::table::short_time;
use super::{Format, print_json, print_table};

pub fn show(map: &FlowMap, format: Format) -> Result<()> {
    if format == Format::Json {
        return print_json(&map.assets);
    }
    print_table(
        &["asset.", "addresses.", "MAC.", "vendor", "role.", "because of", "seen.", "last seen."],
        map.assets.iter().map(|asset| {
            vec![
                asset.label.clone(),
                addresses(asset),
                short_list(asset.macs.iter().map(ToString::to_string)),
                value(asset.vendor.as_ref()),
                value(asset.role.as_ref()),
                reasons(asset),
                asset.coverage.visibility.as_str().to_owned(),
                short_time(asset.last_seen),
            ]
        }),
    )
}

fn addresses(asset: &Asset) -> String {
    short_list(asset.addresses.iter().map(|used| used.address.to_string()))
}

/// The first two, and how many more.
fn short_list(items: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = items.collect();
    match all.as_slice() {
        [first, second, more @ ..] if !more.is_empty() => format!("{first} {second} +{}", more.len()),
        _ => all.join(" "),
    }
}

fn value(claim: Option<&Claim>) -> String {
    claim.map(|claim| claim.value.clone()).unwrap_or_default()
}

/// Who said what is claimed: `oui`, `modbus confirmed`.
fn reasons(asset: &Asset) -> String {
    let claims = [&asset.vendor, &asset.role, &asset.model, &asset.operating_system];
    let mut reasons: Vec<&str> = claims.into_iter().flatten().map(|claim| claim.source.as_str()).collect();
    reasons.extend(asset.names.first().map(|name| name.source.as_str()));
    reasons.sort_unstable();
    reasons.dedup();
    reasons.join(" ")
}

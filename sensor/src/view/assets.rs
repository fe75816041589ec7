//! `sensor assets`: who is there, and how we know.

use anyhow::Result;
use sensor_model::{Asset, Claim, FlowMap, Scope, Strength};

use super::{Format, print, print_json, print_table};

pub fn show(map: &FlowMap, format: Format) -> Result<()> {
    if format == Format::Json {
        return print_json(&map.assets);
    }
    let hosts = map.assets.iter().filter(|asset| asset.scope != Scope::Group);
    print_table(
        &["asset.", "addresses.", "MAC.", "vendor, model", "role.", "because of", "seen."],
        hosts.map(|asset| {
            vec![
                asset.label.clone(),
                addresses(asset),
                short_list(asset.macs.iter().map(ToString::to_string)),
                make(asset),
                role(asset),
                reasons(asset),
                asset.coverage.visibility.as_str().to_owned(),
            ]
        }),
    )?;
    let groups = map.assets.iter().filter(|asset| asset.scope == Scope::Group).count();
    if groups == 0 { Ok(()) } else { print(&format!("and {groups} broadcast or multicast addresses (-o json lists them)\n")) }
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

/// Room for a vendor's name; registered names run to 100 characters.
const VENDOR_CHARS: usize = 20;

/// Vendor and model; where the model begins with the vendor's own name, that is enough.
fn make(asset: &Asset) -> String {
    let vendor = asset.vendor.as_ref().map(|claim| short_name(&claim.value));
    let model = asset.model.as_ref().map(|claim| claim.value.clone());
    match (vendor, model) {
        (Some(vendor), Some(model)) if vendor.split(' ').next().is_some_and(|word| model.starts_with(word)) => model,
        (vendor, model) => vendor.into_iter().chain(model).collect::<Vec<_>>().join(", "),
    }
}

/// The first words that fit.
fn short_name(name: &str) -> String {
    let mut short = String::new();
    for word in name.split_whitespace() {
        if !short.is_empty() && short.chars().count() + 1 + word.chars().count() > VENDOR_CHARS {
            break;
        }
        short.extend((!short.is_empty()).then_some(' '));
        short.push_str(word);
    }
    short.trim_end_matches(',').to_owned()
}

/// A role that a port number alone suggests has a question mark.
fn role(asset: &Asset) -> String {
    let doubt = |claim: &Claim| if claim.strength == Strength::Port { "?" } else { "" };
    asset.role.as_ref().map(|claim| format!("{}{}", claim.value, doubt(claim))).unwrap_or_default()
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

//! `sensor why ASSET`: everything that is believed of one asset, with the evidence and its strength.

use anyhow::{Result, bail};
use sensor_model::{Asset, Conversation, DuplicatePath, FlowMap, Strength};
use serde::Serialize;

use super::conversations::{label, labels, service};
use super::copies;
use super::table::{print, short_time};
use super::{Format, print_json, print_table};

#[derive(Serialize)]
struct Answer<'a> {
    asset: &'a Asset,
    conversations: Vec<&'a Conversation>,
}

pub fn show(map: &FlowMap, wanted: &str, format: Format) -> Result<()> {
    let asset = find(map, wanted)?;
    let conversations = map.conversations.iter().filter(|c| c.client == asset.id || c.server == asset.id).collect();
    let answer = Answer { asset, conversations };
    if format == Format::Json {
        return print_json(&answer);
    }
    print(&format!(
        "{} ({}), first seen {}, seen {}\n",
        asset.label,
        asset.id,
        short_time(asset.first_seen),
        asset.coverage.visibility.as_str()
    ))?;
    let claims = [
        ("vendor", &asset.vendor),
        ("model", &asset.model),
        ("role", &asset.role),
        ("operating system", &asset.operating_system),
    ];
    let claims = claims.into_iter().filter_map(|(what, claim)| claim.as_ref().map(|claim| (what, claim)));
    let names = asset.names.iter().map(|claim| ("name", claim));
    print_table(
        &["we say", "value", "strength", "because of"],
        claims.chain(names).map(|(what, claim)| {
            vec![what.to_owned(), claim.value.clone(), strength(claim.strength).to_owned(), claim.source.clone()]
        }),
    )?;
    print_table(
        &["evidence.", "value", "strength.", "source.", "times.", "first seen.", "last seen."],
        asset.evidence.iter().map(|evidence| {
            vec![
                evidence.kind.to_string(),
                evidence.value.clone(),
                strength(evidence.strength).to_owned(),
                evidence.source.clone(),
                evidence.times.to_string(),
                short_time(evidence.first_seen),
                short_time(evidence.last_seen),
            ]
        }),
    )?;
    let addresses = || asset.addresses.iter().map(|used| used.address);
    let concerns = |path: &&DuplicatePath| addresses().any(|one| path.sources.contains(one) || path.destinations.contains(one));
    print(&copies::lines(map.coverage.duplicates.iter().filter(concerns)))?;
    let labels = labels(map);
    print_table(
        &["client.", "server.", "service", "flows.", "answered.", "last seen."],
        answer.conversations.iter().map(|conversation| {
            vec![
                label(&labels, &conversation.client),
                label(&labels, &conversation.server),
                service(conversation),
                conversation.flows.to_string(),
                conversation.answered_flows.to_string(),
                short_time(conversation.last_seen),
            ]
        }),
    )
}

/// By id, label, address, MAC or name.
pub fn find<'a>(map: &'a FlowMap, wanted: &str) -> Result<&'a Asset> {
    let is_wanted = |asset: &&Asset| {
        asset.id.as_str() == wanted
            || asset.label == wanted
            || asset.addresses.iter().any(|used| used.address.to_string() == wanted)
            || asset.macs.iter().any(|mac| mac.to_string().eq_ignore_ascii_case(wanted))
            || asset.names.iter().any(|name| name.value == wanted)
    };
    if let Some(asset) = map.assets.iter().find(is_wanted) {
        return Ok(asset);
    }
    let nearest = map.assets.iter().min_by_key(|asset| strsim::damerau_levenshtein(&asset.label, wanted));
    match nearest.filter(|asset| strsim::damerau_levenshtein(&asset.label, wanted) <= 3) {
        Some(asset) => bail!("unknown asset `{wanted}`; did you mean `{}`? `sensor assets` lists all", asset.label),
        None => bail!("unknown asset `{wanted}`; `sensor assets` lists all"),
    }
}

const fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Port => "port",
        Strength::Probable => "probable",
        Strength::Confirmed => "confirmed",
    }
}

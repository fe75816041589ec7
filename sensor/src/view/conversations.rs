//! `sensor conversations`: who asks whom for what, how often and when.

use std::collections::HashMap;

use anyhow::Result;
use sensor_model::{AssetId, Conversation, FlowMap, Strength};

use super::table::{short_bytes, short_time};
use super::{Format, print_json, print_table};

pub fn show(map: &FlowMap, format: Format) -> Result<()> {
    if format == Format::Json {
        return print_json(&map.conversations);
    }
    let labels = labels(map);
    print_table(
        &["client.", "server.", "service", "answered.", "packets.", "bytes.", "first seen.", "last seen."],
        map.conversations.iter().map(|conversation| {
            vec![
                label(&labels, &conversation.client),
                label(&labels, &conversation.server),
                format!("{}\n{}", service(conversation), operations(conversation)).trim_end().to_owned(),
                format!("{} of {}", conversation.answered_flows, conversation.flows),
                (conversation.packets.client + conversation.packets.server).to_string(),
                short_bytes(conversation.bytes.client + conversation.bytes.server),
                short_time(conversation.first_seen).chars().take("2026-01-31".len()).collect(),
                short_time(conversation.last_seen),
            ]
        }),
    )
}

pub fn labels(map: &FlowMap) -> HashMap<&AssetId, &str> {
    map.assets.iter().map(|asset| (&asset.id, asset.label.as_str())).collect()
}

pub fn label(labels: &HashMap<&AssetId, &str>, id: &AssetId) -> String {
    labels.get(id).map_or_else(|| id.to_string(), |label| (*label).to_owned())
}

/// A name that only the port suggests has a question mark.
pub fn service(conversation: &Conversation) -> String {
    let guessed = conversation.service.name_strength == Some(Strength::Port);
    format!("{}{}", conversation.service, if guessed { "?" } else { "" })
}

/// The commonest two.
pub fn operations(conversation: &Conversation) -> String {
    let mut all: Vec<_> = conversation.operations.iter().collect();
    all.sort_by_key(|operation| std::cmp::Reverse(operation.times));
    let prefix = conversation.service.name.as_ref().map(|name| format!("{name}.")).unwrap_or_default();
    let short = |name: &str| name.strip_prefix(&prefix).unwrap_or(name).to_owned();
    let shown: Vec<String> =
        all.iter().take(2).map(|operation| format!("{} x{}", short(&operation.name), operation.times)).collect();
    let more = all.len().saturating_sub(2);
    if more > 0 { format!("{} +{more}", shown.join(" ")) } else { shown.join(" ") }
}

//! What people call an asset: names in order of trust, and labels that are unique.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sensor_model::{Asset, Claim, Evidence, FactKind};

use crate::dossier::{Dossier, claim, weight};

/// Most names kept of an asset.
const MAX_NAMES: usize = 16;

/// Lower is better: what the host calls itself to its administrators, then to its neighbours, then what others call it.
fn rank(piece: &Evidence) -> Option<u8> {
    match (piece.kind, piece.source.as_str()) {
        (FactKind::Hostname, "mdns" | "llmnr") => Some(1),
        (FactKind::Hostname, "nbns") => Some(3),
        (FactKind::Hostname, _) => Some(0),
        (FactKind::DnsName, _) => Some(2),
        (FactKind::ServerName, _) => Some(4),
        _ => None,
    }
}

/// Best first, each name once.
pub(crate) fn names_of(dossier: &Dossier) -> Vec<Claim> {
    let mut ranked: Vec<(u8, &Evidence)> = dossier.evidence().iter().filter_map(|piece| Some((rank(piece)?, piece))).collect();
    ranked.sort_by_key(|(rank, piece)| (*rank, Reverse(weight(piece))));
    let mut names: Vec<Claim> = Vec::new();
    for (_, piece) in ranked {
        if names.len() < MAX_NAMES && names.iter().all(|name| !name.value.eq_ignore_ascii_case(&piece.value)) {
            names.push(claim(piece));
        }
    }
    names
}

/// Gives every asset its label: the best name, else its first address, else its id. Where two would be the same, `name@address`, then `name@id`.
pub(crate) fn label(assets: &mut [Asset]) {
    for asset in assets.iter_mut() {
        asset.label = match (asset.names.first(), first_address(asset)) {
            (Some(name), _) => name.value.clone(),
            (None, Some(address)) => address,
            (None, None) => asset.id.to_string(),
        };
    }
    for suffix in [first_address, |asset: &Asset| Some(asset.id.to_string())] {
        let mut holders: BTreeMap<String, u32> = BTreeMap::new();
        for asset in assets.iter() {
            *holders.entry(asset.label.to_lowercase()).or_default() += 1;
        }
        for asset in assets.iter_mut().filter(|asset| holders.get(&asset.label.to_lowercase()).is_some_and(|count| *count > 1)) {
            if let Some(suffix) = suffix(asset).filter(|suffix| *suffix != asset.label) {
                let base = asset.names.first().map_or(asset.label.as_str(), |name| name.value.as_str());
                asset.label = format!("{base}@{suffix}");
            }
        }
    }
}

/// IPv4 before IPv6, link-local last: what people would type.
fn first_address(asset: &Asset) -> Option<String> {
    let order = |ip: &std::net::IpAddr| (crate::scope::is_link_local(*ip), ip.is_ipv6(), *ip);
    asset.addresses.iter().map(|used| used.address).min_by_key(order).map(|ip| ip.to_string())
}

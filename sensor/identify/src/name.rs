//! What people call an asset: names in order of trust, and labels that are unique.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use sensor_model::{Asset, Claim, FactKind};

use crate::dossier::{Dossier, Piece, claim, weight};

/// Most names kept of an asset.
const MAX_NAMES: usize = 16;

/// Lower is better: what the host calls itself to its administrators, then to its neighbours, then what others call it.
fn rank(piece: &Piece) -> Option<u8> {
    match (piece.kind, &*piece.source) {
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
    let mut ranked: Vec<(u8, &Piece)> = dossier.evidence().iter().filter_map(|piece| Some((rank(piece)?, piece))).collect();
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
        let shared = shared_labels(assets);
        if shared.is_empty() {
            return;
        }
        for at in shared {
            let Some(asset) = assets.get_mut(at) else { continue };
            if let Some(suffix) = suffix(asset).filter(|suffix| *suffix != asset.label) {
                let base = asset.names.first().map_or(asset.label.as_str(), |name| name.value.as_str());
                asset.label = format!("{base}@{suffix}");
            }
        }
    }
}

/// Places of the assets whose label another one has too, whatever its case.
fn shared_labels(assets: &[Asset]) -> Vec<usize> {
    let mut holders: HashMap<Cow<'_, str>, u32, RandomState> =
        HashMap::with_capacity_and_hasher(assets.len(), RandomState::default());
    for asset in assets {
        *holders.entry(lower_case(&asset.label)).or_default() += 1;
    }
    if holders.len() == assets.len() {
        return Vec::new();
    }
    let is_shared = |asset: &Asset| holders.get(&lower_case(&asset.label)).is_some_and(|count| *count > 1);
    assets.iter().enumerate().filter(|(_, asset)| is_shared(asset)).map(|(at, _)| at).collect()
}

/// Most labels are addresses, and need no copy.
fn lower_case(label: &str) -> Cow<'_, str> {
    if label.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(label)
    } else {
        Cow::Owned(label.to_lowercase())
    }
}

/// IPv4 before IPv6, link-local last: what people would type.
fn first_address(asset: &Asset) -> Option<String> {
    let order = |ip: &std::net::IpAddr| (crate::scope::is_link_local(*ip), ip.is_ipv6(), *ip);
    asset.addresses.iter().map(|used| used.address).min_by_key(order).map(|ip| ip.to_string())
}

//! The inventory as assets: joins what is known of a MAC with what is known of the addresses it owns.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sensor_model::{AddressUse, Asset, AssetId, Claim, Coverage, Evidence, FactKind, MacAddr, Scope, Strength, Timestamp};

use crate::coverage::{Signs, coverage_of, telling_packets};
use crate::dossier::{Dossier, claim, weight};
use crate::inventory::{Inventory, id_of};
use crate::name::{label, names_of};
use crate::oui::vendor_of;
use crate::ownership::forwards_for;
use crate::record::{Counts, IpRecord, Owner, Span};
use crate::role::role_of;
use crate::scope::network_of;
use crate::tap::Standing;

/// What becomes one asset.
struct Draft {
    scope: Scope,
    mac: Option<MacAddr>,
    addresses: Vec<AddressUse>,
    dossier: Dossier,
    counts: Counts,
    signs: Signs,
    gave_sign: bool,
    span: Option<Span>,
}

impl Draft {
    fn new(scope: Scope, mac: Option<MacAddr>) -> Self {
        let (addresses, dossier, counts) = (Vec::new(), Dossier::default(), Counts::default());
        let signs = Signs::default();
        Self { scope, mac, addresses, dossier, counts, signs, gave_sign: mac.is_some(), span: None }
    }

    fn include(&mut self, span: Span) {
        match &mut self.span {
            Some(known) => {
                known.include(span.first);
                known.include(span.last);
            }
            None => self.span = Some(span),
        }
    }

    fn use_address(&mut self, new: AddressUse) {
        match self.addresses.iter_mut().find(|known| known.address == new.address) {
            Some(known) => {
                known.first_seen = known.first_seen.min(new.first_seen);
                known.last_seen = known.last_seen.max(new.last_seen);
            }
            None => self.addresses.push(new),
        }
    }
}

pub(crate) fn assets(inventory: &Inventory) -> Vec<Asset> {
    let limit = inventory.config.max_evidence_an_asset;
    let mut drafts: BTreeMap<AssetId, Draft> = BTreeMap::new();

    // Sorted, because merging dossiers under a limit depends on the order.
    let mut macs: Vec<_> = inventory.macs.iter().collect();
    macs.sort_unstable_by_key(|(mac, _)| **mac);
    for (mac, record) in macs {
        // A link-layer neighbour is ours wherever its packets come from.
        let draft = drafts.entry(AssetId::of_mac(*mac)).or_insert_with(|| Draft::new(Scope::Internal, Some(*mac)));
        draft.dossier.merge(&record.dossier, limit);
        draft.counts.add(record.former_counts);
        draft.signs.add(record.former_signs);
        // What it sent was others': that it has no packets of its own is no gap.
        draft.gave_sign = record.sighted.is_empty();
        draft.include(record.span);
        for former in &record.former {
            draft.use_address(former.clone());
        }
        if let Some(count) = forwards_for(*mac, record, |ip| inventory.ips.get(&ip)) {
            let value = format!("for {count} addresses of others");
            draft.dossier.put(derived(FactKind::Routes, value, "forwarding", record.span));
        }
    }

    let mut ips: Vec<_> = inventory.ips.iter().filter(|(_, record)| record.is_heard).collect();
    ips.sort_unstable_by_key(|(ip, _)| **ip);
    for (ip, record) in ips {
        let draft = drafts.entry(present_id(inventory, *ip, record)).or_insert_with(|| Draft::new(record.scope, None));
        draft.dossier.merge(&record.dossier, limit);
        draft.counts.add(record.counts);
        draft.signs.add(record.signs);
        draft.include(record.span);
        draft.gave_sign |= draft.mac.is_some();
        draft.use_address(AddressUse { address: *ip, first_seen: record.span.first, last_seen: record.span.last });
    }

    let unseen_networks = inventory.unseen_networks();
    let standing = |draft: &Draft| Standing { counts: draft.counts, signs: draft.signs, is_ours: draft.scope == Scope::Internal };
    let mut standings: BTreeMap<AssetId, Standing> = drafts.iter().map(|(id, draft)| (id.clone(), standing(draft))).collect();
    inventory.excuse(&mut standings, |ip| inventory.ips.get(&ip).map(|record| present_id(inventory, ip, record)));
    for (draft, standing) in drafts.values_mut().zip(standings.into_values()) {
        let of_unseen = |used: &AddressUse| unseen_networks.contains(&network_of(used.address, Scope::Internal));
        draft.signs = standing.signs;
        draft.signs.in_unseen_network = draft.scope == Scope::Internal && draft.addresses.iter().any(of_unseen);
    }
    let telling = telling_packets(inventory.loss());
    let mut assets: Vec<Asset> = drafts.into_iter().map(|(id, draft)| finish(id, draft, telling)).collect();
    assets.extend(overflow(inventory));
    assets.sort_by(|a, b| a.id.cmp(&b.id));
    label(&mut assets);
    assets
}

fn present_id(inventory: &Inventory, ip: IpAddr, record: &IpRecord) -> AssetId {
    let owner = record.owner.mac().filter(|mac| inventory.macs.contains_key(mac));
    id_of(ip, if owner.is_some() { record.owner } else { Owner::Itself })
}

fn finish(id: AssetId, mut draft: Draft, telling_packets: u64) -> Asset {
    let span = draft.span.unwrap_or(Span::at(Timestamp::default()));
    if let Some(vendor) = draft.mac.and_then(vendor_of) {
        draft.dossier.put(derived(FactKind::Vendor, vendor.to_owned(), "oui", span));
    }
    draft.addresses.sort_by_key(|used| used.address);
    let dossier = &draft.dossier;
    let mut evidence = dossier.evidence().to_vec();
    evidence.sort_by(|a, b| (a.kind.to_string(), &a.value, &a.source).cmp(&(b.kind.to_string(), &b.value, &b.source)));
    let is_group = draft.scope == Scope::Group;
    let coverage = if is_group {
        Coverage { cause: None, ..coverage_of(draft.counts, Signs::default(), false, telling_packets) }
    } else {
        coverage_of(draft.counts, draft.signs, draft.gave_sign, telling_packets)
    };
    Asset {
        id,
        label: String::new(),
        scope: draft.scope,
        macs: draft.mac.into_iter().collect(),
        vendor: dossier.best(FactKind::Vendor),
        model: dossier.best(FactKind::Model),
        role: if is_group { None } else { role_of(dossier) },
        operating_system: operating_system(dossier),
        names: names_of(dossier),
        addresses: draft.addresses,
        evidence,
        coverage,
        first_seen: span.first,
        last_seen: span.last,
    }
}

fn derived(kind: FactKind, value: String, source: &str, span: Span) -> Evidence {
    let (first_seen, last_seen) = (span.first, span.last);
    Evidence { kind, value, strength: Strength::Probable, source: source.to_owned(), first_seen, last_seen, times: 1 }
}

/// What a protocol said, else what the DHCP client's vendor class gives away.
fn operating_system(dossier: &Dossier) -> Option<Claim> {
    /// Vendor classes by their beginnings, as their makers document or ship them.
    const CLASSES: &[(&str, &str)] = &[
        ("MSFT ", "Windows"),
        ("android-dhcp", "Android"),
        ("dhcpcd-5.5.6", "Android"),
        ("udhcp", "Linux"),
        ("dhcpcd", "Linux"),
        ("Linux", "Linux"),
        ("ArubaAP", "ArubaOS"),
        ("Cisco", "Cisco IOS"),
    ];
    let said = dossier.best(FactKind::OperatingSystem);
    said.or_else(|| {
        let class = dossier.of(FactKind::DhcpVendorClass).max_by_key(|piece| weight(piece)).map(claim)?;
        let (_, system) = CLASSES.iter().find(|(start, _)| class.value.starts_with(start))?;
        Some(Claim { value: (*system).to_owned(), strength: Strength::Probable, source: class.source })
    })
}

/// The assets that stand for everything that found no room.
fn overflow(inventory: &Inventory) -> Vec<Asset> {
    let unplaced = inventory.unplaced;
    let both = [("other-external", Scope::External, unplaced.external), ("other-internal", Scope::Internal, unplaced.internal)];
    let used = both.into_iter().filter(|(.., count)| *count > 0);
    used.map(|(id, scope, _)| finish(AssetId(id.to_owned()), Draft::new(scope, None), u64::MAX)).collect()
}

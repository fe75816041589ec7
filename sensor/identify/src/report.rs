//! The inventory as assets: joins what is known of a MAC with what is known of the addresses it owns.

use std::borrow::Cow;

use sensor_model::{AddressUse, Asset, AssetId, Claim, Coverage, FactKind, MacAddr, Scope, Strength, Timestamp};

use crate::coverage::{Signs, coverage_of, telling_packets};
use crate::dossier::{Dossier, Piece, claim, weight};
use crate::inventory::{Inventory, OTHER_EXTERNAL, OTHER_INTERNAL};
use crate::name::{label, names_of};
use crate::oui::vendor_of;
use crate::ownership::forwards_for;
use crate::record::{Counts, Span};
use crate::role::role_of;
use crate::scope::network_of;
use crate::tap::Standing;

/// What becomes one asset.
struct Draft<'a> {
    id: AssetId,
    scope: Scope,
    mac: Option<MacAddr>,
    addresses: Vec<AddressUse>,
    /// Most assets have one source of evidence, which need not be copied.
    dossier: Cow<'a, Dossier>,
    counts: Counts,
    signs: Signs,
    gave_sign: bool,
    span: Option<Span>,
}

impl<'a> Draft<'a> {
    fn new(id: AssetId, scope: Scope, mac: Option<MacAddr>) -> Self {
        Self {
            id,
            scope,
            mac,
            addresses: Vec::new(),
            dossier: Cow::Owned(Dossier::default()),
            counts: Counts::default(),
            signs: Signs::default(),
            gave_sign: mac.is_some(),
            span: None,
        }
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

    fn learn(&mut self, dossier: &'a Dossier, limit: usize) {
        if self.dossier.is_empty() {
            self.dossier = Cow::Borrowed(dossier);
        } else if !dossier.is_empty() {
            self.dossier.to_mut().merge(dossier, limit);
        }
    }
}

pub(crate) fn assets(inventory: &Inventory) -> Vec<Asset> {
    let limit = inventory.config.max_evidence_an_asset;
    let mut drafts: Vec<Draft<'_>> = Vec::with_capacity(inventory.macs.len() + inventory.ips.len());
    // By the MAC's number.
    let mut of_mac: Vec<Option<usize>> = Vec::new();

    for (number, mac, record) in inventory.macs.iter().filter(|(.., record)| record.is_heard) {
        of_mac.resize(number as usize, None);
        of_mac.push(Some(drafts.len()));
        // A link-layer neighbour is ours wherever its packets come from.
        let mut draft = Draft::new(AssetId::of_mac(mac), Scope::Internal, Some(mac));
        draft.learn(&record.dossier, limit);
        draft.counts.add(record.former_counts);
        draft.signs.add(record.former_signs);
        // What it sent was others': that it has no packets of its own is no gap.
        draft.gave_sign = record.sighted.is_empty();
        draft.include(record.span);
        for former in &record.former {
            draft.use_address(former.clone());
        }
        if let Some(count) = forwards_for(mac, record, |ip| inventory.ips.by_key(&ip)) {
            let value = format!("for {count} addresses of others");
            draft.dossier.to_mut().put(derived(FactKind::Routes, value.into(), "forwarding", record.span));
        }
        drafts.push(draft);
    }

    // Sorted, because merging dossiers under a limit depends on the order.
    let mut ips: Vec<_> = inventory.ips.iter().filter(|(.., record)| record.is_heard).collect();
    ips.sort_unstable_by_key(|(_, ip, _)| *ip);
    let mut of_address: Vec<Option<usize>> = Vec::new();
    for (number, ip, record) in ips {
        let owner = record.owner.mac().and_then(|mac| of_mac.get(mac.0 as usize).copied().flatten());
        let place = owner.unwrap_or_else(|| {
            drafts.push(Draft::new(AssetId::of_ip(ip), record.scope, None));
            drafts.len() - 1
        });
        if of_address.len() <= number as usize {
            of_address.resize(number as usize + 1, None);
        }
        of_address.get_mut(number as usize).into_iter().for_each(|known| *known = Some(place));
        let Some(draft) = drafts.get_mut(place) else { continue };
        draft.learn(&record.dossier, limit);
        draft.counts.add(record.counts);
        draft.signs.add(record.signs);
        draft.include(record.span);
        draft.gave_sign |= draft.mac.is_some();
        draft.use_address(AddressUse { address: ip, first_seen: record.span.first, last_seen: record.span.last });
    }

    let unseen_networks = inventory.unseen_networks();
    let standing =
        |draft: &Draft<'_>| Standing { counts: draft.counts, signs: draft.signs, is_ours: draft.scope == Scope::Internal };
    let mut standings: Vec<Standing> = drafts.iter().map(standing).collect();
    inventory.excuse(&mut standings, |ip| of_address.get(inventory.ips.find(&ip)? as usize).copied().flatten());
    for (draft, standing) in drafts.iter_mut().zip(standings) {
        let of_unseen = |used: &AddressUse| unseen_networks.contains(&network_of(used.address, Scope::Internal));
        draft.signs = standing.signs;
        draft.signs.in_unseen_network = draft.scope == Scope::Internal && draft.addresses.iter().any(of_unseen);
    }
    let telling = telling_packets(inventory.loss());
    // Drafts are large: what is sorted is their places.
    let mut drafts: Vec<Option<Draft<'_>>> = drafts.into_iter().chain(overflow(inventory)).map(Some).collect();
    let mut order: Vec<(AssetId, usize)> =
        drafts.iter_mut().flatten().map(|draft| std::mem::replace(&mut draft.id, AssetId(String::new()))).zip(0..).collect();
    order.sort_unstable();
    let in_order = order.into_iter().filter_map(|(id, at)| Some((id, drafts.get_mut(at)?.take()?)));
    let mut assets: Vec<Asset> = in_order.map(|(id, draft)| finish(id, draft, telling)).collect();
    label(&mut assets);
    assets
}

fn finish(id: AssetId, mut draft: Draft<'_>, telling_packets: u64) -> Asset {
    let span = draft.span.unwrap_or(Span::at(Timestamp::default()));
    if let Some(vendor) = draft.mac.and_then(vendor_of) {
        draft.dossier.to_mut().put(derived(FactKind::Vendor, vendor.into(), "oui", span));
    }
    draft.addresses.sort_by_key(|used| used.address);
    let dossier = &*draft.dossier;
    let mut pieces: Vec<&Piece> = dossier.evidence().iter().collect();
    pieces.sort_by_key(|piece| (piece.kind.as_str(), &*piece.value, &*piece.source));
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
        evidence: pieces.into_iter().map(Piece::to_evidence).collect(),
        coverage,
        first_seen: span.first,
        last_seen: span.last,
    }
}

fn derived(kind: FactKind, value: Cow<'static, str>, source: &'static str, span: Span) -> Piece {
    let (first_seen, last_seen) = (span.first, span.last);
    Piece { kind, value, strength: Strength::Probable, source: source.into(), first_seen, last_seen, times: 1 }
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
fn overflow(inventory: &Inventory) -> impl Iterator<Item = Draft<'_>> {
    let unplaced = inventory.unplaced;
    let both = [(OTHER_EXTERNAL, Scope::External, unplaced.external), (OTHER_INTERNAL, Scope::Internal, unplaced.internal)];
    let used = both.into_iter().filter(|(.., count)| *count > 0);
    used.map(|(id, scope, _)| Draft::new(AssetId(id.to_owned()), scope, None))
}

//! Zone members to addresses: which asset uses which address, and which single zone each address is in.
//!
//! Refuses two zones of one priority that claim one address. A zone without members stays empty; it never becomes everybody.

use std::collections::HashMap;
use std::net::IpAddr;

use enforcer_packetset::{AddressSet, Prefix, RangeSet};
use sensor_model::{Asset, AssetId, Claim, FlowMap, Role, Timestamp};

use crate::diagnostic::Diagnostic;
use crate::document::{Member, Policy, Zone};
use crate::glob::Glob;

/// A policy's zones as addresses, against one flow map.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// Of `Policy::zones`, same order, no two of which share an address.
    pub zones: Vec<ZoneMembers>,
    v4: Vec<(u32, u32, usize)>,
    v6: Vec<(u128, u128, usize)>,
    owners: HashMap<IpAddr, AssetId>,
    addresses: HashMap<AssetId, Vec<IpAddr>>,
}

/// Who is in a zone.
#[derive(Clone, Debug, Default)]
pub struct ZoneMembers {
    pub addresses: AddressSet,
    /// Assets that have an address in the zone, by id.
    pub assets: Vec<AssetId>,
    /// Addresses that it claims and a quarantine has now.
    pub shut_in: AddressSet,
    /// It claims addresses, and every one of them is in a quarantine now.
    pub is_quarantined: bool,
}

impl Resolution {
    /// The zone of an address.
    #[must_use]
    pub fn zone_of(&self, address: IpAddr) -> Option<usize> {
        match address {
            IpAddr::V4(v4) => find(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => find(&self.v6, v6.to_bits()),
        }
    }

    /// The asset that used an address last.
    #[must_use]
    pub fn owner_of(&self, address: IpAddr) -> Option<&AssetId> {
        self.owners.get(&address)
    }

    /// The addresses that an asset has now, ascending.
    #[must_use]
    pub fn addresses_of(&self, asset: &AssetId) -> &[IpAddr] {
        self.addresses.get(asset).map_or(&[], Vec::as_slice)
    }

    /// Every address that is in a zone.
    #[must_use]
    pub fn inside(&self) -> AddressSet {
        AddressSet {
            v4: RangeSet::from_ranges(self.v4.iter().map(|&(first, last, _)| (first, last))),
            v6: RangeSet::from_ranges(self.v6.iter().map(|&(first, last, _)| (first, last))),
        }
    }

    fn new(zones: Vec<ZoneMembers>, uses: Uses) -> Self {
        let mut v4: Vec<_> = flat(&zones, |set| set.v4.ranges()).collect();
        let mut v6: Vec<_> = flat(&zones, |set| set.v6.ranges()).collect();
        v4.sort_unstable();
        v6.sort_unstable();
        Self { zones, v4, v6, owners: uses.owners, addresses: uses.addresses }
    }
}

fn flat<'a, T: Copy + 'a>(
    zones: &'a [ZoneMembers],
    ranges: impl Fn(&'a AddressSet) -> &'a [(T, T)],
) -> impl Iterator<Item = (T, T, usize)> {
    zones
        .iter()
        .enumerate()
        .flat_map(move |(at, zone)| ranges(&zone.addresses).iter().map(move |&(first, last)| (first, last, at)))
}

fn find<T: Copy + Ord>(ranges: &[(T, T, usize)], value: T) -> Option<usize> {
    let before = ranges.partition_point(|&(first, _, _)| first <= value).checked_sub(1)?;
    ranges.get(before).filter(|&&(_, last, _)| value <= last).map(|&(_, _, zone)| zone)
}

/// Who uses which address.
struct Uses {
    owners: HashMap<IpAddr, AssetId>,
    addresses: HashMap<AssetId, Vec<IpAddr>>,
}

/// An address belongs to the asset that used it last: leases move.
fn uses(map: &FlowMap) -> Uses {
    let mut last: HashMap<IpAddr, (Timestamp, &AssetId)> = HashMap::new();
    for asset in &map.assets {
        // The unspecified address is nobody's: hosts without one send from it (RFC 1122 3.2.1.3, RFC 4291 2.5.2).
        for used in asset.addresses.iter().filter(|used| !used.address.is_unspecified()) {
            let newest = last.entry(used.address).or_insert((used.last_seen, &asset.id));
            if (used.last_seen, std::cmp::Reverse(&asset.id)) > (newest.0, std::cmp::Reverse(newest.1)) {
                *newest = (used.last_seen, &asset.id);
            }
        }
    }
    let owners: HashMap<IpAddr, AssetId> = last.into_iter().map(|(address, (_, id))| (address, id.clone())).collect();
    let mut addresses: HashMap<AssetId, Vec<IpAddr>> = HashMap::new();
    for (address, id) in &owners {
        addresses.entry(id.clone()).or_default().push(*address);
    }
    addresses.values_mut().for_each(|list| list.sort_unstable());
    Uses { owners, addresses }
}

/// The addresses that each asset has now, ascending: IPv4 first.
#[must_use]
pub fn current_addresses(map: &FlowMap) -> HashMap<AssetId, Vec<IpAddr>> {
    uses(map).addresses
}

/// The members that only a flow map can find, one error each; none: the zones are prefixes, and the policy says everything by itself.
///
/// A quarantine keeps the addresses that it was made with, so it goes without.
#[must_use]
pub fn needs_map(policy: &Policy) -> Vec<Diagnostic> {
    let zones = policy.zones.iter().enumerate().filter(|(at, _)| !policy.quarantines.contains(at)).map(|(_, zone)| zone);
    zones
        .flat_map(|zone| zone.members.iter().chain(&zone.except).map(move |member| (zone, member)))
        .filter(|(_, member)| !member.is_prefix_only())
        .map(|(zone, member)| {
            let message = format!("zone `{}` selects assets, and no flow map says who they are", zone.name.value);
            Diagnostic::error("needs-map", message)
                .at(&policy.sources, &member.span)
                .help("add --flowmap FILE (from `sensor replay`, or the address of a running sensor), or name the prefixes of the members")
        })
        .collect()
}

/// The zones as addresses. Without a flow map only prefixes have any.
///
/// # Errors
/// Zones of one priority that overlap.
pub fn resolve(policy: &Policy, map: Option<&FlowMap>) -> Result<Resolution, Vec<Diagnostic>> {
    let assets: &[Asset] = map.map_or(&[], |map| &map.assets);
    let uses = map.map_or_else(|| Uses { owners: HashMap::new(), addresses: HashMap::new() }, uses);
    let claimed: Vec<AddressSet> = policy.zones.iter().map(|zone| claims(zone, assets, &uses)).collect();
    let claimed = carved(policy, claimed);
    let overlaps = overlaps(policy, &claimed, &uses);
    if !overlaps.is_empty() {
        return Err(overlaps);
    }
    let mut order: Vec<usize> = (0..claimed.len()).collect();
    order.sort_by_key(|&at| policy.zones.get(at).map(|zone| std::cmp::Reverse(zone.priority)));
    let mut zones = vec![ZoneMembers::default(); claimed.len()];
    let mut taken = AddressSet::empty();
    // One priority at a time: its zones are disjoint, so they lose only to the higher ones.
    for level in order.chunk_by(|&a, &b| priority(policy, a) == priority(policy, b)) {
        for &at in level {
            if let (Some(zone), Some(claim)) = (zones.get_mut(at), claimed.get(at)) {
                zone.addresses = claim.difference(&taken);
            }
        }
        let level_sets = level.iter().filter_map(|&at| claimed.get(at));
        taken = union_of(level_sets.chain([&taken]));
    }
    let shut_in = union_of(policy.quarantines.iter().filter_map(|at| claimed.get(*at)));
    for (zone, claim) in zones.iter_mut().zip(&claimed) {
        zone.shut_in = claim.intersection(&shut_in);
        zone.is_quarantined = zone.addresses.is_empty() && !claim.is_empty() && claim.is_subset(&shut_in);
    }
    let mut resolution = Resolution::new(zones, uses);
    for asset in assets {
        let mut homes: Vec<usize> =
            resolution.addresses_of(&asset.id).iter().filter_map(|address| resolution.zone_of(*address)).collect();
        homes.sort_unstable();
        homes.dedup();
        for home in homes {
            if let Some(zone) = resolution.zones.get_mut(home) {
                zone.assets.push(asset.id.clone());
            }
        }
    }
    Ok(resolution)
}

/// What lies in an inner zone is its own, whatever the priorities.
fn carved(policy: &Policy, claimed: Vec<AddressSet>) -> Vec<AddressSet> {
    let inner = |at: usize| {
        let below = policy.within(at).into_iter().filter(move |&below| below != at);
        union_of(below.filter_map(|below| claimed.get(below)))
    };
    let nested = |at: usize| policy.zones.get(at).is_some_and(|zone| !zone.inner.is_empty());
    let of = |(at, claim): (usize, &AddressSet)| if nested(at) { claim.difference(&inner(at)) } else { claim.clone() };
    claimed.iter().enumerate().map(of).collect()
}

fn priority(policy: &Policy, at: usize) -> Option<i32> {
    policy.zones.get(at).map(|zone| zone.priority)
}

/// One union of many sets.
pub fn union_of<'a>(sets: impl IntoIterator<Item = &'a AddressSet>) -> AddressSet {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for set in sets {
        v4.extend_from_slice(set.v4.ranges());
        v6.extend_from_slice(set.v6.ranges());
    }
    AddressSet { v4: RangeSet::from_ranges(v4), v6: RangeSet::from_ranges(v6) }
}

fn claims(zone: &Zone, assets: &[Asset], uses: &Uses) -> AddressSet {
    let all = |members: &[Member]| {
        let sets: Vec<AddressSet> = members.iter().map(|member| member_addresses(member, assets, uses)).collect();
        union_of(&sets)
    };
    all(&zone.members).difference(&all(&zone.except))
}

fn member_addresses(member: &Member, assets: &[Asset], uses: &Uses) -> AddressSet {
    if member.is_prefix_only() {
        return member.prefix.map_or_else(AddressSet::empty, AddressSet::from);
    }
    assets
        .iter()
        .filter(|asset| selects(member, asset))
        .flat_map(|asset| uses.addresses.get(&asset.id).into_iter().flatten())
        .filter(|address| member.prefix.is_none_or(|prefix| prefix.contains(**address)))
        .map(|address| Prefix::host(*address))
        .collect()
}

/// Whether the asset has everything that the member asks for, its prefix left aside.
#[must_use]
pub fn selects(member: &Member, asset: &Asset) -> bool {
    // A host chooses its own name: one that looks like the id of another must not take its place.
    let named = |glob: &Glob| glob.matches(asset.id.as_str()) || (!is_id(glob.as_str()) && glob.matches(&asset.label));
    let claim = |claim: &Option<Claim>, wanted: &dyn Fn(&str) -> bool| claim.as_ref().is_some_and(|claim| wanted(&claim.value));
    member.asset.as_ref().is_none_or(named)
        && member.role.is_none_or(|role: Role| claim(&asset.role, &|value| value == role.as_str()))
        && member.vendor.as_ref().is_none_or(|glob| claim(&asset.vendor, &|value| glob.matches(value)))
        && member.mac.is_none_or(|mac| asset.macs.contains(&mac))
        && member.name.as_ref().is_none_or(|glob| asset.names.iter().any(|name| glob.matches(&name.value)))
}

/// Whether a text is written as an asset id.
fn is_id(text: &str) -> bool {
    let hex = |digits: &str| digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.strip_prefix("mac-").is_some_and(hex) || text.strip_prefix("ip-").is_some_and(|ip| ip.parse::<IpAddr>().is_ok())
}

/// Zones of equal priority that share an address: one error a pair, at the later zone's name.
fn overlaps(policy: &Policy, claimed: &[AddressSet], uses: &Uses) -> Vec<Diagnostic> {
    let mut found: Vec<(usize, usize, IpAddr)> = Vec::new();
    let sweep = |ranges: &mut Vec<(i32, u128, u128, usize)>, address: &dyn Fn(u128) -> IpAddr| {
        ranges.sort_unstable();
        let mut pairs = Vec::new();
        let mut reach: Option<(i32, u128, usize)> = None;
        for &(level, first, last, at) in ranges.iter() {
            match reach {
                Some((same, end, other)) if same == level && first <= end => {
                    if other != at {
                        pairs.push((other.min(at), other.max(at), address(first)));
                    }
                    if last > end {
                        reach = Some((level, last, at));
                    }
                }
                _ => reach = Some((level, last, at)),
            }
        }
        pairs
    };
    let level = |at: usize| priority(policy, at).unwrap_or(0);
    let sets = || claimed.iter().enumerate();
    let mut v4: Vec<_> = sets()
        .flat_map(|(at, set)| set.v4.ranges().iter().map(move |&(first, last)| (level(at), first.into(), last.into(), at)))
        .collect();
    let mut v6: Vec<_> =
        sets().flat_map(|(at, set)| set.v6.ranges().iter().map(move |&(first, last)| (level(at), first, last, at))).collect();
    found.extend(sweep(&mut v4, &|bits| IpAddr::V4((bits as u32).into())));
    found.extend(sweep(&mut v6, &|bits| IpAddr::V6(bits.into())));
    found.sort_unstable();
    found.dedup_by_key(|&mut (a, b, _)| (a, b));
    found
        .into_iter()
        .filter_map(|(a, b, address)| {
            let (first, second) = (policy.zones.get(a)?, policy.zones.get(b)?);
            let who = uses.owners.get(&address).map_or_else(String::new, |id| format!(" ({id})"));
            let message = format!("zones `{}` and `{}` both claim {address}{who}", first.name.value, second.name.value);
            let help = format!(
                "give one of them a higher `priority:` (both have {}), or take the address out with `except:`",
                first.priority
            );
            Some(Diagnostic::error("zone-overlap", message).at(&policy.sources, &second.name.span).help(help))
        })
        .collect()
}

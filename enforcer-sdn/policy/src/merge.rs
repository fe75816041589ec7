//! Several flow maps as one. A conversation that two maps know counts once, with the larger figures: merging a map with itself
//! changes nothing, and the order of the maps does not matter.

use std::collections::BTreeMap;

use sensor_model::{
    Accounting, Activity, AddressUse, Asset, AssetId, Conversation, DuplicatePath, EachWay, FlowMap, Loss, SCHEMA, Service,
    TapCoverage, VlanCoverage, VlanStack,
};

/// One map that knows what all of them know.
#[must_use]
pub fn merge(maps: &[FlowMap]) -> FlowMap {
    let mut sensors: Vec<&str> = maps.iter().map(|map| map.sensor.as_str()).collect();
    sensors.sort_unstable();
    sensors.dedup();
    let mut assets: BTreeMap<&AssetId, Asset> = BTreeMap::new();
    let mut conversations: BTreeMap<(&AssetId, &AssetId, &Service), Conversation> = BTreeMap::new();
    let mut accounting = Accounting::default();
    for map in maps {
        add(&mut accounting, map.accounting);
        for asset in &map.assets {
            assets.entry(&asset.id).and_modify(|known| join_asset(known, asset)).or_insert_with(|| asset.clone());
        }
        for conversation in &map.conversations {
            let key = (&conversation.client, &conversation.server, &conversation.service);
            conversations
                .entry(key)
                .and_modify(|known| join_conversation(known, conversation))
                .or_insert_with(|| conversation.clone());
        }
    }
    FlowMap {
        schema: SCHEMA.to_owned(),
        sensor: sensors.join("+"),
        first_seen: maps.iter().map(|map| map.first_seen).min().unwrap_or_default(),
        last_seen: maps.iter().map(|map| map.last_seen).max().unwrap_or_default(),
        accounting,
        coverage: join_coverage(maps),
        assets: assets.into_values().collect(),
        conversations: conversations.into_values().collect(),
    }
}

fn add(sum: &mut Accounting, one: Accounting) {
    let add = |a: u64, b: u64| a.saturating_add(b);
    *sum = Accounting {
        packets: add(sum.packets, one.packets),
        lost_packets: add(sum.lost_packets, one.lost_packets),
        skipped_packets: add(sum.skipped_packets, one.skipped_packets),
        missed_bytes: add(sum.missed_bytes, one.missed_bytes),
        evicted_flows: add(sum.evicted_flows, one.evicted_flows),
    };
}

/// Of what two maps know of the same VLAN, the one that saw more of it: adding them up would count a flow seen at two taps twice.
fn join_coverage(maps: &[FlowMap]) -> TapCoverage {
    let mut vlans: BTreeMap<VlanStack, &VlanCoverage> = BTreeMap::new();
    for vlan in maps.iter().flat_map(|map| &map.coverage.vlans) {
        let better =
            |known: &&VlanCoverage| (known.packets, known.group_packets, *known) >= (vlan.packets, vlan.group_packets, vlan);
        if !vlans.get(&vlan.tags).is_some_and(better) {
            vlans.insert(vlan.tags, vlan);
        }
    }
    let taps = || maps.iter().map(|map| &map.coverage);
    let by_bytes = |loss: &Loss| (loss.stream_bytes, loss.missed_bytes, loss.cause);
    TapCoverage {
        flows: taps().map(|tap| tap.flows).max().unwrap_or_default(),
        loss: taps().map(|tap| tap.loss).max_by_key(by_bytes).unwrap_or_default(),
        vlans: vlans.into_values().cloned().collect(),
        duplicates: join_duplicates(maps),
    }
}

/// Each path as the tap saw it that saw most copies on it.
fn join_duplicates(maps: &[FlowMap]) -> Vec<DuplicatePath> {
    let mut paths: Vec<&DuplicatePath> = maps.iter().flat_map(|map| &map.coverage.duplicates).collect();
    let key = |path: &DuplicatePath| (path.change, path.from, path.to, path.ttl_lower_by, path.sources.is_ipv4());
    paths.sort_by_key(|path| (key(path), std::cmp::Reverse((path.packets, *path))));
    paths.dedup_by_key(|path| key(path));
    paths.into_iter().cloned().collect()
}

fn join_asset(known: &mut Asset, other: &Asset) {
    let mut addresses: BTreeMap<_, AddressUse> = BTreeMap::new();
    for used in known.addresses.iter().chain(&other.addresses) {
        let entry = addresses.entry(used.address).or_insert_with(|| used.clone());
        entry.first_seen = entry.first_seen.min(used.first_seen);
        entry.last_seen = entry.last_seen.max(used.last_seen);
    }
    let mut macs = [known.macs.as_slice(), &other.macs].concat();
    macs.sort_unstable();
    macs.dedup();
    let (first_seen, last_seen) = (known.first_seen.min(other.first_seen), known.last_seen.max(other.last_seen));
    // The words of the newer map; the label decides between equals, so that the order of the maps does not.
    if (other.last_seen, &other.label) > (known.last_seen, &known.label) {
        *known = other.clone();
    }
    // The tap that sees more of a host: the variants are ordered from best to worst.
    if (other.coverage.visibility, std::cmp::Reverse(other.coverage.sent_packets))
        < (known.coverage.visibility, std::cmp::Reverse(known.coverage.sent_packets))
    {
        known.coverage = other.coverage;
    }
    known.addresses = addresses.into_values().collect();
    known.macs = macs;
    (known.first_seen, known.last_seen) = (first_seen, last_seen);
}

fn join_conversation(known: &mut Conversation, other: &Conversation) {
    let most = |a: EachWay, b: EachWay| EachWay { client: a.client.max(b.client), server: a.server.max(b.server) };
    known.flows = known.flows.max(other.flows);
    known.answered_flows = known.answered_flows.max(other.answered_flows);
    known.packets = most(known.packets, other.packets);
    known.bytes = most(known.bytes, other.bytes);
    known.first_seen = known.first_seen.min(other.first_seen);
    known.last_seen = known.last_seen.max(other.last_seen);
    known.direction_reason = known.direction_reason.max(other.direction_reason);
    known.addresses_omitted = known.addresses_omitted.max(other.addresses_omitted);
    for (mine, theirs) in
        [(&mut known.client_addresses, &other.client_addresses), (&mut known.server_addresses, &other.server_addresses)]
    {
        mine.extend_from_slice(theirs);
        mine.sort_unstable();
        mine.dedup();
        let omitted = mine.len().saturating_sub(Conversation::MAX_ADDRESSES);
        mine.truncate(Conversation::MAX_ADDRESSES);
        known.addresses_omitted = known.addresses_omitted.max(omitted as u64);
    }
    let mut hours: BTreeMap<u8, u64> = BTreeMap::new();
    for &(hour, flows) in known.activity.hours.iter().chain(&other.activity.hours) {
        let entry = hours.entry(hour).or_default();
        *entry = flows.max(*entry);
    }
    let days = known.activity.days.max(other.activity.days);
    known.activity = Activity { hours: hours.into_iter().collect(), days };
    for operation in &other.operations {
        match known.operations.iter_mut().find(|mine| mine.name == operation.name) {
            Some(mine) => mine.times = mine.times.max(operation.times),
            None => known.operations.push(operation.clone()),
        }
    }
    known.operations.sort();
}

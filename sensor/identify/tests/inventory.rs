//! The inventory from outside: who owns which address, what it is called, how it is seen.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests end at what they did not expect")]

use std::net::IpAddr;

use proptest::prelude::*;
use sensor_identify::{Config, Inventory, Presence, Sighting};
use sensor_model::{
    Asset, AssetId, CoverageCause, Fact, FactKind, MacAddr, Scope, Strength, Subject, Timestamp, Visibility, VlanStack,
};

const PLC: &str = "00:1b:1b:00:00:01";
const HMI: &str = "00:0b:82:00:00:02";
const GATEWAY: &str = "00:04:96:00:00:fe";

fn inventory() -> Inventory {
    Inventory::new(Config { internal: Vec::new(), max_assets: 1000, max_evidence_an_asset: 64 })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

fn id(mac_text: &str) -> AssetId {
    AssetId::of_mac(mac(mac_text))
}

trait Story {
    fn sees(&mut self, mac: &str, ip: &str, seconds: i64);
    fn binds(&mut self, mac: &str, ip: &str, seconds: i64);
    fn tells(&mut self, subject: Subject, kind: FactKind, value: &str, source: &str, seconds: i64);
    fn named(&mut self, ip: IpAddr, seconds: i64) -> AssetId;
    fn renames(&mut self) -> Vec<(AssetId, AssetId)>;
    fn asset(&self, id: &AssetId) -> Asset;
}

impl Story for Inventory {
    fn sees(&mut self, mac_text: &str, ip_text: &str, seconds: i64) {
        self.see(Sighting { mac: mac(mac_text), ip: ip(ip_text), tags: VlanStack::default(), seen_at: at(seconds) });
    }

    fn binds(&mut self, mac_text: &str, ip_text: &str, seconds: i64) {
        self.tells(Subject::Ip(ip(ip_text)), FactKind::MacOfAddress, mac_text, "arp", seconds);
    }

    fn tells(&mut self, subject: Subject, kind: FactKind, value: &str, source: &str, seconds: i64) {
        let strength = Strength::Confirmed;
        let (value, source) = (value.to_owned(), source.to_owned());
        self.learn(&Fact { subject, kind, value, strength, source, seen_at: at(seconds) });
    }

    fn named(&mut self, ip: IpAddr, seconds: i64) -> AssetId {
        let asset = self.asset_of(ip, at(seconds));
        self.id(asset)
    }

    fn renames(&mut self) -> Vec<(AssetId, AssetId)> {
        self.take_renamed().into_iter().map(|(old, new)| (self.id(old), self.id(new))).collect()
    }

    fn asset(&self, id: &AssetId) -> Asset {
        let assets = self.assets();
        let known: Vec<_> = assets.iter().map(|asset| asset.id.to_string()).collect();
        assets.into_iter().find(|asset| asset.id == *id).unwrap_or_else(|| panic!("no `{id}` among {known:?}"))
    }
}

fn addresses(asset: &Asset) -> Vec<String> {
    asset.addresses.iter().map(|used| used.address.to_string()).collect()
}

#[test]
fn given_an_arp_answer_then_the_address_is_the_macs() {
    let mut inventory = inventory();
    inventory.binds(PLC, "10.0.0.7", 1);
    assert_eq!(inventory.named(ip("10.0.0.7"), 2), id(PLC));
    let asset = inventory.asset(&id(PLC));
    assert_eq!((addresses(&asset), asset.macs), (vec!["10.0.0.7".to_owned()], vec![mac(PLC)]));
    assert_eq!(asset.vendor.map(|claim| (claim.value, claim.source)), Some(("Siemens AG,".to_owned(), "oui".to_owned())));
}

#[test]
fn given_addresses_of_two_networks_behind_a_mac_then_it_is_a_router_and_owns_none_of_them() {
    let mut inventory = inventory();
    for address in ["10.0.1.5", "10.0.2.5", "8.8.8.8"] {
        inventory.sees(GATEWAY, address, 1);
    }
    assert_eq!(inventory.named(ip("10.0.1.5"), 2), AssetId::of_ip(ip("10.0.1.5")));
    let router = inventory.asset(&id(GATEWAY));
    assert_eq!(router.role.map(|claim| claim.value).as_deref(), Some("router"));
    assert_eq!(router.addresses, []);
    assert!(router.evidence.iter().any(|piece| piece.kind == FactKind::Routes));
    let behind = inventory.asset(&AssetId::of_ip(ip("10.0.1.5")));
    assert_eq!((behind.macs, behind.vendor), (vec![], None));
    assert_eq!(inventory.asset(&AssetId::of_ip(ip("8.8.8.8"))).scope, Scope::External);
}

#[test]
fn given_a_gateway_known_by_arp_when_it_sends_for_the_internet_then_it_is_a_router_that_keeps_its_own_address() {
    let mut inventory = inventory();
    inventory.binds(GATEWAY, "10.0.0.1", 1);
    inventory.sees(GATEWAY, "10.0.0.1", 1);
    inventory.sees(GATEWAY, "93.184.216.34", 2);
    let router = inventory.asset(&id(GATEWAY));
    assert_eq!(addresses(&router), ["10.0.0.1"]);
    assert_eq!(router.role.map(|claim| claim.value).as_deref(), Some("router"));
}

#[test]
fn given_two_addresses_of_one_network_bound_by_arp_then_the_host_has_both_and_is_no_router() {
    let mut inventory = inventory();
    for address in ["10.0.0.7", "10.0.0.8"] {
        inventory.binds(PLC, address, 1);
        inventory.sees(PLC, address, 1);
    }
    let asset = inventory.asset(&id(PLC));
    assert_eq!(addresses(&asset), ["10.0.0.7", "10.0.0.8"]);
    assert_eq!(asset.role, None);
}

#[test]
fn given_a_single_internal_sender_then_its_mac_is_likely_until_another_address_comes() {
    let mut inventory = inventory();
    inventory.sees(PLC, "10.0.0.7", 1);
    assert_eq!(inventory.named(ip("10.0.0.7"), 1), id(PLC));
    assert_eq!(inventory.renames(), []);
    inventory.sees(PLC, "10.0.0.8", 2);
    assert_eq!(inventory.renames(), [(id(PLC), AssetId::of_ip(ip("10.0.0.7")))]);
    assert_eq!(inventory.named(ip("10.0.0.7"), 3), AssetId::of_ip(ip("10.0.0.7")));
}

#[test]
fn given_an_external_sender_then_its_mac_is_not_taken_for_its_own() {
    let mut inventory = inventory();
    inventory.sees(GATEWAY, "93.184.216.34", 1);
    assert_eq!(inventory.named(ip("93.184.216.34"), 1), AssetId::of_ip(ip("93.184.216.34")));
}

#[test]
fn given_an_address_asked_for_before_its_mac_is_known_then_its_id_is_renamed_once() {
    let mut inventory = inventory();
    assert_eq!(inventory.named(ip("10.0.0.7"), 1), AssetId::of_ip(ip("10.0.0.7")));
    inventory.binds(PLC, "10.0.0.7", 2);
    assert_eq!(inventory.renames(), [(AssetId::of_ip(ip("10.0.0.7")), id(PLC))]);
    inventory.binds(PLC, "10.0.0.7", 3);
    assert_eq!(inventory.renames(), []);
}

#[test]
fn given_a_tap_on_both_sides_of_a_router_then_a_host_stays_with_the_mac_that_arp_names() {
    let mut inventory = inventory();
    let (inside, outside) = ("00:04:96:00:00:01", "00:04:96:00:00:02");
    inventory.binds(PLC, "10.0.1.7", 1);
    inventory.binds(HMI, "10.0.2.8", 1);
    inventory.binds(inside, "10.0.1.1", 1);
    inventory.binds(outside, "10.0.2.1", 1);
    for (mac, address) in [(PLC, "10.0.1.7"), (outside, "10.0.1.7"), (HMI, "10.0.2.8"), (inside, "10.0.2.8")] {
        inventory.sees(mac, address, 2);
    }
    assert_eq!(inventory.named(ip("10.0.1.7"), 3), id(PLC));
    assert_eq!(inventory.named(ip("10.0.2.8"), 3), id(HMI));
    for router in [inside, outside] {
        assert_eq!(inventory.asset(&id(router)).role.map(|claim| claim.value).as_deref(), Some("router"), "{router}");
    }
    assert_eq!(inventory.asset(&id(PLC)).role, None);
}

#[test]
fn given_a_lease_that_moves_then_the_past_stays_with_the_first_holder() {
    let mut inventory = inventory();
    inventory.tells(Subject::Mac(mac(PLC)), FactKind::LeasedAddress, "10.0.0.7", "dhcp", 10);
    inventory.tells(Subject::Ip(ip("10.0.0.7")), FactKind::Hostname, "plc-1", "snmp", 11);
    assert_eq!(inventory.named(ip("10.0.0.7"), 12), id(PLC));
    inventory.tells(Subject::Mac(mac(HMI)), FactKind::LeasedAddress, "10.0.0.7", "dhcp", 100);
    inventory.tells(Subject::Ip(ip("10.0.0.7")), FactKind::Hostname, "hmi-1", "snmp", 101);

    assert_eq!(inventory.named(ip("10.0.0.7"), 102), id(HMI));
    assert_eq!(inventory.named(ip("10.0.0.7"), 12), id(PLC), "a late report of an earlier flow");
    assert_eq!(inventory.renames(), [], "a move is not a rename");
    let (first, second) = (inventory.asset(&id(PLC)), inventory.asset(&id(HMI)));
    assert_eq!((first.label.as_str(), second.label.as_str()), ("plc-1", "hmi-1"));
    assert_eq!((addresses(&first), addresses(&second)), (vec!["10.0.0.7".to_owned()], vec!["10.0.0.7".to_owned()]));
    assert!(first.addresses[0].last_seen < second.addresses[0].first_seen);
}

#[test]
fn given_a_host_with_two_leases_then_it_has_both_addresses() {
    let mut inventory = inventory();
    inventory.tells(Subject::Mac(mac(PLC)), FactKind::LeasedAddress, "10.0.0.7", "dhcp", 10);
    inventory.tells(Subject::Mac(mac(PLC)), FactKind::LeasedAddress, "10.0.0.9", "dhcp", 20);
    assert_eq!(addresses(&inventory.asset(&id(PLC))), ["10.0.0.7", "10.0.0.9"]);
}

#[test]
fn given_link_local_and_derived_addresses_then_they_are_their_senders_even_beside_others() {
    let mut inventory = inventory();
    for address in ["10.0.0.7", "fe80::1", "2001:db8::21b:1bff:fe00:1"] {
        inventory.sees(PLC, address, 1);
    }
    assert_eq!(addresses(&inventory.asset(&id(PLC))), ["10.0.0.7", "2001:db8::21b:1bff:fe00:1", "fe80::1"]);
}

#[test]
fn given_many_names_then_the_label_is_the_best_and_labels_are_unique() {
    let mut inventory = inventory();
    for (mac_text, address) in [(PLC, "10.0.0.7"), (HMI, "10.0.0.8")] {
        inventory.binds(mac_text, address, 1);
        inventory.tells(Subject::Ip(ip(address)), FactKind::DnsName, "press.example", "dns", 2);
    }
    assert_eq!(inventory.asset(&id(PLC)).label, "press.example@10.0.0.7");
    assert_eq!(inventory.asset(&id(HMI)).label, "press.example@10.0.0.8");
    inventory.tells(Subject::Mac(mac(PLC)), FactKind::Hostname, "press-plc", "dhcp", 3);
    let plc = inventory.asset(&id(PLC));
    assert_eq!(plc.label, "press-plc");
    assert_eq!(plc.names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>(), ["press-plc", "press.example"]);
    assert_eq!(inventory.asset(&id(HMI)).label, "press.example");
}

#[test]
fn given_only_hearsay_then_there_is_no_asset_until_the_host_is_heard() {
    let mut inventory = inventory();
    inventory.tells(Subject::Ip(ip("10.0.0.9")), FactKind::DnsName, "old.example", "dns", 1);
    assert_eq!(inventory.assets(), []);
    inventory.named(ip("10.0.0.9"), 5);
    let asset = inventory.asset(&AssetId::of_ip(ip("10.0.0.9")));
    assert_eq!((asset.label.as_str(), asset.first_seen), ("old.example", at(5)));
}

#[test]
fn given_group_addresses_then_they_are_assets_without_owner_or_cause() {
    let mut inventory = inventory();
    inventory.sees(PLC, "10.0.0.255", 1);
    inventory.note_group(ip("10.0.0.255"));
    for address in ["224.0.0.251", "255.255.255.255", "10.0.0.255"] {
        assert_eq!(inventory.named(ip(address), 1), AssetId::of_ip(ip(address)));
        let asset = inventory.asset(&AssetId::of_ip(ip(address)));
        assert_eq!((asset.scope, asset.coverage.cause, asset.role), (Scope::Group, None, None), "{address}");
    }
}

#[test]
fn given_presences_then_coverage_sums_over_the_addresses_of_an_asset() {
    let mut inventory = inventory();
    let count = |inventory: &mut Inventory, address: &str, sent: u64, received: u64, peer_is_group: bool| {
        let (sent_packets, received_packets) = (sent, received);
        inventory.count(Presence {
            ip: ip(address),
            mac: None,
            sent_packets,
            received_packets,
            peer_is_group,
            is_proven: false,
            seen_at: at(1),
        });
    };
    inventory.binds(PLC, "10.0.0.7", 1);
    inventory.binds(PLC, "10.0.0.8", 1);
    count(&mut inventory, "10.0.0.7", 5, 0, false);
    count(&mut inventory, "10.0.0.7", 2, 0, true);
    count(&mut inventory, "10.0.0.8", 0, 3, false);
    let coverage = inventory.asset(&id(PLC)).coverage;
    assert_eq!(coverage.visibility, Visibility::BothWays);
    assert_eq!((coverage.sent_packets, coverage.received_packets, coverage.group_packets), (5, 3, 2));

    inventory.binds(HMI, "10.0.0.9", 1);
    count(&mut inventory, "10.0.0.9", 0, 3, false);
    let coverage = inventory.asset(&id(HMI)).coverage;
    assert_eq!((coverage.visibility, coverage.cause), (Visibility::ReceivesOnly, Some(CoverageCause::Unknown)));

    count(&mut inventory, "10.0.0.66", 0, 3, false);
    let coverage = inventory.asset(&AssetId::of_ip(ip("10.0.0.66"))).coverage;
    assert_eq!((coverage.visibility, coverage.cause), (Visibility::ReceivesOnly, Some(CoverageCause::NoAnswer)));
}

#[test]
fn given_a_scan_of_the_internet_then_internal_hosts_still_find_room_and_the_rest_is_counted() {
    let mut inventory = Inventory::new(Config { internal: Vec::new(), max_assets: 100, max_evidence_an_asset: 8 });
    for n in 0..1000_u32 {
        let address = IpAddr::V4((0x0808_0000 + n).into());
        let asset = inventory.named(address, 1);
        assert_eq!(asset == AssetId("other-external".to_owned()), n >= 75, "{n}");
    }
    assert_eq!(inventory.named(ip("10.0.0.7"), 1), AssetId::of_ip(ip("10.0.0.7")));
    assert_eq!(inventory.unplaced().external, 925);
    let assets = inventory.assets();
    assert_eq!(assets.len(), 77);
    assert_eq!(assets.iter().filter(|asset| asset.id.as_str() == "other-external").count(), 1);
}

/// One thing that is heard of a small plant: hosts 0 to 3 with fixed MACs, a router, an outside.
#[derive(Clone, Debug)]
enum Happening {
    Sighting(u8, u8, i64),
    Binding(u8, i64),
    Name(u8, u8, i64),
    Count(u8, u64, i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (0u8..5, 0u8..8, 0i64..50).prop_map(|(mac, ip, at)| Happening::Sighting(mac, ip, at)),
        (0u8..5, 0i64..50).prop_map(|(host, at)| Happening::Binding(host, at)),
        (0u8..8, 0u8..3, 0i64..50).prop_map(|(ip, name, at)| Happening::Name(ip, name, at)),
        (0u8..8, 0u64..3, 0i64..50).prop_map(|(ip, packets, at)| Happening::Count(ip, packets, at)),
    ]
}

fn play(happenings: &[Happening]) -> Vec<Asset> {
    let address = |n: u8| match n {
        0..=4 => format!("10.0.{}.{n}", n / 3),
        5 => "fe80::5".to_owned(),
        other => format!("8.8.8.{other}"),
    };
    let hardware = |n: u8| format!("00:1b:1b:00:00:{n:02x}");
    let mut inventory = inventory();
    for happening in happenings {
        match happening {
            Happening::Sighting(mac, ip, at) => inventory.sees(&hardware(*mac), &address(*ip), *at),
            Happening::Binding(host, at) => inventory.binds(&hardware(*host), &address(*host), *at),
            Happening::Name(ip_number, name, at) => {
                let subject = Subject::Ip(ip(&address(*ip_number)));
                inventory.tells(subject, FactKind::Hostname, &format!("name-{name}"), "test", *at);
            }
            Happening::Count(ip_number, packets, seconds) => inventory.count(Presence {
                ip: ip(&address(*ip_number)),
                mac: None,
                sent_packets: *packets,
                received_packets: 1,
                peer_is_group: false,
                is_proven: false,
                seen_at: at(*seconds),
            }),
        }
    }
    inventory.assets()
}

proptest! {
    #[test]
    fn the_order_of_happenings_does_not_matter_while_no_address_moves(
        (before, after) in proptest::collection::vec(happening(), 0..30)
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
    ) {
        prop_assert_eq!(play(&before), play(&after));
    }

    #[test]
    fn labels_and_ids_are_unique_and_sorted(happenings in proptest::collection::vec(happening(), 0..40)) {
        let assets = play(&happenings);
        let ids: Vec<_> = assets.iter().map(|asset| &asset.id).collect();
        prop_assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        let mut labels: Vec<_> = assets.iter().map(|asset| asset.label.to_lowercase()).collect();
        labels.sort();
        labels.dedup();
        prop_assert_eq!(labels.len(), assets.len());
    }
}

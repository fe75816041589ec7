//! A mirror that shows one direction only must be told from hosts that are silent, and from loss, over many sites.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use harness::generate::{Damage, Left, NETWORKS, Random, Trade, Watched, vlan_of};
use harness::scratch::Scratch;
use harness::sensor::replay;
use sensor_model::{Coverage, CoverageCause, FlowMap, Visibility, VlanCoverage, VlanId, VlanStack};

const HOSTS: u8 = 60;
/// In 10,000 frames.
const LOSSES: [u64; 3] = [0, 50, 500];
/// How many sites are tried; more where somebody has the time.
const SITES_VARIABLE: &str = "CORDON_COVERAGE_SITES";

fn sites(usual: u64) -> u64 {
    std::env::var(SITES_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn seen_by_address(map: &FlowMap) -> BTreeMap<Ipv4Addr, Coverage> {
    let of = |address: IpAddr| if let IpAddr::V4(v4) = address { Some(v4) } else { None };
    map.assets
        .iter()
        .flat_map(|asset| asset.addresses.iter().filter_map(move |used| Some((of(used.address)?, asset.coverage))))
        .collect()
}

fn watched(site: &Watched, damage: &Damage, seed: u64) -> (Left, FlowMap) {
    let scratch = Scratch::create("coverage").unwrap();
    let capture = scratch.file("site.pcap");
    let left = site.write(damage, &mut Random::new(seed ^ 0xda_3a6e), &capture).unwrap();
    (left, replay(&[&capture], &scratch, "out", &[]).unwrap().flow_map)
}

/// A tenth of the hosts that talk TCP with several others: some mute, some deaf. Of those that talk UDP only, some deaf: see below.
fn directions_missing(site: &Watched, random: &mut Random) -> Damage {
    let mut damage = Damage { tagged: random.chance(50), ..Damage::default() };
    let talkers = [Trade::Client, Trade::Server, Trade::Controller].map(|trade| site.of(trade)).concat();
    for host in talkers {
        if random.chance(10) {
            let missing = if random.chance(50) { &mut damage.mute } else { &mut damage.deaf };
            missing.insert(host);
        }
    }
    damage.deaf.extend(site.of(Trade::Station).into_iter().filter(|_| random.chance(25)));
    damage
}

#[derive(Debug, Default)]
struct Score {
    hits: u64,
    missed: Vec<(u64, u64, Ipv4Addr, Option<Coverage>)>,
    wrong: Vec<(u64, u64, Ipv4Addr, Coverage)>,
}

impl Score {
    fn add(&mut self, at: (u64, u64), damaged: &BTreeSet<Ipv4Addr>, seen: &BTreeMap<Ipv4Addr, Coverage>) {
        let blamed = |coverage: &Coverage| coverage.cause == Some(CoverageCause::OneDirectionMirror);
        for host in damaged {
            match seen.get(host) {
                Some(coverage) if blamed(coverage) => self.hits += 1,
                other => self.missed.push((at.0, at.1, *host, other.copied())),
            }
        }
        let strangers = seen.iter().filter(|(host, coverage)| blamed(coverage) && !damaged.contains(host));
        self.wrong.extend(strangers.map(|(host, coverage)| (at.0, at.1, *host, *coverage)));
    }
}

#[test]
fn a_missing_direction_is_found_and_nobody_else_is_blamed() {
    let mut score = Score::default();
    for seed in 0..sites(3) {
        let mut random = Random::new(seed);
        let site = Watched::new(HOSTS, &mut random);
        let damage = directions_missing(&site, &mut random);
        for loss in LOSSES {
            let (left, map) = watched(&site, &Damage { loss, ..damage.clone() }, seed);
            score.add((seed, loss), &left.damaged, &seen_by_address(&map));
        }
    }
    let hits = score.hits as f64;
    let precision = hits / (hits + score.wrong.len() as f64);
    let recall = hits / (hits + score.missed.len() as f64);
    eprintln!("one-direction mirrors: {} found, precision {precision:.4}, recall {recall:.4}", score.hits);
    assert!(precision >= 0.99 && recall >= 0.99, "{:#?}", (&score.missed, &score.wrong));
}

#[test]
fn loss_alone_flips_no_host_and_is_measured() {
    let mut errors = Vec::new();
    for seed in 1_000..1_000 + sites(2) {
        let mut random = Random::new(seed);
        let site = Watched::new(HOSTS, &mut random);
        let (_, whole) = watched(&site, &Damage::default(), seed);
        let whole = seen_by_address(&whole);
        for loss in LOSSES.into_iter().skip(1) {
            let (left, map) = watched(&site, &Damage { loss, ..Damage::default() }, seed);
            for (host, now) in seen_by_address(&map) {
                assert_ne!(now.cause, Some(CoverageCause::OneDirectionMirror), "seed {seed}, loss {loss}: {host} {now:?}");
                let before = whole.get(&host).map(|before| before.visibility);
                let is_flipped = before != Some(now.visibility) && !left.thin.contains(&host);
                assert!(!is_flipped, "seed {seed}, loss {loss}: {host} {before:?} {now:?}");
            }
            let lost = left.lost_bytes as f64 / left.stream_bytes as f64;
            let measured = map.coverage.loss.ratio().unwrap();
            errors.push((measured / lost - 1.0, loss));
        }
    }
    errors.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() - 1]);
    eprintln!("loss: median error {:+.1} %, worst {:+.1} % at {} in 10,000", median.0 * 100.0, worst.0 * 100.0, worst.1);
    assert!(worst.0.abs() <= 0.2, "{errors:?}");
}

#[test]
fn who_sends_only_and_who_never_answers_is_no_fault_of_the_mirror() {
    let site = Watched::new(HOSTS, &mut Random::new(7));
    let (_, map) = watched(&site, &Damage::default(), 7);
    let seen = seen_by_address(&map);
    let all =
        |trade: Trade| site.of(trade).into_iter().map(|host| (seen[&host].visibility, seen[&host].cause)).collect::<Vec<_>>();
    for (trade, visibility, cause) in [
        (Trade::Logger, Visibility::SendsOnly, Some(CoverageCause::OneWayService)),
        (Trade::Collector, Visibility::ReceivesOnly, Some(CoverageCause::Unknown)),
        (Trade::Absent, Visibility::ReceivesOnly, Some(CoverageCause::NoAnswer)),
        (Trade::Broadcaster, Visibility::BroadcastOnly, Some(CoverageCause::PortNotMirrored)),
        (Trade::Client, Visibility::BothWays, None),
        (Trade::Server, Visibility::BothWays, None),
        (Trade::Station, Visibility::BothWays, None),
    ] {
        assert!(all(trade).iter().all(|judged| *judged == (visibility, cause)), "{trade:?}: {:?}", all(trade));
    }
}

/// A question over UDP proves nobody: a host that is switched off is asked in the same way.
#[test]
fn a_mute_host_that_talks_udp_only_is_not_told_from_an_absent_one() {
    let site = Watched::new(HOSTS, &mut Random::new(9));
    let mute: BTreeSet<_> = site.of(Trade::Station).into_iter().collect();
    let (_, map) = watched(&site, &Damage { mute: mute.clone(), ..Damage::default() }, 9);
    let seen = seen_by_address(&map);
    assert!(mute.iter().all(|host| seen[host].visibility == Visibility::ReceivesOnly), "{seen:?}");
    let blamed: Vec<_> = seen.iter().filter(|(_, seen)| seen.cause == Some(CoverageCause::OneDirectionMirror)).collect();
    assert!(blamed.is_empty(), "{blamed:?}");
}

#[test]
fn a_missing_vlan_is_told_from_missing_directions() {
    for seed in 0..sites(1) {
        let mut site = Watched::new(HOSTS, &mut Random::new(seed));
        site.name_vlan(30);
        let damage = Damage { missing_vlans: [30].into(), tagged: true, ..Damage::default() };
        let (_, map) = watched(&site, &damage, seed);
        let causes = |wanted| seen_by_address(&map).into_iter().filter(move |(_, seen)| seen.cause == Some(wanted));
        let blamed: Vec<_> = causes(CoverageCause::OneDirectionMirror).collect();
        assert!(blamed.is_empty(), "seed {seed}: {blamed:?}");
        let missing: Vec<_> = causes(CoverageCause::VlanNotMirrored).collect();
        assert!(missing.len() > 3 && missing.iter().all(|(host, _)| vlan_of(*host) == 30), "seed {seed}: {missing:?}");
        let page = page_of(&map, 30);
        assert_eq!((page.visibility, page.cause), (Visibility::Never, Some(CoverageCause::VlanNotMirrored)));
        assert_eq!(page.named_by, ["lldp"]);
    }
}

#[test]
fn a_vlan_with_broadcasts_only_is_named_and_crossed_tags_are_no_fault() {
    let site = Watched::new(HOSTS, &mut Random::new(3));
    let whole = watched(&site, &Damage { tagged: true, ..Damage::default() }, 3).1;
    for vlan in NETWORKS {
        let page = page_of(&whole, vlan);
        assert_eq!((page.visibility, page.cause, page.answered_in.len()), (Visibility::BothWays, None, 2), "{page:?}");
        assert_eq!(page.networks[0].network, format!("10.10.{vlan}.0/24"));
    }
    let damage = Damage { broadcast_vlans: [20].into(), tagged: true, ..Damage::default() };
    let page = page_of(&watched(&site, &damage, 3).1, 20);
    assert_eq!((page.visibility, page.cause), (Visibility::BroadcastOnly, Some(CoverageCause::VlanNotMirrored)));
}

fn page_of(map: &FlowMap, vlan: u16) -> VlanCoverage {
    let tags = VlanStack { vlan: VlanId::new(vlan), inner_vlan: None };
    map.coverage.vlans.iter().find(|page| page.tags == tags).cloned().unwrap()
}

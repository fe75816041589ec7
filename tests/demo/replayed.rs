//! The story without root: a generated capture through the same code, up to the proof.

use anyhow::{Result, ensure};
use harness::enforcer::{Answer, Enforcer, code};
use harness::generate::generate;
use harness::scratch::Scratch;
use harness::sensor::replay;
use harness::story::Narrator;
use harness::story::{self, OWNER, REVIEW_BY};

use crate::screen::Screen;

const SEED: u64 = 1;
const HOURS: u64 = 50;

pub fn play(screen: &Screen) -> Result<()> {
    let scratch = Scratch::create("demo")?;
    screen.note("not root: a generated capture is replayed instead of live traffic");
    screen.note("left out: namespaces, AF_XDP, MQTT, apply and rollback; run `make demo` as root for them");

    screen.chapter(1, "A capture of the plant: 50 hours, and the same with an intruder in the last one");
    let (quiet, intruded) = (scratch.file("plant.pcap"), scratch.file("intruder.pcap"));
    for (recipe, path) in [("plant", &quiet), ("intruder", &intruded)] {
        let truth = generate(recipe, Some(HOURS), SEED, path, None)?;
        screen.say(&format!("{recipe}.pcap: {} packets, {} flows", truth.packets, truth.flows.len()));
    }

    screen.chapter(2, "The sensor replays it");
    let normal = replay(&[&quiet], &scratch, "normal", &[])?;
    replay(&[&intruded], &scratch, "incident", &[])?;
    let accounting = normal.flow_map.accounting;
    screen.good(&format!(
        "{} packets read, {} lost, {} skipped",
        accounting.packets, accounting.lost_packets, accounting.skipped_packets
    ));

    screen.chapter(3, "The flow map");
    for asset in &normal.flow_map.assets {
        let claim = |claim: &Option<sensor_model::Claim>| claim.as_ref().map_or("-".to_owned(), |claim| claim.value.clone());
        screen.say(&format!(
            "{:<18} {:<26} {:<14} {}",
            asset.label,
            claim(&asset.vendor),
            claim(&asset.role),
            asset.coverage.visibility.as_str()
        ));
    }
    let label = |id| normal.flow_map.asset(id).map_or("?", |asset| asset.label.as_str());
    for conversation in &normal.flow_map.conversations {
        let (from, to) = (label(&conversation.client), label(&conversation.server));
        screen.say(&format!("{from:<18} -> {to:<18} {:<16} {} flows", conversation.service.to_string(), conversation.flows));
    }

    screen.chapter(4, "From the map to a proven rule set");
    let enforcer = Enforcer::configure(&scratch, &[])?;
    let step = |arguments: &[&str], codes: &[i32], limit| -> Result<Answer> {
        let answer = enforcer.run(arguments)?;
        screen.answer(&answer, limit);
        answer.expect_code(codes)
    };
    let quiet_map = ["--policy", "policy.yaml", "--flowmap", "normal/flowmap.json"];
    let learn = ["learn", "--flowmap", "normal/flowmap.json", "--owner", OWNER, "--review-by", REVIEW_BY, "--out", "policy.yaml"];
    step(&learn, &[code::DONE], 6)?;
    step(&[&["check"], &quiet_map[..]].concat(), &[code::DONE], 6)?;
    step(&[&["simulate"], &quiet_map[..]].concat(), &[code::DONE], 8)?;
    screen.say("nothing would be cut, so the owner switches every zone from observe to enforce");
    story::switch_to_enforce(&enforcer, "policy.yaml")?;
    screen.say("the same policy on the capture with the intruder:");
    step(&["simulate", "--policy", "policy.yaml", "--flowmap", "incident/flowmap.json"], &[code::TRAFFIC_WOULD_BREAK], 10)?;
    step(&[&["render", "--target", "nftables", "--out", "router.nft"], &quiet_map[..]].concat(), &[code::DONE], 4)?;
    let proven = step(&[&["prove", "--target", "nftables"], &quiet_map[..], &["router.nft"]].concat(), &[code::DONE], 6)?;
    ensure!(proven.code == code::DONE, "the proof should hold");

    screen.summary(&format!(
        "{} assets, {} conversations from {} replayed packets; the rendered rules are proven equal to the policy; nothing was enforced",
        normal.flow_map.assets.len(),
        normal.flow_map.conversations.len(),
        accounting.packets
    ));
    Ok(())
}

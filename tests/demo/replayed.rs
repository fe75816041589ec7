//! The story without root: a generated capture through the same code, up to the proof.

use std::process::Command;

use anyhow::Result;
use harness::binary;
use harness::enforcer::{Enforcer, code};
use harness::generate::generate;
use harness::namespace::run;
use harness::scratch::Scratch;
use harness::sensor::replay;
use harness::story::{self, Narrator};

use crate::screen::Screen;

const SEED: u64 = 1;
const HOURS: u64 = 50;

pub fn play(screen: &Screen) -> Result<()> {
    let scratch = Scratch::create("demo")?;
    screen.note("not root: a generated capture is replayed instead of live traffic");
    screen.note(
        "left out: namespaces, AF_XDP, MQTT, plan (it reads the router), apply and rollback; run `make demo` as root for them",
    );

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
    for table in ["assets", "conversations"] {
        let mut command = Command::new(binary::path("sensor")?);
        command.arg(table).arg("--flowmap").arg(normal.folder.join("flowmap.json"));
        screen.command(&format!("sensor {table} --flowmap normal/flowmap.json"), &run(&mut command)?, 30);
    }

    screen.chapter(4, "From the map to a proven rule set");
    let enforcer = Enforcer::configure(&scratch, &[])?;
    story::propose(screen, &enforcer, "normal/flowmap.json")?;
    screen.say("the same policy on the capture with the intruder:");
    let simulated = enforcer.run(&["simulate", "--policy", "policy.yaml", "--flowmap", "incident/flowmap.json"])?;
    story::show_simulation(screen, &simulated);
    simulated.expect_code(&[code::TRAFFIC_WOULD_BREAK])?;
    story::prove(screen, &enforcer, "normal/flowmap.json")?;

    screen.summary(&format!(
        "{} assets, {} conversations from {} replayed packets; the rendered rules are proven equal to the policy; nothing was enforced",
        normal.flow_map.assets.len(),
        normal.flow_map.conversations.len(),
        accounting.packets
    ));
    Ok(())
}

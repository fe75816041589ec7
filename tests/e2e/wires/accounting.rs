//! Each stage starved in turn: the books stay exact, and the loss stands under the stage that caused it.

use std::net::SocketAddr;
use std::time::Duration;

use harness::deadline::wait_for;
use harness::generate::{Talk, Way};
use harness::ledger::Ledger;
use harness::link;
use harness::namespace::Namespace;
use harness::packet::{Link, UDP};
use harness::plant::{SENSOR_HTTP, TAP};
use harness::scratch::Scratch;
use harness::sensor::Sensor;
use harness::wire_sender::WireSender;

use crate::on_wires;

const PER_SECOND: usize = 20_000;

/// Two namespaces and a silent wire of `queues` queues between them.
pub fn wire(queues: u32) -> (Namespace, Namespace) {
    let (talker, listener) = (Namespace::create("talker").unwrap(), Namespace::create("listener").unwrap());
    link::connect_with_queues((&talker, "wire0"), (&listener, TAP), queues).unwrap();
    for (namespace, interface) in [(&talker, "wire0"), (&listener, TAP)] {
        namespace.run("ip", &["link", "set", interface, "arp", "off", "multicast", "off"]).unwrap();
    }
    (talker, listener)
}

/// `[capture]` lines and whole sections behind them.
pub fn config(capture: &str, rest: &str) -> String {
    format!(
        "[capture]\n{capture}\n[alert]\nlearning = \"1s\"\nmax_per_asset_an_hour = 1000\n\
         [http]\nlisten = \"{SENSOR_HTTP}\"\n{rest}\n"
    )
}

/// Flows that tell everything soon after they fell silent.
pub const SHORT_FLOWS: &str = "[flow]\ninterim_interval = \"1s\"\nudp_idle_timeout = \"2s\"\ntcp_idle_timeout = \"2s\"";

/// A question of each of `count` hosts.
pub fn questions(count: u16) -> Vec<Vec<u8>> {
    let question = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let link = Link::between([2, 0, 0, 0, high, low], [2, 0, 0, 1, high, low]);
        let (client, server): (SocketAddr, SocketAddr) = (([10, 1, high, low], 40_000).into(), ([10, 2, high, low], 161).into());
        Talk::new(link, UDP, client, server).say(Way::ToServer, b"counted")
    };
    (1..=count).map(question).collect()
}

fn losses(of: &[(&str, u64)]) -> std::collections::BTreeMap<String, u64> {
    of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// What the books say of 1,000 frames that came while the sensor could not run, and of 500 that came before.
fn starved(capture: &str) -> Option<Ledger> {
    if !on_wires() {
        return None;
    }
    let (talker, listener) = wire(1);
    let scratch = Scratch::create("starved").unwrap();
    let sensor = Sensor::start_configured(&listener, &scratch, &config(capture, "")).unwrap();
    let mut sender = WireSender::open(&talker, "wire0").unwrap();
    let frames = questions(1_000);
    sender.send_paced(frames[..500].iter(), 2_000).unwrap();
    Ledger::settled(&sensor, 500).unwrap();

    sensor.running.pause().unwrap();
    sender.send_paced(frames.iter(), PER_SECOND).unwrap();
    sensor.running.resume();

    let ledger = Ledger::settled(&sensor, 1_500).unwrap();
    ledger.balances().unwrap();
    assert_eq!(ledger.of("wire").unwrap().entered, 1_500);
    let table = sensor.table("status").unwrap();
    assert!(
        ledger.losses().iter().all(|(name, count)| table.contains(&format!("{count} {}", name.split(": ").nth(1).unwrap()))),
        "{table}"
    );
    Some(ledger)
}

#[test]
fn a_ring_that_is_too_small_is_blamed_for_what_did_not_fit() {
    for path in ["af-xdp", "af-xdp-generic"] {
        let capture = format!("path = \"{path}\"\nring_size = 128\nframe_count = 256");
        let Some(ledger) = starved(&capture) else { return };
        assert_eq!(ledger.losses(), losses(&[("ring: ring full", 872)]), "{path}");
    }
}

#[test]
fn buffers_that_are_too_few_are_blamed_and_not_the_ring() {
    let Some(ledger) = starved("path = \"af-xdp\"\nring_size = 256\nframe_count = 64") else { return };
    assert_eq!(ledger.losses(), losses(&[("ring: no free buffer", 936)]));
}

#[test]
fn nothing_is_lost_and_nobody_blamed_where_everything_has_room() {
    let Some(ledger) = starved("path = \"af-xdp\"") else { return };
    assert_eq!(ledger.losses(), losses(&[]));
    let Some(ledger) = starved("path = \"libpcap\"") else { return };
    assert_eq!(ledger.losses(), losses(&[]));
}

#[test]
fn a_queue_without_a_socket_is_blamed_until_the_capture_has_noticed_it() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = wire(4);
    listener.run("ethtool", &["-L", TAP, "rx", "1"]).unwrap();
    let scratch = Scratch::create("socketless").unwrap();
    let mut sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", "")).unwrap();
    let mut sender = WireSender::open(&talker, "wire0").unwrap();
    let frames = questions(400);

    sensor.running.pause().unwrap();
    listener.run("ethtool", &["-L", TAP, "rx", "4"]).unwrap();
    sender.send_paced(frames.iter(), PER_SECOND).unwrap();
    sensor.running.resume();
    sensor
        .running
        .wait_for_line("the new capture", Duration::from_secs(10), |line| {
            line.contains("AF_XDP") && line.contains("4 receive queues")
        })
        .unwrap();
    sender.send_paced(frames.iter(), PER_SECOND).unwrap();

    let ledger = Ledger::settled(&sensor, 800).unwrap();
    ledger.balances().unwrap();
    let lost = ledger.losses().get("program: queue without socket").copied().unwrap_or(0);
    assert!(lost > 0, "{ledger:?}");
    assert_eq!(ledger.losses(), losses(&[("program: queue without socket", lost)]));
    assert_eq!((ledger.of("wire").unwrap().entered, ledger.of("flow table").unwrap().passed), (800, 800 - lost));
}

#[test]
fn what_cannot_be_decoded_is_named_by_its_reason_and_what_is_no_flow_is_no_loss() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = wire(1);
    let scratch = Scratch::create("undecodable").unwrap();
    let sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", "")).unwrap();
    let mut sender = WireSender::open(&talker, "wire0").unwrap();
    // An IPv4 packet that claims a header of 60 bytes, an ARP question, a frame of a local experiment.
    let mut broken = questions(1).remove(0);
    broken[14] = 0x4f;
    let link = Link::between([2, 0, 0, 0, 0, 1], [0xff; 6]);
    let arp =
        link.frame(0x0806, &harness::packet::arp(1, ([2, 0, 0, 0, 0, 1], [10, 1, 0, 1].into()), ([0; 6], [10, 1, 0, 2].into())));
    let other = link.frame(0x88b5, b"experiment");
    let frames: Vec<_> = [broken, arp, other].into_iter().cycle().take(300).chain(questions(200)).collect();

    sender.send_paced(frames.iter(), PER_SECOND).unwrap();

    let ledger = Ledger::settled(&sensor, 500).unwrap();
    ledger.balances().unwrap();
    let lost = ledger.losses();
    assert_eq!((lost.len(), lost.values().sum::<u64>()), (1, 100), "{lost:?}");
    assert!(lost.keys().all(|name| name.starts_with("decode: ")), "{lost:?}");
    assert_eq!(ledger.of("flow table").unwrap().passed, 200);
}

#[test]
fn a_broker_that_is_away_fills_the_outbox_and_the_outbox_is_blamed() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = wire(1);
    let scratch = Scratch::create("brokerless").unwrap();
    let mqtt = "[mqtt]\nbroker = \"mqtt://127.0.0.1:1\"\nmax_waiting = 5";
    let sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", mqtt)).unwrap();
    let mut sender = WireSender::open(&talker, "wire0").unwrap();
    let frames = questions(60);
    // Past learning, whose clock is that of the packets.
    sender.send_paced(frames[..1].iter().cycle().take(1_500), 1_000).unwrap();

    sender.send_paced(frames[1..].iter(), PER_SECOND).unwrap();

    let ledger = wait_for("alerts of the newcomers", Duration::from_secs(10), || {
        let ledger = Ledger::read(&sensor)?;
        Ok((ledger.of("export")?.entered >= 50).then_some(ledger))
    })
    .unwrap();
    ledger.balances().unwrap();
    let export = ledger.of("export").unwrap();
    assert_eq!((export.waiting, export.passed), (5, 0));
    assert_eq!(ledger.losses(), losses(&[("export: outbox full", export.entered - 5)]));
}

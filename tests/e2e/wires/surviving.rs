//! What happens to a port while somebody listens: it goes down, is removed and comes back, gets other queues; the configuration is read again.

use std::time::Duration;

use harness::ledger::Ledger;
use harness::link;
use harness::namespace::Namespace;
use harness::plant::TAP;
use harness::scratch::Scratch;
use harness::sensor::Sensor;
use harness::wire_sender::WireSender;

use super::accounting::{SHORT_FLOWS, config, questions, wire};
use crate::on_wires;

const PER_SECOND: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(10);

fn send(talker: &Namespace) {
    WireSender::open(talker, "wire0").unwrap().send_paced(questions(400).iter(), PER_SECOND).unwrap();
}

fn wait_for_capture(sensor: &mut Sensor<'_>, times: usize) {
    let mut seen = 0;
    harness::deadline::wait_until("another capture", PATIENCE, || {
        seen = sensor.running.complaints().lines().filter(|line| line.contains("capturing interface")).count();
        seen >= times
    })
    .unwrap_or_else(|error| panic!("{error}: {}", sensor.running.complaints()));
}

#[test]
fn a_port_that_was_down_is_heard_again_and_nothing_is_missing_in_the_books() {
    if !on_wires() {
        return;
    }
    for path in ["af-xdp", "af-xdp-generic", "libpcap"] {
        let (talker, listener) = wire(1);
        let scratch = Scratch::create("down").unwrap();
        let sensor = Sensor::start_configured(&listener, &scratch, &config(&format!("path = \"{path}\""), "")).unwrap();
        send(&talker);
        Ledger::settled(&sensor, 400).unwrap();
        listener.run("ip", &["link", "set", TAP, "down"]).unwrap();
        harness::deadline::wait_until("the state", PATIENCE, || {
            sensor.status().is_ok_and(|status| status["port_state"] == "down")
        })
        .unwrap();

        listener.run("ip", &["link", "set", TAP, "up"]).unwrap();
        send(&talker);

        let ledger = Ledger::settled(&sensor, 800).unwrap();
        ledger.balances().unwrap();
        assert_eq!((ledger.of("flow table").unwrap().passed, ledger.losses().len()), (800, 0), "{path}: {ledger:?}");
    }
}

#[test]
fn more_queues_are_served_at_once_and_no_count_is_lost() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = wire(4);
    // Only upwards: the kernel keeps the queues that sockets are bound to.
    listener.run("ethtool", &["-L", TAP, "rx", "1"]).unwrap();
    let scratch = Scratch::create("queues").unwrap();
    let mut sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", SHORT_FLOWS)).unwrap();
    send(&talker);
    for (times, queues) in [(2, "2"), (3, "3"), (4, "4")] {
        Ledger::settled(&sensor, 400 * (times - 1)).unwrap();
        listener.run("ethtool", &["-L", TAP, "rx", queues]).unwrap();
        wait_for_capture(&mut sensor, times as usize);
        send(&talker);
    }

    let ledger = Ledger::settled(&sensor, 1_600).unwrap();
    ledger.balances().unwrap();
    assert_eq!((ledger.of("flow table").unwrap().passed, ledger.losses().len()), (1_600, 0), "{ledger:?}");
    let counted = || -> Option<(usize, u64)> {
        let talks = sensor.flow_map().ok()?.conversations;
        Some((talks.len(), talks.iter().map(|talk| talk.packets.client).sum()))
    };
    harness::deadline::wait_until("all packets in the map", PATIENCE, || counted() == Some((400, 1_600)))
        .unwrap_or_else(|error| panic!("{error}: {:?}", counted()));
}

#[test]
fn a_port_that_is_removed_and_made_again_is_found_and_silenced_again() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = wire(1);
    let scratch = Scratch::create("removed").unwrap();
    let mut sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", "")).unwrap();
    send(&talker);
    Ledger::settled(&sensor, 400).unwrap();
    talker.run("ip", &["link", "del", "wire0"]).unwrap();
    sensor.running.wait_for_line("the loss", PATIENCE, |line| line.contains("nothing is captured")).unwrap();

    link::connect((&talker, "wire0"), (&listener, TAP)).unwrap();
    wait_for_capture(&mut sensor, 2);
    talker.run("ip", &["link", "set", "wire0", "arp", "off", "multicast", "off"]).unwrap();
    send(&talker);

    let ledger = Ledger::settled(&sensor, 800).unwrap();
    ledger.balances().unwrap();
    assert_eq!((ledger.of("flow table").unwrap().passed, ledger.losses().len()), (800, 0), "{ledger:?}");
    assert!(listener.run("ip", &["link", "show", TAP]).unwrap().contains("NOARP"));
}

#[test]
fn a_reload_takes_over_the_capture_and_a_file_with_mistakes_changes_nothing() {
    if !on_wires() {
        return;
    }
    let (talker, listener) = wire(1);
    let scratch = Scratch::create("reload").unwrap();
    let mut sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", "")).unwrap();
    send(&talker);
    Ledger::settled(&sensor, 400).unwrap();

    scratch.write("sensor.toml", "[capture]\nring = 3\n").unwrap();
    sensor.running.request_reload();
    sensor.running.wait_for_line("the mistake", PATIENCE, |line| line.contains("unknown key `capture.ring`")).unwrap();
    scratch.write("sensor.toml", &config("path = \"libpcap\"", "")).unwrap();
    sensor.running.request_reload();
    wait_for_capture(&mut sensor, 2);
    send(&talker);

    let ledger = Ledger::settled(&sensor, 800).unwrap();
    ledger.balances().unwrap();
    assert_eq!((ledger.of("flow table").unwrap().passed, ledger.losses().len()), (800, 0), "{ledger:?}");
    assert_eq!(sensor.status().unwrap()["capture"], "libpcap");
    // The flows went on: four hundred, not eight hundred.
    assert_eq!(sensor.flow_map().unwrap().conversations.iter().map(|talk| talk.flows).sum::<u64>(), 400);
}

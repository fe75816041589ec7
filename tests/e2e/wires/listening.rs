//! The sensor on a wire of its own: every frame counted, none sent, pages that Prometheus takes.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::deadline::wait_for;
use harness::generate::{Talk, Way};
use harness::link::{self, Gro};
use harness::namespace::Namespace;
use harness::packet::{Link, UDP};
use harness::plant::TAP;
use harness::scratch::Scratch;
use harness::sensor::{Sensor, SensorSetting};
use harness::wire_sender::WireSender;

use crate::on_wires;

const FRAMES: usize = 100_000;
const PER_SECOND: usize = 20_000;

/// Two namespaces and the wire between them: nothing but the test's own frames is on it.
pub fn quiet_wire() -> (Namespace, Namespace) {
    let (talker, listener) = (Namespace::create("talker").unwrap(), Namespace::create("listener").unwrap());
    link::connect((&talker, "wire0"), (&listener, TAP)).unwrap();
    link::set_offloads(&listener, TAP, Gro::Off).unwrap();
    for (namespace, interface) in [(&talker, "wire0"), (&listener, TAP)] {
        namespace.run("ip", &["link", "set", interface, "arp", "off", "multicast", "off"]).unwrap();
    }
    (talker, listener)
}

/// Datagrams of a hundred flows, in turn.
fn frames() -> Vec<Vec<u8>> {
    let talk = |number: u8| {
        let link = Link::between([2, 0, 0, 0, 0, number], [2, 0, 0, 0, 1, number]);
        let (client, server): (SocketAddr, SocketAddr) = (([10, 1, 0, number], 40_000).into(), ([10, 2, 0, number], 161).into());
        Talk::new(link, UDP, client, server).say(Way::ToServer, b"counted")
    };
    (0..100).map(talk).collect()
}

fn every_frame_is_counted_and_none_is_sent(path: &'static str) {
    if !on_wires() {
        return;
    }
    let (talker, listener) = quiet_wire();
    let scratch = Scratch::create("listening").unwrap();
    let setting = SensorSetting { path, learning: Duration::from_secs(3600), with_broker: false };
    let mut sensor = Sensor::start(&listener, &scratch, &setting).unwrap();
    let before = sensor.flow_map().map_or(0, |map| map.accounting.packets);

    WireSender::open(&talker, "wire0").unwrap().send_paced(frames().iter().cycle().take(FRAMES), PER_SECOND).unwrap();

    let wanted = before + FRAMES as u64;
    let counted = wait_for("all frames", Duration::from_secs(10), || {
        Ok(sensor.flow_map().ok().map(|map| map.accounting).filter(|accounting| accounting.packets >= wanted))
    });
    let accounting = counted.unwrap_or_else(|_| panic!("of {FRAMES}: {:?}", sensor.flow_map().map(|map| map.accounting)));
    assert_eq!((accounting.packets, accounting.lost_packets), (wanted, 0));
    sensor.running.request_stop();
    sensor.running.wait(Duration::from_secs(10)).unwrap();
    assert_eq!(link::frame_count(&listener, TAP).unwrap(), link::FrameCount { received: FRAMES as u64, sent: 0 });
}

#[test]
fn af_xdp_counts_every_frame_at_20_kpps_and_sends_none() {
    every_frame_is_counted_and_none_is_sent("af-xdp");
}

#[test]
fn libpcap_counts_every_frame_at_20_kpps_and_sends_none() {
    every_frame_is_counted_and_none_is_sent("libpcap");
}

#[test]
fn a_killed_sensor_sends_nothing_and_the_next_one_starts_on_the_same_port() {
    if !on_wires() {
        return;
    }
    let (_talker, listener) = quiet_wire();
    let scratch = Scratch::create("restart").unwrap();
    let setting = SensorSetting { path: "auto", learning: Duration::from_secs(3600), with_broker: false };
    Sensor::start(&listener, &scratch, &setting).unwrap().running.kill_hard();

    let second = Sensor::start(&listener, &scratch, &setting);

    assert!(second.is_ok(), "{second:?}");
    drop(second);
    assert_eq!(link::frame_count(&listener, TAP).unwrap().sent, 0);
}

#[test]
fn promtool_accepts_the_metrics_page() {
    if !on_wires() {
        return;
    }
    let (_talker, listener) = quiet_wire();
    let scratch = Scratch::create("metrics").unwrap();
    let setting = SensorSetting { path: "auto", learning: Duration::from_secs(3600), with_broker: false };
    let sensor = Sensor::start(&listener, &scratch, &setting).unwrap();
    let page = sensor.metrics().unwrap();
    assert!(page.contains("# TYPE sensor_"), "{page}");

    let promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();

    let Ok(mut promtool) = promtool else {
        eprintln!("NOT CHECKED: no promtool; install Debian's package `prometheus`");
        return;
    };
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success(), "{}\n{page}", String::from_utf8_lossy(&said.stderr));
}

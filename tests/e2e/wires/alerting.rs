//! An alert is not lost because nobody was there to take it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use harness::broker::Broker;
use harness::deadline::wait_for;
use harness::generate::{Talk, Way};
use harness::link;
use harness::mqtt::Subscription;
use harness::namespace::Namespace;
use harness::packet::{Link, UDP};
use harness::plant::{BROKER, TAP};
use harness::scratch::Scratch;
use harness::sensor::{Sensor, SensorSetting};
use harness::wire_sender::WireSender;

use crate::on_wires;

const LEARNING: Duration = Duration::from_secs(1);

/// A question of host `number` to a server, and the answer.
fn exchange(number: u8) -> [Vec<u8>; 2] {
    let link = Link::between([0, 0x1b, 0x1b, 0, 0, number], [0, 0x1b, 0x1b, 0, 1, 1]);
    let (client, server): (SocketAddr, SocketAddr) = (([10, 1, 0, number], 40_000).into(), ([10, 1, 0, 200], 161).into());
    let mut talk = Talk::new(link, UDP, client, server);
    [talk.say(Way::ToServer, b"question"), talk.say(Way::ToClient, b"answer")]
}

/// Sends until the sensor's clock, which is that of the packets, is past learning.
fn learn(sender: &mut WireSender) {
    let frames = [exchange(1), exchange(1)].concat();
    sender.send_paced(frames.iter().cycle().take(1500), 1000).unwrap();
}

fn is_alert_about(message: &harness::mqtt::Message, address: &str) -> bool {
    message.topic.contains("/alert/") && String::from_utf8_lossy(&message.payload).contains(address)
}

struct Wire {
    talker: Namespace,
    listener: Namespace,
}

fn wire() -> Wire {
    let (talker, listener) = (Namespace::create("talker").unwrap(), Namespace::create("listener").unwrap());
    link::connect((&talker, "wire0"), (&listener, TAP)).unwrap();
    Wire { talker, listener }
}

#[test]
fn an_alert_raised_while_the_broker_was_dead_arrives_when_it_is_back() {
    if !on_wires() || !Broker::available() {
        return;
    }
    let (wire, scratch) = (wire(), Scratch::create("alerting").unwrap());
    let broker = Broker::mosquitto(&wire.listener, BROKER, scratch.path()).unwrap();
    let setting = SensorSetting { path: "auto", learning: LEARNING, with_broker: true };
    let sensor = Sensor::start(&wire.listener, &scratch, &setting).unwrap();
    let mut sender = WireSender::open(&wire.talker, "wire0").unwrap();
    learn(&mut sender);

    broker.kill_hard();
    exchange(66).iter().for_each(|frame| sender.send(frame).unwrap());
    wait_for("the newcomer in the map", Duration::from_secs(10), || {
        Ok(sensor
            .flow_map()?
            .assets
            .iter()
            .any(|asset| asset.addresses.iter().any(|used| used.address == IpAddr::from([10, 1, 0, 66])))
            .then_some(()))
    })
    .unwrap();
    let _broker = Broker::mosquitto(&wire.listener, BROKER, scratch.path()).unwrap();
    let subscription = Subscription::open(&wire.listener, BROKER, "cordon/#").unwrap();

    subscription.wait_for("the alert", Duration::from_secs(30), |message| is_alert_about(message, "10.1.0.66")).unwrap();
}

#[test]
fn an_alert_of_a_killed_sensor_arrives_after_its_restart() {
    if !on_wires() || !Broker::available() {
        return;
    }
    let (wire, scratch) = (wire(), Scratch::create("outbox").unwrap());
    let setting = SensorSetting { path: "auto", learning: LEARNING, with_broker: true };
    let mut sender = {
        // No broker is there at all.
        let mut sensor = Sensor::start(&wire.listener, &scratch, &setting).unwrap();
        let mut sender = WireSender::open(&wire.talker, "wire0").unwrap();
        learn(&mut sender);
        exchange(67).iter().for_each(|frame| sender.send(frame).unwrap());
        wait_for("the alert in the outbox", Duration::from_secs(10), || {
            // What is committed stands in SQLite's write-ahead log first.
            let is_kept = ["outbox", "outbox-wal"].iter().any(|name| {
                let kept = std::fs::read(scratch.file(name)).unwrap_or_default();
                String::from_utf8_lossy(&kept).contains("10.1.0.67")
            });
            Ok(is_kept.then_some(()))
        })
        .unwrap();
        sensor.running.kill_hard();
        sender
    };

    let _broker = Broker::mosquitto(&wire.listener, BROKER, scratch.path()).unwrap();
    let subscription = Subscription::open(&wire.listener, BROKER, "cordon/#").unwrap();
    let _sensor = Sensor::start(&wire.listener, &scratch, &setting).unwrap();
    learn(&mut sender);

    subscription.wait_for("the alert", Duration::from_secs(30), |message| is_alert_about(message, "10.1.0.67")).unwrap();
}

#[test]
fn the_last_will_tells_of_a_sensor_that_was_killed() {
    if !on_wires() || !Broker::available() {
        return;
    }
    let (wire, scratch) = (wire(), Scratch::create("will").unwrap());
    let _broker = Broker::mosquitto(&wire.listener, BROKER, scratch.path()).unwrap();
    let subscription = Subscription::open(&wire.listener, BROKER, "cordon/+/status").unwrap();
    let setting = SensorSetting { path: "auto", learning: LEARNING, with_broker: true };
    let mut sensor = Sensor::start(&wire.listener, &scratch, &setting).unwrap();
    let online = subscription.wait_for("the first status", Duration::from_secs(10), |_| true).unwrap();

    sensor.running.kill_hard();

    subscription.wait_for("another status", Duration::from_secs(30), |message| message.payload != online.payload).unwrap();
}

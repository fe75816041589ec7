//! Not one frame leaves the mirror port: a second host at the other end of the wire listens from before the start to after the end.

use std::time::{Duration, Instant};

use harness::link;
use harness::namespace::Namespace;
use harness::plant::TAP;
use harness::scratch::Scratch;
use harness::sensor::Sensor;
use harness::wire_sender::WireSender;

use super::accounting::{config, questions};
use crate::on_wires;

const QUIET: Duration = Duration::from_secs(3);

/// A wire whose near end would speak: IPv6, ARP and multicast are on, as a new port has them.
fn talkative_wire() -> (Namespace, Namespace) {
    let (talker, listener) = (Namespace::create("second").unwrap(), Namespace::create("listener").unwrap());
    listener.sysctl("net.ipv6.conf.all.disable_ipv6", "0").unwrap();
    listener.sysctl("net.ipv6.conf.default.disable_ipv6", "0").unwrap();
    // It is to fall silent soon by itself, or the test would take a minute: the solicitations come at once.
    listener.sysctl("net.ipv6.conf.default.router_solicitations", "1").unwrap();
    link::connect((&talker, "wire0"), (&listener, TAP)).unwrap();
    talker.run("ip", &["link", "set", "wire0", "arp", "off", "multicast", "off"]).unwrap();
    (talker, listener)
}

fn heard(talker: &Namespace) -> u64 {
    link::frame_count(talker, "wire0").unwrap().received
}

/// Until the second host has heard nothing for a while; gives what it heard so far.
fn wait_for_quiet(talker: &Namespace) -> u64 {
    let (mut last, mut since) = (heard(talker), Instant::now());
    while since.elapsed() < QUIET {
        std::thread::sleep(Duration::from_millis(50));
        if heard(talker) != last {
            (last, since) = (heard(talker), Instant::now());
        }
    }
    last
}

#[test]
fn the_second_host_hears_nothing_over_start_traffic_crash_reload_and_stop() {
    if !on_wires() {
        return;
    }
    for path in ["af-xdp", "libpcap"] {
        let (talker, listener) = talkative_wire();
        let scratch = Scratch::create("silent").unwrap();
        let text = config(&format!("path = \"{path}\""), "");
        let before = wait_for_quiet(&talker);
        assert!(before > 0, "the port never speaks, so that this test shows nothing");

        let mut killed = Sensor::start_configured(&listener, &scratch, &text).unwrap();
        let send = || WireSender::open(&talker, "wire0").unwrap().send_paced(questions(200).iter(), 20_000).unwrap();
        send();
        killed.running.kill_hard();
        send();
        let mut sensor = Sensor::start_configured(&listener, &scratch, &text).unwrap();
        send();
        sensor.running.request_reload();
        sensor.running.wait_for_line("the reload", QUIET, |line| line.contains("reloaded")).unwrap();
        send();
        listener.run("ip", &["link", "set", TAP, "down"]).unwrap();
        listener.run("ip", &["link", "set", TAP, "up"]).unwrap();
        send();
        sensor.running.request_stop();
        sensor.running.wait(Duration::from_secs(10)).unwrap();
        // Longer than duplicate address detection and the first multicast reports of a port that gets its IPv6 back.
        std::thread::sleep(QUIET);

        assert_eq!(heard(&talker), before, "{path}: {}", sensor.running.complaints());
        // The port only lost its voice: it is given back by the commands that the sensor told.
        listener.run("sysctl", &["-qw", &format!("net.ipv6.conf.{TAP}.disable_ipv6=0")]).unwrap();
        harness::deadline::wait_until("a frame", Duration::from_secs(10), || heard(&talker) > before).unwrap();
    }
}

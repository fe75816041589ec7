//! A muted port says nothing, also after we are gone.

use std::time::{Duration, Instant};

use sensor_capture::{CapturePath, Live, LiveConfig, PathChoice, mute};

use crate::wire::{FAR, TAP, Wire};

fn sent(wire: &Wire) -> u64 {
    let text = wire.inside(&format!("cat /sys/class/net/{TAP}/statistics/tx_packets"));
    text.trim().parse().expect("a number")
}

#[test]
fn a_muted_port_stays_silent_where_it_would_speak_ipv6_and_arp() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside(&format!("ip link set {TAP} down"));
    wire.inside(&format!("sysctl -qw net.ipv6.conf.{TAP}.disable_ipv6=0"));
    wire.enter(|| {
        let muted = mute(TAP).expect("the port exists");
        assert!(muted.warnings().is_empty(), "{:?}", muted.warnings());
        assert!(wire.inside(&format!("ip link show {TAP}")).contains("NOARP"));
        wire.inside(&format!("ip link set {TAP} up"));
        wire.inside(&format!("ip link set {FAR} up"));
        // Duplicate address detection and router solicitation would come within this time.
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(sent(&wire), 0);

        // Nothing is undone by itself: who wants the port back is told how.
        let undo = muted.undo().to_vec();
        drop(muted);
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(sent(&wire), 0);
        assert_eq!(undo, ["sysctl -w net.ipv6.conf.tap.disable_ipv6=0", "ip link set tap arp on"]);
        undo.iter().for_each(|command| _ = wire.inside(command));
        let deadline = Instant::now() + Duration::from_secs(10);
        while sent(&wire) == 0 {
            assert!(Instant::now() < deadline, "the port would not have spoken anyway: this test shows nothing");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn a_port_that_the_host_uses_is_neither_silenced_nor_taken_from_it() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside(&format!("ip addr add 192.0.2.1/24 dev {TAP}"));
    wire.enter(|| {
        let muted = mute(TAP).expect("the port exists");
        let [warning] = muted.warnings() else { panic!("{:?}", muted.warnings()) };
        assert!(warning.contains("has an IPv4 address") && warning.contains("ip addr flush dev tap"), "{warning}");
        assert!(!wire.inside(&format!("ip link show {TAP}")).contains("NOARP"));

        let by_itself = Live::open(&LiveConfig::new(TAP)).expect("a capture");
        assert_eq!(by_itself.path(), CapturePath::Libpcap, "{}", by_itself.reason());
        let asked_for = Live::open(&LiveConfig { path: PathChoice::AfXdp, ..LiveConfig::new(TAP) }).expect("a capture");
        assert_eq!(
            asked_for.warnings(),
            ["the interface has an IPv4 address: while AF_XDP listens, the host receives nothing there"]
        );
    });
}

#[test]
fn muting_what_is_silent_already_changes_nothing_and_warns_of_nothing() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside(&format!("ip link set {TAP} arp off"));
    wire.enter(|| {
        let muted = mute(TAP).expect("the port exists");
        assert!(muted.warnings().is_empty() && muted.undo().is_empty(), "{muted:?}");
        drop(muted);
        assert!(wire.inside(&format!("ip link show {TAP}")).contains("NOARP"));
    });
}

#[test]
fn a_port_that_does_not_exist_cannot_be_muted() {
    let error = mute("no-such-port").expect_err("no such port").to_string();
    assert!(error.starts_with("no interface `no-such-port`; there are "), "{error}");
}

fn feature(wire: &Wire, port: &str, name: &str) -> String {
    let all = wire.inside(&format!("ethtool -k {port}"));
    let line = all.lines().find(|line| line.trim_start().starts_with(name)).expect("a feature that every port has");
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn offloads_that_hide_tags_and_join_packets_are_off_while_we_listen_and_on_again_afterwards() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside("ip link add name bridge0 type bridge");
    wire.inside("ip link set bridge0 up");
    wire.enter(|| {
        let (stripping, joining) = ("rx-vlan-offload", "generic-receive-offload");
        assert_eq!((feature(&wire, TAP, stripping), feature(&wire, "bridge0", joining)), ("on".to_owned(), "on".to_owned()));

        let native = Live::open(&LiveConfig { path: PathChoice::AfXdp, ..LiveConfig::new(TAP) }).expect("a capture");
        let pcap = Live::open(&LiveConfig { path: PathChoice::Libpcap, ..LiveConfig::new("bridge0") }).expect("a capture");
        assert_eq!((native.warnings(), pcap.warnings()), ([].as_slice(), [].as_slice()));
        assert_eq!((feature(&wire, TAP, stripping), feature(&wire, "bridge0", joining)), ("off".to_owned(), "off".to_owned()));

        drop((native, pcap));
        assert_eq!((feature(&wire, TAP, stripping), feature(&wire, "bridge0", joining)), ("on".to_owned(), "on".to_owned()));
    });
}

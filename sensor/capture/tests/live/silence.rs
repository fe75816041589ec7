//! A muted port says nothing, and gets its voice back.

use std::time::Duration;

use sensor_capture::mute;

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
    wire.inside(&format!("ip addr add 192.0.2.1/24 dev {TAP}"));
    wire.enter(|| {
        let muted = mute(TAP).expect("the port exists");
        wire.inside(&format!("ip link set {TAP} up"));
        wire.inside(&format!("ip link set {FAR} up"));
        // Duplicate address detection and router solicitation would come within this time.
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(sent(&wire), 0);
        let [warning] = muted.warnings() else { panic!("{:?}", muted.warnings()) };
        assert!(warning.contains("has an IPv4 address") && warning.contains("ip addr flush dev tap"), "{warning}");

        drop(muted);

        let disabled = wire.inside(&format!("cat /proc/sys/net/ipv6/conf/{TAP}/disable_ipv6"));
        assert_eq!(disabled.trim(), "0");
        assert!(!wire.inside(&format!("ip link show {TAP}")).contains("NOARP"));
    });
}

#[test]
fn muting_what_is_silent_already_changes_nothing_and_warns_of_nothing() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside(&format!("ip link set {TAP} arp off"));
    wire.enter(|| {
        let muted = mute(TAP).expect("the port exists");
        assert!(muted.warnings().is_empty(), "{:?}", muted.warnings());
        drop(muted);
        assert!(wire.inside(&format!("ip link show {TAP}")).contains("NOARP"));
    });
}

#[test]
fn a_port_that_does_not_exist_cannot_be_muted() {
    let error = mute("no-such-port").expect_err("no such port").to_string();
    assert!(error.starts_with("no interface `no-such-port`; there are "), "{error}");
}

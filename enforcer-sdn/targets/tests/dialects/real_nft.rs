//! The renderings in a real kernel: loaded by nft in a network namespace of their own, listed back, and proven again.

use std::process::Command;

use crate::fed::fed;
use crate::rulesets::{Random, cases, fit, ruleset};
use enforcer_targets::{find, prove};

/// Runs a script in a new network namespace; None, said aloud, where that is not possible.
fn in_namespace(script: &str, input: &str) -> Option<(bool, String)> {
    let has_nft = Command::new("nft").arg("--version").output().is_ok_and(|output| output.status.success());
    let is_root = Command::new("unshare").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    if !has_nft || !is_root {
        eprintln!("NOT TESTED against a real kernel: this needs root and nft");
        return None;
    }
    let output = fed(Command::new("unshare").args(["-n", "sh", "-c", script]).env("TZ", "UTC"), input);
    let text = String::from_utf8(if output.status.success() { output.stdout } else { output.stderr }).unwrap();
    Some((output.status.success(), text))
}

#[test]
fn what_the_kernel_lists_back_is_proven_equal() {
    // Not the bridge with connections, which many kernels are built without.
    for (name, family) in [("nftables", "inet"), ("nftables-bridge-stateless", "bridge"), ("nftables-netdev", "netdev")] {
        let target = find(name).unwrap();
        let mut random = Random(5);
        for case in 0..cases("CORDON_KERNEL_CASES", 40) {
            let (ruleset, rendering) = fit(target, ruleset(&mut random, 20));
            // Twice: the second load must replace the first.
            let script = format!(
                "ip link add left type veth peer name right; nft() {{ command nft -D 'interfaces={{ left, right }}' \"$@\"; }}; \
                 cat > /dev/shm/cordon.$$.nft; nft -c -f /dev/shm/cordon.$$.nft && nft -f /dev/shm/cordon.$$.nft \
                 && nft -f /dev/shm/cordon.$$.nft && command nft -nn list table {family} cordon; ok=$?; rm /dev/shm/cordon.$$.nft; exit $ok"
            );
            let Some((loaded, listing)) = in_namespace(&script, &rendering.text) else { return };
            assert!(loaded, "{name} case {case}: nft refuses\n{listing}\n{}", rendering.text);
            if let Err(error) = prove(target, &ruleset, &listing) {
                panic!("{name} case {case}: {error}\n{}\nlisted as\n{listing}", rendering.text);
            }
        }
    }
}

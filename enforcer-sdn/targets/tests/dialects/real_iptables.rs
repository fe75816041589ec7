//! The iptables documents in a real kernel: loaded by the three tools in a network namespace of their own, listed back, proven again.

use std::process::Command;

use crate::fed::fed;
use crate::rulesets::{Random, cases, fit, ruleset};
use enforcer_targets::{find, prove};

/// Loads the document on stdin twice, the second time after the jump was taken out, and lists what the kernel holds.
const LOAD_TWICE_AND_LIST: &str = r#"
set -e
document=$(cat)
part() { printf '%s\n' "$document" | awk -v want="$1" '/^# ip/ { on = ($2 == want || $2 == want "-restore" || ($2 == "ipset" && want == "ipset")) } on'; }
for round in 1 2; do
  part ipset | sed 's/^# .*//' | ipset restore -exist
  part iptables | iptables-restore --noflush
  part ip6tables | ip6tables-restore --noflush
  [ $round = 2 ] || { iptables -D FORWARD -j cordon; ip6tables -D FORWARD -j cordon; }
done
ipset save
iptables-save
ip6tables-save
"#;

/// Runs a script in a new network namespace; None, said aloud, where that is not possible.
fn in_namespace(script: &str, input: &str) -> Option<(bool, String)> {
    let has = |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    let is_root = Command::new("unshare").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    if !has("iptables-restore") || !has("ipset") || !is_root {
        eprintln!("NOT TESTED against a real kernel: this needs root, iptables and ipset");
        return None;
    }
    let output = fed(Command::new("unshare").args(["-n", "sh", "-c", script]), input);
    let text = String::from_utf8(if output.status.success() { output.stdout } else { output.stderr }).unwrap();
    Some((output.status.success(), text))
}

#[test]
fn what_the_kernel_lists_back_is_proven_equal() {
    let target = find("iptables").unwrap();
    let mut random = Random(5);
    for case in 0..cases("CORDON_KERNEL_CASES", 15) {
        let (ruleset, rendering) = fit(target, ruleset(&mut random, 20));
        let Some((loaded, listing)) = in_namespace(LOAD_TWICE_AND_LIST, &rendering.text) else { return };
        assert!(loaded, "case {case}: refused\n{listing}\n{}", rendering.text);
        if let Err(error) = prove(target, &ruleset, &listing) {
            panic!("case {case}: {error}\n{}\nlisted as\n{listing}", rendering.text);
        }
    }
}

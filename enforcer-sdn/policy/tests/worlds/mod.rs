//! Random small policies for the property tests of this room.

use proptest::prelude::*;

/// Small worlds: three zones, few ports, a window; every packet of the world is asked.
pub fn world() -> impl Strategy<Value = String> {
    let peers = || prop::sample::select(vec!["a", "b", "c", "any", "outside", "[a, c]", "[b, outside]"]);
    let services = || {
        prop::sample::select(vec![
            "[tcp/1-3]",
            "[tcp/2]",
            "[udp/2]",
            "[any]",
            "[tcp]",
            "[icmp/8, ip/47]",
            "[tcp/3-9, udp/1-2]",
            "[ip/47]",
            "[icmp6]",
        ])
    };
    let schedule = || {
        prop::sample::select(vec![
            "",
            "",
            ", schedule: {days: [mon], from: \"00:00\", to: \"24:00\", timeZone: UTC}",
            ", schedule: {days: [mon-tue], from: \"12:00\", to: \"13:00\", timeZone: Europe/Berlin}",
        ])
    };
    let rule = (peers(), peers(), services(), schedule(), any::<bool>(), prop::sample::select(vec!["admin", "app", "baseline"]));
    let guardrail = (peers(), peers(), services(), schedule(), any::<bool>());
    (prop::collection::vec(rule, 0..6), prop::collection::vec(guardrail, 1..4), any::<bool>()).prop_map(|(rules, guardrails, intra)| {
        let intra = if intra { "allow" } else { "deny" };
        let mut text = format!("zones:\n  - {{name: a, intraZone: {intra}, members: [{{prefix: 10.0.0.0/24}}]}}\n  - {{name: b, members: [{{prefix: 10.0.1.0/24}}, {{prefix: 'fd00::/64'}}]}}\n  - {{name: c, intraZone: deny, members: [{{prefix: 'fd01::/64'}}]}}\nrules:\n");
        for (at, (from, to, services, schedule, allow, tier)) in rules.into_iter().enumerate() {
            let action = if allow { "allow" } else { "deny" };
            text += &format!("  - {{name: r{at}, from: {from}, to: {to}, services: {services}, action: {action}, tier: {tier}{schedule}}}\n");
        }
        text += "guardrails:\n";
        let mut kept = 0;
        for (from, to, services, schedule, never) in guardrails {
            if (from, to) != ("outside", "outside") {
                let word = if never { "never" } else { "always" };
                text += &format!("  - {{name: g{kept}, assert: {word}, from: {from}, to: {to}, services: {services}{schedule}}}\n");
                kept += 1;
            }
        }
        text
    })
}

//! Random policies over a few hosts.

use proptest::prelude::*;
use sensor_model::FlowMap;

use crate::common::{asset, map};

pub fn small_map() -> FlowMap {
    map(vec![
        asset("a", &["10.0.0.1", "2001:db8::1"], None),
        asset("b", &["10.0.0.2", "2001:db8::2"], None),
        asset("c", &["10.0.1.1"], None),
    ])
}

pub fn any_policy() -> impl Strategy<Value = String> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    let mode = || word(&["observe", "simulate", "enforce"]);
    let peers = || prop::collection::vec(word(&["za", "zb", "zc", "any", "outside"]), 1..3);
    let services = prop::collection::vec(
        word(&[
            "modbus",
            "dns",
            "ping",
            "tcp",
            "udp/100-200",
            "icmp",
            "icmp6/echo-request",
            "ip/47",
            "any",
            "tcp/500-600",
            "sctp/7",
        ]),
        1..3,
    );
    let schedule = word(&[
        "",
        ", schedule: {days: [tue], from: \"02:00\", to: \"04:00\", timeZone: Europe/Berlin}",
        ", schedule: {days: [sun, mon], from: \"22:00\", to: \"06:00\", timeZone: America/New_York}",
    ]);
    let rule = (
        peers(),
        peers(),
        services,
        word(&["allow", "deny"]),
        word(&["admin", "app", "baseline"]),
        schedule,
        word(&["", ", expires: 2020-01-01"]),
    );
    let zone = || (mode(), word(&["allow", "deny"]));
    ((zone(), zone(), zone()), prop::collection::vec(rule, 0..7)).prop_map(|((za, zb, zc), rules)| {
        let mut text = String::from("apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: p}\nzones:\n");
        for (name, (mode, intra), members) in
            [("za", za, "[{asset: a}]"), ("zb", zb, "[{asset: b}, {asset: c}]"), ("zc", zc, "[{prefix: 10.0.0.0/16}]")]
        {
            let priority = if name == "zc" { -1 } else { 0 };
            text +=
                &format!("  - {{name: {name}, mode: {mode}, intraZone: {intra}, priority: {priority}, members: {members}}}\n");
        }
        text += "rules:\n";
        for (nth, (from, to, services, action, tier, schedule, expires)) in rules.into_iter().enumerate() {
            text += &format!(
                "  - {{name: r{nth}, from: [{}], to: [{}], services: [{}], action: {action}, tier: {tier}{schedule}{expires}}}\n",
                from.join(", "),
                to.join(", "),
                services.join(", ")
            );
        }
        text.replace("rules:\n", if text.ends_with("rules:\n") { "rules: []\n" } else { "rules:\n" })
    })
}

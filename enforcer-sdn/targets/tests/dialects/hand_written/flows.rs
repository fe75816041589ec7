//! Flows as people hand them to `ovs-ofctl`, which prints what it made of them.

use super::{Tally, listed, word};
use crate::rulesets::{Random, cases};

/// The tool prints the messages that it would send: `OFPT_FLOW_MOD (OF1.4) (xid=0x2): ADD priority=... actions=...`.
const SCRIPT: &str = r"ovs-ofctl -O OpenFlow14 parse-flows $1.in 2>/dev/null > $1.raw || exit 0
sed -n 's/.*: ADD //p' $1.raw | sed 's/ *cookie:[0-9a-fx]*//; s/^table:/table=/' > $1.out";

#[test]
fn what_ovs_ofctl_prints_of_hand_written_flows_is_what_was_read() {
    let mut random = Random(23);
    let texts: Vec<String> = (0..cases("CORDON_HAND_WRITTEN", 150)).map(|_| flows(&mut random)).collect();
    let Some(listings) = listed("flows", &["ovs-ofctl"], SCRIPT, &texts) else { return };
    let mut tally = Tally::default();
    for (text, listing) in texts.iter().zip(&listings) {
        tally.count("openflow", text, listing.as_deref());
    }
    tally.report("ovs-ofctl");
    assert!(tally.equal * 20 > texts.len(), "too few are read: {tally:?}");
}

fn flows(random: &mut Random) -> String {
    let mut text = String::new();
    for number in 0..1 + random.below(3) {
        let comma = word(random, &[",", ", ", " "]);
        let mut fields = vec![format!(
            "priority={}",
            word(random, &["10", "0xa", "100", "65535", "010"]).to_string() + &"0".repeat(number as usize)
        )];
        if random.one_in(3) {
            fields.push(
                word(random, &["table=0", "cookie=0x5", "table=1", "cookie=0x1/0x1", "idle_timeout=60", "duration=5s"]).into(),
            );
        }
        let family = word(
            random,
            &[
                "ip",
                "tcp",
                "tcp",
                "udp",
                "icmp",
                "ipv6",
                "tcp6",
                "udp6",
                "icmp6",
                "sctp",
                "dl_type=0x800",
                "dl_type=0x86dd",
                "eth_type=0x0800",
                "arp",
                "",
                "ip,nw_proto=6",
                "ipv6,nw_proto=17",
                "dl_type=0x800,nw_proto=6",
                "ip,nw_proto=0x11",
                "dl_type=2048",
            ],
        );
        if !family.is_empty() {
            fields.push(family.into());
        }
        for _ in 0..random.below(4) {
            fields.push(field(random, family));
        }
        if random.one_in(8) {
            let last = fields.pop().unwrap();
            fields.insert(0, last);
        }
        text += &fields.join(comma);
        text += word(random, &[" ", ","]);
        text += word(
            random,
            &[
                "actions=drop",
                "actions=NORMAL",
                "actions=normal",
                "action=drop",
                "actions=goto_table:1",
                "actions=resubmit(,1)",
                "actions=",
                "actions=output:1",
                "actions=DROP",
                "actions=NORMAL,drop",
                "actions=CONTROLLER",
            ],
        );
        text += word(random, &["\n", "\n", " # why\n"]);
    }
    text
}

fn field(random: &mut Random, family: &str) -> String {
    let side = word(random, &["src", "dst"]);
    let is_v6 = (family.contains('6') && !family.contains("nw_proto=6")) != random.one_in(20);
    match random.below(8) {
        0..=2 if is_v6 => format!(
            "{}_{side}={}",
            word(random, &["ipv6", "ipv6", "nw"]),
            word(
                random,
                &[
                    "2001:db8::1",
                    "2001:db8::/64",
                    "2001:db8::/ffff:ffff::",
                    "2001:db8::5/64",
                    "2001:db8::/ffff:ffff::",
                    "::/0",
                    "2001:DB8::1"
                ]
            )
        ),
        0..=2 => format!(
            "{}_{side}={}",
            word(random, &["nw", "nw", "ip"]),
            word(
                random,
                &[
                    "10.0.0.1",
                    "10.0.0.0/24",
                    "10.0.0.0/255.255.255.0",
                    "10.0.0.0/8",
                    "10.0.0.5/24",
                    "10.0.0.1/255.0.0.255",
                    "0.0.0.0/0",
                    "*",
                    "010.0.0.1"
                ]
            )
        ),
        3..=5 => format!(
            "{}_{side}={}",
            word(random, &["tp", "tp", "tcp", "udp"]),
            word(
                random,
                &["22", "0x16", "0x10/0xfff0", "16/0xfff0", "65535", "0", "022", "0x12/0xfff0", "ssh", "65536", "5/0", "1/0x1"]
            )
        ),
        6 => format!(
            "{}={}",
            word(random, &["icmp_type", "icmp_code", "icmpv6_type", "icmpv6_code"]),
            word(random, &["8", "0", "0x80", "256", "128"])
        ),
        _ => word(
            random,
            &[
                "tcp_flags=+syn-ack",
                "tcp_flags=0x2/0x12",
                "tcp_flags=syn",
                "tcp_flags=+syn",
                "nw_proto=6",
                "ip_proto=17",
                "ct_state=+trk+est",
                "ct_state=-trk",
                "nw_frag=no",
                "in_port=1",
                "nw_tos=0",
                "dl_vlan=5",
                "tcp_flags=2",
                "nw_proto=0",
                "tcp_flags=+ack-fin+psh",
            ],
        )
        .into(),
    }
}

#[test]
fn a_flow_that_says_a_field_twice_is_refused_for_the_switch_forgets_one() {
    let target = enforcer_targets::find("openflow").unwrap();
    for flow in [
        "tcp,nw_proto=17 actions=drop",
        "tcp,udp actions=drop",
        "ip,ipv6 actions=drop",
        "arp,ip actions=drop",
        "ip,nw_src=10.0.0.1,nw_src=10.0.0.2 actions=drop",
        "tcp,tp_dst=5,tcp_dst=6 actions=drop",
        "ip,ct_state=+trk,ct_state=+est actions=drop",
        "ipv6,tcp_flags=+syn actions=drop",
        "priority=010,ip actions=drop",
        "icmp,icmp_type=8,tp_dst=0 actions=drop",
    ] {
        assert!((target.parse)(flow).is_err(), "{flow}");
    }
    let same = ["tcp,nw_proto=6 actions=NORMAL", "ip,tcp action=normal", "dl_type=2048,nw_proto=6 actions=NORMAL"];
    let read = same.map(|flow| (target.parse)(flow).unwrap().steps);
    assert!(read.iter().all(|steps| *steps == read[0]), "{read:?}");
}

//! Tables as they stand in /etc/nftables.conf, loaded and listed by nft.

use super::{Tally, listed, word};
use crate::rulesets::{Random, cases};

const SCRIPT: &str = "nft -f $1.in 2>/dev/null && nft -nn list ruleset > $1.out; exit 0";

#[test]
fn what_nft_lists_of_a_hand_written_table_is_what_was_read() {
    let mut random = Random(21);
    let texts: Vec<String> = (0..cases("CORDON_HAND_WRITTEN", 150)).map(|_| table(&mut random)).collect();
    let Some(listings) = listed("nft", &["nft"], SCRIPT, &texts) else { return };
    let mut tally = Tally::default();
    for (text, listing) in texts.iter().zip(&listings) {
        // nft 1.0.6 lists `meta nfproto` no more where a `meta l4proto`, written or meant, comes behind it.
        if text.contains("nfproto") && ["l4proto", "tcp reset"].iter().any(|word| text.contains(word)) {
            continue;
        }
        tally.count("nftables", text, listing.as_deref());
    }
    tally.report("nft");
    assert!(tally.equal * 10 > texts.len(), "too few are read: {tally:?}");
}

fn table(random: &mut Random) -> String {
    let family = word(random, &["inet", "inet", "inet", "ip", "ip6"]);
    let mut text = format!("table {family} filter {{\n");
    text += "  set v4 { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.0.1.5 } }\n";
    text += "  set v6 { type ipv6_addr; flags interval; elements = { 2001:db8::/64, 2001:db8:1::5 } }\n";
    text += "  set ports { type inet_service; flags interval; elements = { 22, 80-90 } }\n";
    text += "  chain forward {\n    type filter hook forward priority ";
    text += word(random, &["0", "filter", "filter + 10", "-5"]);
    text += word(random, &["; policy drop;\n", "; policy accept;\n", ";\n"]);
    for _ in 0..1 + random.below(3) {
        text += "    ";
        for _ in 0..random.below(4) {
            text += &matching(random, family);
            text += " ";
        }
        text += word(random, &["", "", "counter ", "log ", "log prefix \"x \" level info ", "counter packets 3 bytes 180 "]);
        text += word(random, VERDICTS);
        text += word(random, &["", "", " comment \"why\""]);
        text += word(random, &["\n", ";\n", " # said\n"]);
    }
    text + "  }\n}\n"
}

const VERDICTS: &[&str] = &[
    "accept",
    "accept",
    "drop",
    "drop",
    "return",
    "reject",
    "reject with tcp reset",
    "reject with icmp type host-prohibited",
    "reject with icmp host-unreachable",
    "reject with icmpv6 no-route",
    "reject with icmpx admin-prohibited",
    "continue",
    "",
];

fn matching(random: &mut Random, family: &str) -> String {
    let not = word(random, &["", "", "", "", "!= ", "== "]);
    let side = word(random, &["saddr", "daddr"]);
    let port = word(random, &["sport", "dport", "dport", "dport"]);
    let is_v6 = if family == "inet" { random.one_in(3) } else { (family == "ip6") != random.one_in(20) };
    match random.below(20) {
        0..=5 if is_v6 => format!("ip6 {side} {not}{}", word(random, V6)),
        0..=5 => format!("ip {side} {not}{}", word(random, V4)),
        6..=9 => format!("{} {port} {not}{}", word(random, &["tcp", "tcp", "udp", "sctp", "th"]), word(random, PORTS)),
        10 => format!("{} {not}{}", word(random, &["ip protocol", "meta l4proto", "meta l4proto"]), word(random, PROTOCOLS)),
        11 => format!("ct state {not}{}", word(random, STATES)),
        12 => format!("meta nfproto {}", word(random, &["ipv4", "ipv6", "!= ipv4"])),
        13 => format!("icmp type {not}{}", word(random, &["echo-request", "{ echo-reply, 3, 11 }", "8", "0-5", "ping"])),
        14 => format!(
            "icmpv6 type {not}{}",
            word(random, &["echo-request", "{ nd-neighbor-solicit, nd-router-advert }", "1-4", "128"])
        ),
        15 => format!(
            "{} code {not}{}",
            word(random, &["icmp", "icmpv6"]),
            word(random, &["0", "{ 0, 3 }", "1-4", "host-unreachable"])
        ),
        16 => format!("tcp flags {}", word(random, FLAGS)),
        17 => format!("meta day {not}{}", word(random, &["Monday", "\"Sunday\"", "{ Monday, \"Tuesday\" }", "1", "1-5", "6"])),
        18 => format!("meta hour {not}{}", word(random, HOURS)),
        _ => word(
            random,
            &[
                "meta protocol ip",
                "ip6 nexthdr tcp",
                "iifname \"eth0\"",
                "meta l4proto . th dport { tcp . 22 }",
                "ct state vmap { established : accept, invalid : drop }",
            ],
        )
        .into(),
    }
}

const V4: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/24",
    "10.0.0.5/24",
    "10.0.0.0/255.255.255.0",
    "10.0.0.5-10.0.0.9",
    "10.0.0.1 - 10.0.0.20",
    "{ 10.0.0.1, 10.0.0.2 }",
    "{ 10.0.0.0/25, 10.0.0.128/25 }",
    "{ 10.0.0.0/24, 10.0.0.7, 10.0.0.1-10.0.0.3 }",
    "{ 10.0.0.7/30, 10.0.0.9 }",
    "{10.0.0.1,10.0.0.4,}",
    "@v4",
    "@v6",
    "0.0.0.0/0",
    "0.0.0.0",
    "010.0.0.1",
    "{ 10.0.0.1 }",
    "> 10.0.0.8",
    "255.255.255.255",
];
const V6: &[&str] = &[
    "2001:db8::1",
    "2001:DB8::1",
    "2001:db8::/32",
    "2001:db8::5/64",
    "2001:db8::1-2001:db8::9",
    "{ 2001:db8::1, 2001:db8:1::/48 }",
    "@v6",
    "@v4",
    "::/0",
    "fe80::/10",
    "::ffff:10.0.0.1",
];
const PORTS: &[&str] = &[
    "22",
    "ssh",
    "{ 22, 80 }",
    "{ http, https }",
    "{ 1-5, 4-9 }",
    "1024-65535",
    "0-65535",
    "{ 20-21, ssh }",
    "@ports",
    "0x16",
    "022",
    ">= 1024",
    "< 1024",
    "> 1023",
    "<= 1023",
    "{ 22-25 , 80 }",
    "domain",
    "0",
    "65535",
];
const PROTOCOLS: &[&str] = &[
    "tcp",
    "{ tcp, udp }",
    "icmp",
    "icmpv6",
    "47",
    "{ 6, 17, 132 }",
    "esp",
    "gre",
    "ipv6-icmp",
    "0",
    "udplite",
    "1-16",
    "ospf",
    "255",
];
const STATES: &[&str] = &[
    "established,related",
    "{ established, related }",
    "new",
    "{ new, invalid, untracked }",
    "invalid,new,untracked",
    "new|invalid|untracked",
    "established | related",
    "invalid",
    "related,established",
    "0x6",
    "6",
    "{ 2, 4 }",
];
const FLAGS: &[&str] = &[
    "syn",
    "syn,ack",
    "== syn",
    "== syn|ack",
    "!= syn",
    "& (fin|syn|rst|ack) == syn",
    "& (fin | syn) == fin | syn",
    "& (syn|ack) == (syn|ack)",
    "& syn == 0",
    "& syn != 0",
    "& (rst|ack) != 0x0",
    "! syn",
    "! fin,rst",
    "{ syn, syn | ack }",
    "!= { syn, ack }",
    "syn / syn,ack",
    "fin,psh,urg / fin,psh,urg",
    "!= syn / fin,syn,rst,ack",
    "& (fin|syn|rst|psh|ack|urg) == 0x0",
    "syn|ack",
    "0x2",
    "& syn == ack",
    "& (syn,ack) == syn",
    "& syn",
    "ecn",
    "syn / ack",
    "!= syn,ack",
    "&  0x12  ==  0x2",
];
const HOURS: &[&str] = &[
    "\"08:00\"-\"16:59:59\"",
    "\"08:00:00\"-\"17:00:59\"",
    "\"08:00\"-\"17:00\"",
    "\"22:00\"-\"05:59:59\"",
    "{ \"08:00\"-\"11:59:59\", \"13:00\"-\"16:59:59\" }",
    "\"00:00\"-\"23:59:59\"",
    "08:00-16:59:59",
    "\"8:00\"-\"16:59:59\"",
];

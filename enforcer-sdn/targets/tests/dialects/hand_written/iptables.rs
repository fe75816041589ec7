//! Rules as they stand in scripts and in /etc/iptables, loaded by the restore tools and listed by the save tools.

use super::{Tally, listed, word};
use crate::rulesets::{Random, cases};

/// The parts go to their tools; what one of them refuses is invalid as a whole.
const SCRIPT: &str = r#"
part() { awk -v want="$1" '/^# ip/ { on = ($2 == want) } on'; }
part ipset < $1.in | sed 's/^# .*//' | ipset restore 2>/dev/null || exit 0
part iptables-restore < $1.in | iptables-restore 2>/dev/null || exit 0
part ip6tables-restore < $1.in | ip6tables-restore 2>/dev/null || exit 0
{ echo '# ipset'; ipset save; iptables-save; ip6tables-save; } > $1.out"#;

#[test]
fn what_the_save_tools_list_of_hand_written_rules_is_what_was_read() {
    let mut random = Random(22);
    let texts: Vec<String> = (0..cases("CORDON_HAND_WRITTEN", 60)).map(|_| document(&mut random)).collect();
    let Some(listings) = listed("iptables", &["iptables-restore", "ip6tables-restore", "ipset"], SCRIPT, &texts) else { return };
    let mut tally = Tally::default();
    for (text, listing) in texts.iter().zip(&listings) {
        tally.count("iptables", text, listing.as_deref());
    }
    tally.report("iptables");
    assert!(tally.equal * 30 > texts.len(), "too few are read: {tally:?}");
}

fn document(random: &mut Random) -> String {
    let mut text = String::from("# ipset restore\n");
    let kind = word(random, &["hash:ip", "hash:net"]);
    text += &format!(
        "create v4 {kind} {}\n",
        word(random, &["", "family inet", "hashsize 1024 maxelem 65536", "netmask 24", "counters"])
    );
    for _ in 0..random.below(4) {
        text += &format!("{} v4 {}\n", word(random, &["add", "add", "add", "-A", "-A"]), word(random, MEMBERS));
    }
    text += &format!(
        "create v6 hash:net family inet6\nadd v6 {}\n",
        word(random, &["2001:db8::1", "2001:db8::/120", "2001:DB8::2", "2001:db8::5/64"])
    );
    for is_ipv6 in [false, true] {
        text += if is_ipv6 { "# ip6tables-restore\n" } else { "# iptables-restore\n" };
        text += "*filter\n";
        text += word(random, &[":FORWARD ACCEPT [0:0]\n", ":FORWARD DROP [12:3456]\n", ":FORWARD DROP\n", ""]);
        text += ":own - [0:0]\n";
        for _ in 0..1 + random.below(3) {
            text += word(random, &["", "", "", "[3:180] "]);
            text += word(
                random,
                &["-A FORWARD ", "-A FORWARD ", "-I FORWARD ", "-I FORWARD 1 ", "-A own ", "-A own ", "--append FORWARD "],
            );
            text += &rule(random, is_ipv6);
            text += "\n";
        }
        text += word(random, &["-A FORWARD -j own\nCOMMIT\n", "COMMIT\n", "-A FORWARD -g own\nCOMMIT\n"]);
    }
    text
}

const MEMBERS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/30",
    "10.0.0.9/32",
    "10.0.1.0/24",
    "10.0.0.1-10.0.0.6",
    "10.0.0.5/30",
    "10.0.0.0/31 nomatch",
    "10.0.1.0/24",
    "10.0.0.2 packets 3 bytes 4",
    "0.0.0.0/0",
    "0.0.0.0/1",
];

fn rule(random: &mut Random, is_ipv6: bool) -> String {
    let mut text = String::new();
    let protocol = word(random, PROTOCOLS);
    let is_first = random.one_in(2);
    if is_first {
        text += &said(random, protocol, is_ipv6);
    }
    for _ in 0..random.below(3) {
        text += &matching(random, is_ipv6);
    }
    if !is_first {
        text += &said(random, protocol, is_ipv6);
    }
    text + word(random, JUMPS)
}

const PROTOCOLS: &[&str] = &[
    "",
    "",
    "tcp",
    "tcp",
    "tcp",
    "udp",
    "udp",
    "sctp",
    "icmp",
    "icmpv6",
    "ipv6-icmp",
    "47",
    "all",
    "0",
    "! tcp",
    "TCP",
    "esp",
    "ah",
    "6",
    "1",
    "58",
];

/// `-p` and what belongs to it.
fn said(random: &mut Random, protocol: &str, is_ipv6: bool) -> String {
    let not = word(random, &["", "", "", "! "]);
    let option = word(random, &["-p", "-p", "--protocol", "--proto"]);
    let mut text = match protocol {
        "" => return String::new(),
        "! tcp" => format!("! {option} tcp "),
        _ => format!("{option} {protocol} "),
    };
    let many = word(random, &["80,443", "22", "20:23,80", "1:5,7,9:11", "ssh,http", ":10"]);
    let one = word(random, &["22", "ssh", "1024:", ":1023", "1:5", "5:1", "0:65535", "http", "022"]);
    match (protocol, random.below(5)) {
        ("tcp" | "udp" | "sctp" | "TCP" | "6", 0 | 1) => {
            let module = word(random, &["", "", "-m tcp ", "-m udp "]);
            text += &format!("{module}{not}{} {one} ", word(random, &["--dport", "--dport", "--sport", "--destination-port"]));
        }
        ("tcp" | "udp" | "sctp" | "TCP", 2) => {
            text += &format!(
                "-m multiport {not}{} {many} ",
                word(random, &["--dports", "--sports", "--ports", "--destination-ports"])
            );
        }
        ("tcp" | "TCP" | "6", 3) => {
            text += &format!(
                "{not}{} ",
                word(
                    random,
                    &[
                        "--syn",
                        "--tcp-flags SYN,ACK SYN",
                        "--tcp-flags ALL NONE",
                        "--tcp-flags SYN,RST SYN,RST",
                        "--tcp-flags SYN ACK",
                        "--tcp-flags ALL ALL",
                        "--tcp-option 2"
                    ]
                )
            );
        }
        ("icmp" | "1", 0..=3) => {
            text += &format!(
                "{not}--icmp-type {} ",
                word(
                    random,
                    &["8", "echo-request", "ping", "any", "3/4", "3", "fragmentation-needed", "0", "255", "8/0", "time-exceeded"]
                )
            );
        }
        ("icmpv6" | "ipv6-icmp" | "58", 0..=3) if is_ipv6 => {
            text += &format!(
                "{not}--icmpv6-type {} ",
                word(
                    random,
                    &["128", "echo-request", "neighbour-solicitation", "1/3", "255", "destination-unreachable", "packet-too-big"]
                )
            );
        }
        _ => {}
    }
    text
}

fn matching(random: &mut Random, is_ipv6: bool) -> String {
    let not = word(random, &["", "", "", "! "]);
    let side = word(random, &["-s", "-d", "-d", "--source", "--dst"]);
    let towards = word(random, &["src", "dst"]);
    match random.below(10) {
        0..=3 if is_ipv6 => format!(
            "{not}{side} {} ",
            word(
                random,
                &[
                    "2001:db8::1",
                    "2001:db8::/64",
                    "2001:DB8::5/64",
                    "::/0",
                    "2001:db8::1/128",
                    "2001:db8::1,2001:db8::2",
                    "10.0.0.1"
                ]
            )
        ),
        0..=3 => format!("{not}{side} {} ", word(random, V4)),
        4 => format!(
            "-m {} ",
            word(
                random,
                &[
                    "conntrack --ctstate ESTABLISHED,RELATED",
                    "conntrack ! --ctstate ESTABLISHED,RELATED",
                    "state --state RELATED,ESTABLISHED",
                    "conntrack --ctstate NEW",
                    "conntrack --ctstate NEW,INVALID,UNTRACKED",
                    "state --state INVALID,NEW,UNTRACKED",
                    "conntrack --ctstate established,related",
                    "conntrack --ctstate DNAT"
                ]
            )
        ),
        5 => format!("-m set {not}--match-set {} {towards} ", if is_ipv6 != random.one_in(20) { "v6" } else { "v4" }),
        6 => "-m comment --comment \"let it in\" ".into(),
        7 => format!(
            "-m iprange {not}--{towards}-range {} ",
            if is_ipv6 {
                "2001:db8::1-2001:db8::9"
            } else {
                word(random, &["10.0.0.1-10.0.0.9", "10.0.0.4", "10.0.0.9-10.0.0.1"])
            }
        ),
        8 => format!(
            "-m time {} ",
            word(
                random,
                &[
                    "--timestart 08:00 --timestop 16:59:59",
                    "--weekdays Mon,Tue",
                    "! --weekdays Sa,Su",
                    "--weekdays 1,2,3",
                    "--timestart 22:00 --timestop 06:00",
                    "--timestart 8:00 --timestop 16:59:59 --utc",
                    "--weekdays mon",
                    "--timestop 11:59:59"
                ]
            )
        ),
        _ => word(
            random,
            &[
                "",
                "-m comment --comment x ",
                "-i eth0 ",
                "-f ",
                "-m limit --limit 5/min ",
                "-o eth1 ",
                "-m mac --mac-source 00:11:22:33:44:55 ",
                "",
            ],
        )
        .into(),
    }
}

const V4: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/24",
    "10.0.0.128/25",
    "10.0.0.0/255.255.255.0",
    "10.0.0.0/255.0.255.0",
    "0.0.0.0/0",
    "10.0.0.1/32",
    "10.0.0.1,10.0.0.2",
    "10/8",
    "10.1",
    "0/0",
    "010.0.0.1",
    "10.0.0.5/255.255.255.254",
    "10.0.0.0/0",
    "10.0.0.5/24",
];
const JUMPS: &[&str] = &[
    "-j ACCEPT",
    "-j ACCEPT",
    "-j DROP",
    "-j DROP",
    "-j RETURN",
    "-j REJECT",
    "-j REJECT --reject-with tcp-reset",
    "-j REJECT --reject-with icmp-port-unreachable",
    "-j LOG --log-prefix \"in: \" --log-level 4",
    "-j LOG",
    "-j NFLOG --nflog-group 5",
    "",
    "--jump ACCEPT",
    "-j own",
];

#[test]
fn a_match_that_the_tools_leave_out_is_refused() {
    let target = enforcer_targets::find("iptables").unwrap();
    for (rule, is_read) in [
        ("-p tcp ! --dport 0:65535 -j DROP", false),
        ("! -s 0.0.0.0/0 -j DROP", false),
        ("-s 10.0.0.1,10.0.0.2 -p tcp --dport ssh -j DROP", true),
        ("! -s 10.0.0.1,10.0.0.2 -j DROP", false),
    ] {
        let text = format!("# iptables-save\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {rule}\nCOMMIT\n");
        let read = (target.parse)(&text);
        assert_eq!(read.is_ok(), is_read, "{rule}: {read:?}");
    }
}

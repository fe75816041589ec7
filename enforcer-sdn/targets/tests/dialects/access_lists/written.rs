//! Entries as people and devices write them, and packets that must pass them or not.

use std::net::IpAddr;

use enforcer_packetset::{ConnectionState, FlagSet, Packet, Verdict};
use enforcer_targets::find;

/// `tcp 10.0.0.1 1000 192.0.2.1 80 syn,ack`: the protocol by name or number, then both ends with their ports, or type and code of ICMP.
fn packet(text: &str) -> Packet {
    let words: Vec<&str> = text.split(' ').collect();
    let protocol = match words[0] {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "icmp6" => 58,
        number => number.parse().unwrap(),
    };
    let address = |at: usize| words[at].parse::<IpAddr>().unwrap();
    let ports = (words[2].parse().unwrap(), words[4].parse().unwrap());
    let mut packet = Packet::new(address(1), address(3), protocol, ports, ConnectionState::New, 0);
    if let Some(flags) = words.get(5) {
        let bit = |name: &str| 1u8 << FlagSet::NAMES.iter().position(|known| *known == name).unwrap();
        packet.flags = flags.split(',').map(bit).fold(0, |all, bit| all | bit);
    }
    packet
}

/// Whether the text lets a first packet through.
fn passes(target: &str, text: &str, of: &str) -> bool {
    let parsed = (find(target).unwrap().parse)(text).unwrap_or_else(|error| panic!("{target}: {error}\n{text}"));
    let packet = packet(of);
    let decides = parsed.steps.iter().find(|step| step.effect.verdict.is_some() && step.selector.contains(&packet));
    decides.is_none_or(|step| step.effect.verdict == Some(Verdict::Allow))
}

/// An entry, packets that pass, packets that do not.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

fn table(target: &str, head: &str, rows: &[Row]) {
    for (entries, passing, others) in rows {
        let lines: String = entries.split('\n').map(|entry| format!(" {entry}\n")).collect();
        let text = if head.contains("{}") {
            entries.split('\n').map(|entry| head.replace("{}", entry)).collect()
        } else {
            format!("{head}{lines}")
        };
        for of in *passing {
            assert!(passes(target, &text, of), "{target}: `{of}` passes\n{text}");
        }
        for of in *others {
            assert!(!passes(target, &text, of), "{target}: `{of}` does not pass\n{text}");
        }
    }
}

#[test]
fn ios_entries_mean_what_its_documents_say() {
    let rows: &[Row] = &[
        // A wildcard's set bits are free wherever they stand.
        ("permit ip 10.0.1.3 0.0.254.0 any", &["6 10.0.7.3 0 1.1.1.1 0"], &["6 10.0.6.3 0 1.1.1.1 0", "6 10.0.7.2 0 1.1.1.1 0"]),
        (
            "permit tcp any any neq 22 23",
            &["tcp 10.0.0.1 1 1.1.1.1 24"],
            &["tcp 10.0.0.1 1 1.1.1.1 23", "udp 10.0.0.1 1 1.1.1.1 24"],
        ),
        (
            "permit udp any gt 1023 any lt 1024",
            &["udp 1.1.1.1 1024 2.2.2.2 1023"],
            &["udp 1.1.1.1 1023 2.2.2.2 1", "udp 1.1.1.1 1024 2.2.2.2 1024"],
        ),
        (
            "permit tcp any any eq ftp ftp-data 8080 www",
            &["tcp 1.1.1.1 1 2.2.2.2 20", "tcp 1.1.1.1 1 2.2.2.2 80"],
            &["tcp 1.1.1.1 1 2.2.2.2 22"],
        ),
        // One number, two names: each belongs to its protocol.
        (
            "permit udp any any eq syslog\npermit tcp any any eq cmd",
            &["udp 1.1.1.1 1 2.2.2.2 514", "tcp 1.1.1.1 1 2.2.2.2 514"],
            &["udp 1.1.1.1 1 2.2.2.2 513"],
        ),
        (
            "permit udp any eq bootpc any eq bootps",
            &["udp 0.0.0.0 68 255.255.255.255 67"],
            &["udp 0.0.0.0 67 255.255.255.255 68"],
        ),
        ("permit udp any any range snmp snmptrap", &["udp 1.1.1.1 1 2.2.2.2 162"], &["udp 1.1.1.1 1 2.2.2.2 163"]),
        ("permit icmp any any port-unreachable", &["icmp 1.1.1.1 3 2.2.2.2 3"], &["icmp 1.1.1.1 3 2.2.2.2 1"]),
        ("permit icmp any any unreachable", &["icmp 1.1.1.1 3 2.2.2.2 13"], &["icmp 1.1.1.1 4 2.2.2.2 0"]),
        ("permit icmp any any 3 4", &["icmp 1.1.1.1 3 2.2.2.2 4"], &["icmp 1.1.1.1 3 2.2.2.2 3"]),
        ("permit icmp any any ttl-exceeded log", &["icmp 1.1.1.1 11 2.2.2.2 0"], &["icmp 1.1.1.1 11 2.2.2.2 1"]),
        (
            "permit gre any any\npermit 89 any any\npermit ahp any any",
            &["47 1.1.1.1 0 2.2.2.2 0", "89 1.1.1.1 0 2.2.2.2 0", "51 1.1.1.1 0 2.2.2.2 0"],
            &["50 1.1.1.1 0 2.2.2.2 0"],
        ),
        (
            "permit tcp any any established",
            &["tcp 1.1.1.1 1 2.2.2.2 2 ack", "tcp 1.1.1.1 1 2.2.2.2 2 rst"],
            &["tcp 1.1.1.1 1 2.2.2.2 2 syn", "tcp 1.1.1.1 1 2.2.2.2 2 fin"],
        ),
        ("permit tcp any any match-all +syn -ack", &["tcp 1.1.1.1 1 2.2.2.2 2 syn"], &["tcp 1.1.1.1 1 2.2.2.2 2 syn,ack"]),
        ("permit tcp any any match-any +fin +urg", &["tcp 1.1.1.1 1 2.2.2.2 2 urg"], &["tcp 1.1.1.1 1 2.2.2.2 2 syn"]),
        // A remark may say anything.
        (
            "remark permit ip any any\ndeny tcp any any\npermit ip any host 2.2.2.2",
            &["udp 1.1.1.1 1 2.2.2.2 2"],
            &["tcp 1.1.1.1 1 2.2.2.2 2"],
        ),
    ];
    table("cisco-ios", "ip access-list extended x\n", rows);
    table("cisco-ios", "access-list 2050 {}\n", &rows[..3]);
}

#[test]
fn lists_of_sources_are_read_with_their_own_words() {
    let rows: &[Row] = &[
        ("permit 10.0.0.1", &["6 10.0.0.1 0 1.1.1.1 0", "17 10.0.0.1 0 9.9.9.9 0"], &["6 10.0.0.2 0 1.1.1.1 0"]),
        (
            "10 deny host 10.0.0.1 log\n20 permit 10.0.0.0 0.0.0.255",
            &["6 10.0.0.2 0 1.1.1.1 0"],
            &["6 10.0.0.1 0 1.1.1.1 0", "6 10.0.1.1 0 1.1.1.1 0"],
        ),
        ("permit any", &["6 10.0.0.1 0 1.1.1.1 0"], &[]),
    ];
    table("cisco-ios", "ip access-list standard x\n", rows);
    table("cisco-ios", "access-list 10 {}\n", &rows[..1]);
    table("cisco-ios", "access-list 1300 {}\n", &rows[2..]);
    table("arista-eos", "ip access-list standard x\n", rows);
    table(
        "arista-eos",
        "ip access-list standard x\n",
        &[("permit 10.0.0.0/24", &["6 10.0.0.9 0 1.1.1.1 0"], &["6 10.0.1.9 0 1.1.1.1 0"])],
    );
    for text in [
        "access-list 10 permit 10.0.0.1 eq 22\n",
        "access-list 10 permit tcp any any\n",
        "access-list 10 permit any time-range x\n",
    ] {
        assert!((find("cisco-ios").unwrap().parse)(text).is_err(), "{text}");
    }
}

#[test]
fn ipv6_lists_end_as_their_vendor_says() {
    const SOLICITATION: &str = "icmp6 fe80::1 135 fe80::2 0";
    const ADVERTISEMENT_OF_ROUTER: &str = "icmp6 fe80::1 134 fe80::2 0";
    let rows: &[Row] = &[
        (
            "permit tcp any any eq 22",
            &["tcp 2001:db8::1 1 2001:db8::2 22", SOLICITATION],
            &["udp 2001:db8::1 1 2001:db8::2 22", ADVERTISEMENT_OF_ROUTER],
        ),
        ("deny icmp any any nd-ns\npermit tcp any any", &["icmp6 fe80::1 136 fe80::2 0"], &[SOLICITATION]),
        ("permit icmp any any unreachable", &["icmp6 fe80::1 1 fe80::2 4"], &["icmp6 fe80::1 2 fe80::2 0"]),
        ("permit icmp any any echo-request", &["icmp6 fe80::1 128 fe80::2 0"], &["icmp6 fe80::1 129 fe80::2 0"]),
        (
            "permit ipv6 2001:DB8:1::/48 host 2001:DB8::1",
            &["6 2001:db8:1::9 0 2001:db8::1 0"],
            &["6 2001:db8:2::9 0 2001:db8::1 0"],
        ),
    ];
    table("cisco-ios", "ipv6 access-list x\n", rows);
    table("cisco-nxos", "ipv6 access-list x\n", &rows[1..]);
    table(
        "cisco-nxos",
        "ipv6 access-list x\n",
        &[("permit tcp any any eq 22", &[SOLICITATION, ADVERTISEMENT_OF_ROUTER], &["icmp6 fe80::1 137 fe80::2 0"])],
    );
    table(
        "aruba-aoscx",
        "access-list ipv6 x\n",
        &[("10 permit tcp any any eq 22", &["tcp fe80::1 1 fe80::2 22"], &[SOLICITATION])],
    );
}

#[test]
fn nxos_eos_and_aoscx_entries_mean_what_their_documents_say() {
    let rows: &[Row] = &[
        (
            "10 permit tcp 10.0.0.0/8 any neq 22",
            &["tcp 10.0.0.1 1 1.1.1.1 23"],
            &["tcp 10.0.0.1 1 1.1.1.1 22", "tcp 11.0.0.1 1 1.1.1.1 23"],
        ),
        ("10 permit ip 10.0.0.5 0.0.255.0 any", &["6 10.0.77.5 0 1.1.1.1 0"], &["6 10.0.77.6 0 1.1.1.1 0"]),
        (
            "10 deny udp any any eq ntp\n20 permit udp any any",
            &["udp 1.1.1.1 1 2.2.2.2 124"],
            &["udp 1.1.1.1 1 2.2.2.2 123", "tcp 1.1.1.1 1 2.2.2.2 124"],
        ),
        ("10 permit icmp any any echo-reply", &["icmp 1.1.1.1 0 2.2.2.2 0"], &["icmp 1.1.1.1 8 2.2.2.2 0"]),
    ];
    table("cisco-nxos", "ip access-list x\n", rows);
    table("arista-eos", "ip access-list x\n", rows);
    table(
        "arista-eos",
        "ip access-list x\n",
        &[(
            "10 permit tcp any any eq https bgp 9000",
            &["tcp 1.1.1.1 1 2.2.2.2 443", "tcp 1.1.1.1 1 2.2.2.2 179"],
            &["tcp 1.1.1.1 1 2.2.2.2 80"],
        )],
    );
    let rows: &[Row] = &[
        (
            "10 permit tcp 10.0.0.0/255.255.0.0 any gt 1023 count",
            &["tcp 10.0.9.9 1 1.1.1.1 1024"],
            &["tcp 10.0.9.9 1 1.1.1.1 1023"],
        ),
        ("10 permit sctp any eq 7 any", &["132 1.1.1.1 7 2.2.2.2 9"], &["132 1.1.1.1 8 2.2.2.2 9"]),
        ("10 deny any 10.0.0.1 any log\n20 permit any any any", &["6 10.0.0.2 0 1.1.1.1 0"], &["6 10.0.0.1 0 1.1.1.1 0"]),
    ];
    table("aruba-aoscx", "access-list ip x\n", rows);
}

#[test]
fn asa_entries_mean_what_its_documents_say() {
    let rows: &[Row] = &[
        ("permit ip 10.0.0.0 255.0.0.0 any", &["6 10.9.9.9 0 1.1.1.1 0"], &["6 99.0.0.0 0 1.1.1.1 0"]),
        ("permit tcp any4 any4 eq www", &["tcp 1.1.1.1 1 2.2.2.2 80"], &["tcp 2001:db8::1 1 2001:db8::2 80"]),
        (
            "permit tcp any any eq https",
            &["tcp 1.1.1.1 1 2.2.2.2 443", "tcp 2001:db8::1 1 2001:db8::2 443"],
            &["tcp 1.1.1.1 1 2.2.2.2 444"],
        ),
        // What is off is off, also if it names what the text does not have.
        (
            "deny tcp any any eq 22 inactive\ndeny ip any any time-range gone inactive\npermit ip any any",
            &["tcp 1.1.1.1 1 2.2.2.2 22"],
            &[],
        ),
        ("permit udp any range 1000 2000 any eq radius", &["udp 1.1.1.1 1500 2.2.2.2 1645"], &["udp 1.1.1.1 1500 2.2.2.2 1812"]),
        ("permit icmp any any 3 1", &["icmp 1.1.1.1 3 2.2.2.2 1"], &["icmp 1.1.1.1 3 2.2.2.2 3"]),
        ("permit icmp6 any6 any6 echo", &["icmp6 fe80::1 128 fe80::2 0"], &["icmp6 fe80::1 135 fe80::2 0"]),
    ];
    table("cisco-asa", "access-list x extended {}\n", rows);
}

#[test]
fn a_value_that_an_object_is_given_twice_is_not_guessed() {
    let text = "object network a\n host 10.0.0.1\n host 10.0.0.2\naccess-list x extended permit ip object a any\n";
    let error = (find("cisco-asa").unwrap().parse)(text).unwrap_err();
    assert_eq!((error.line, error.column), (3, 2), "{error}");
}

//! Downloadable lists as servers and the vendor's pages write them.

use enforcer_packetset::L4;
use enforcer_policy::{Action, Ruleset};

use crate::claims::{addresses, between, differs, holds, refused, ruleset, tcp};

const ALL: &[&str] = &["0.0.0.0/0"];
const HOSTS: &[&str] = &["192.0.2.0/24"];

fn wanted() -> Ruleset {
    ruleset(vec![
        (between(HOSTS, &["198.51.100.7"], tcp(&[(80, 80)])), Action::Allow, false),
        (between(HOSTS, ALL, L4::Protocol(17)), Action::Allow, false),
        (between(HOSTS, ALL, L4::Any), Action::Deny, false),
    ])
}

const TEXT: &str = "# hosts: 192.0.2.0/24\n\
    host-1 Cleartext-Password := \"x\"\n";

#[test]
fn attributes_and_bare_values_are_read_and_end_in_a_denial() {
    for text in [
        "# hosts: 192.0.2.0/24\n\tCisco-AVPair = \"ip:inacl#10=permit tcp any host 198.51.100.7 eq www\",\n\tCisco-AVPair += \"ip:inacl#20=permit udp any any\"\n",
        "ip:inacl#1=permit tcp any host 198.51.100.7 eq 80\n# hosts: 192.0.2.0/24\nip:inacl#2=permit udp any any\nip:inacl#7=deny ip any any\n",
        "# hosts: 192.0.2.0/24\ncisco-av-pair += \"ip:inacl#1=permit udp any any\"\ncisco-av-pair += \"ip:inacl#2=permit tcp any host 198.51.100.7 eq 80\"\n",
    ] {
        assert_eq!(holds("radius-dacl", &wanted(), text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_is_sent_to_the_hosts_is_not_judged() {
    let mut both = wanted();
    both.rules.push(ruleset(vec![(between(ALL, HOSTS, L4::Any), Action::Deny, false)]).rules.remove(0));
    let text = "# hosts: 192.0.2.0/24\nip:inacl#1=permit tcp any host 198.51.100.7 eq 80\nip:inacl#2=permit udp any any\n";
    let difference = differs("radius-dacl", &both, text);
    assert!(addresses(HOSTS).contains(difference.packet.destination), "{difference}");
}

#[test]
fn what_a_switch_would_not_take_or_the_text_does_not_say_is_refused_at_its_place() {
    refused(
        "radius-dacl",
        &[
            (TEXT, 2, 1),
            ("ip:inacl#1=permit ip any any\n", 1, 1),
            ("# hosts: 192.0.2.0/24\n", 1, 1),
            ("# hosts: 192.0.2.1/24\n", 1, 10),
            ("# hosts:\nip:inacl#1=permit ip any any\n", 1, 3),
            ("# hosts: 192.0.2.0/24\n# hosts: 192.0.2.0/24\n", 2, 1),
            ("# hosts: 192.0.2.0/24\nip:inacl#1=permit ip host 192.0.2.7 any\n", 2, 12),
            ("# hosts: 192.0.2.0/24\nip:inacl#1=permit ip any any log\n", 2, 30),
            ("# hosts: 192.0.2.0/24\nip:inacl#1=permit ip any any time-range X\n", 2, 30),
            ("# hosts: 192.0.2.0/24\nip:inacl#2=permit ip any any\nip:inacl#1=permit ip any any\n", 3, 1),
            ("# hosts: 192.0.2.0/24\nip:inacl=permit ip any any\n", 2, 1),
            ("# hosts: 192.0.2.0/24\nip:outacl#1=permit ip any any\n", 2, 1),
            ("# hosts: 192.0.2.0/24\nCisco-AVPair += ip:inacl#1=permit ip any any\n", 2, 17),
            ("# hosts: 192.0.2.0/24\nCisco-AVPair \"ip:inacl#1=permit ip any any\"\n", 2, 14),
            ("# hosts: 192.0.2.0/24\nCisco-AVPair += \"ip:inacl#1=permit object-group X any any\"\n", 2, 36),
            ("# hosts: 192.0.2.0/24\nipv6:inacl#1=permit ipv6 any any\n", 2, 1),
        ],
    );
}

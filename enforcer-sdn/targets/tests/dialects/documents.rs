//! Documents of other hands: what a standard allows is understood, everything else is an error with its path, line and column.

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, Selector};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{find, prove};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

fn rule(id: &str, source: &[&str], destination: &[&str], l4: L4, action: Action) -> PointRule {
    let selector = Selector { source: addresses(source), destination: addresses(destination), l4, ..Selector::any() };
    PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() }
}

fn tcp(first: u16, last: u16) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: RangeSet::range(first, last) }
}

/// IPv4: one host may reach ports from 1024 on of another, and ping it; the rest is denied. IPv6: no opinion.
fn wanted() -> Ruleset {
    let ping = L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() };
    let (a, b, all) = (&["192.0.2.1"][..], &["198.51.100.0/24"][..], &["0.0.0.0/0"][..]);
    let rules = vec![
        rule("high", a, b, tcp(1024, 65535), Action::Allow),
        rule("ping", a, b, ping, Action::Allow),
        rule("rest", all, all, L4::Any, Action::Deny),
    ];
    Ruleset { point: "test".into(), rules }
}

fn rfc8519(aces: &str) -> String {
    format!(
        "{{\"ietf-access-control-list:acls\": {{\"acl\": [{{\"name\": \"a\", \"type\": \"ietf-access-control-list:ipv4-acl-type\",\n\
         \"aces\": {{\"ace\": [\n{aces}\n]}}}}]}}}}"
    )
}

fn ace(matches: &str) -> String {
    rfc8519(&format!("{{\"name\": \"x\", \"matches\": {{{matches}}}, \"actions\": {{\"forwarding\": \"accept\"}}}}"))
}

const NETWORKS: &str = "\"source-ipv4-network\": \"192.0.2.1/32\", \"destination-ipv4-network\": \"198.51.100.0/24\"";

#[test]
fn rfc_8519_of_other_hands_is_understood() {
    let aces = format!(
        "{{\"name\": \"1\", \"statistics\": {{\"matched-packets\": \"7\"}}, \"matches\": {{\"ietf-access-control-list:ipv4\": {{{NETWORKS}}}, \
         \"tcp\": {{\"destination-port\": {{\"operator\": \"gte\", \"port\": 1024}}}}}}, \
         \"actions\": {{\"forwarding\": \"ietf-access-control-list:accept\", \"logging\": \"log-none\"}}}},\n\
         {{\"name\": \"2\", \"matches\": {{\"ipv4\": {{\"protocol\": 1, {NETWORKS}}}, \"icmp\": {{\"type\": 8}}}}, \
         \"actions\": {{\"forwarding\": \"accept\"}}}}"
    );
    let proof = prove(find("rfc8519").unwrap(), &wanted(), &rfc8519(&aces)).unwrap();
    assert_eq!(proof.notes.len(), 2, "the end is not said, and IPv6 has no list: {:?}", proof.notes);
    let ended = format!("{aces},\n{{\"name\": \"3\", \"matches\": {{}}, \"actions\": {{\"forwarding\": \"reject\"}}}}");
    let proof = prove(find("rfc8519").unwrap(), &wanted(), &rfc8519(&ended)).unwrap();
    assert_eq!(proof.notes.len(), 1, "{:?}", proof.notes);
}

#[test]
fn only_bound_lists_of_rfc_8519_count() {
    let parse = find("rfc8519").unwrap().parse;
    let list = |name: &str, action: &str| {
        format!(
            "{{\"name\": \"{name}\", \"type\": \"ipv4-acl-type\", \"aces\": {{\"ace\": [{{\"name\": \"x\", \"actions\": {{\"forwarding\": \"{action}\"}}}}]}}}}"
        )
    };
    let bound = |names: &[&str]| {
        let sets: Vec<String> = names.iter().map(|name| format!("{{\"name\": \"{name}\"}}")).collect();
        format!(
            ", \"attachment-points\": {{\"interface\": [{{\"interface-id\": \"eth0\", \"ingress\": {{\"acl-sets\": {{\"acl-set\": [{}]}}}}}}]}}",
            sets.join(",")
        )
    };
    let text = |points: &str| {
        format!("{{\"ietf-access-control-list:acls\": {{\"acl\": [{}, {}]{points}}}}}", list("a", "accept"), list("b", "drop"))
    };
    assert!(parse(&text("")).unwrap_err().what.contains("`a` and `b` are about one IP version"));
    let parsed = parse(&text(&bound(&["b"]))).unwrap();
    assert_eq!(parsed.steps.len(), 1);
    assert!(parsed.notes.iter().any(|note| note == "list `b` is bound at eth0 ingress"), "{:?}", parsed.notes);
    assert!(parse(&text(&bound(&["a", "b"]))).is_err());
    assert!(parse(&text(&bound(&["c"]))).unwrap_err().what.contains("`c` is not in the text"));
}

#[test]
fn what_rfc_8519_does_not_say_is_an_error_with_its_path() {
    let parse = find("rfc8519").unwrap().parse;
    for (matches, path) in [
        ("\"tcp\": {}", "matches/tcp: a container without members"),
        ("\"icmp\": {}", "matches/icmp: a container without members"),
        ("\"udp\": {\"source-port\": {}}", "udp/source-port: neither"),
        ("\"tcp\": {\"flags\": \"ack\"}", "tcp/flags: `flags` without a mask"),
        ("\"tcp\": {\"window-size\": 1}", "tcp/window-size: `window-size` is not understood"),
        ("\"ipv6\": {}", "matches/ipv6: a header of the other IP version"),
        ("\"ipv4\": {\"dscp\": 1}", "ipv4/dscp: `dscp` is not"),
        ("\"ipv4\": {\"protocol\": \"tcp\"}", "ipv4/protocol: a text where a number"),
        ("\"ipv4\": {\"protocol\": 256}", "ipv4/protocol: 256 is out of range"),
        ("\"ipv4\": {\"protocol\": 6.0}", "ipv4/protocol: 6.0 is out"),
        ("\"ipv4\": {\"protocol\": 17}, \"tcp\": {\"source-port\": {\"port\": 1}}", "matches/tcp: `tcp` beside another"),
        ("\"ipv4\": {\"source-ipv4-network\": \"192.0.2.1\"}", "source-ipv4-network: `192.0.2.1` is no IPv4 prefix"),
        ("\"ipv4\": {\"source-ipv4-network\": \"192.0.2.1/24\"}", "`192.0.2.1/24` is no IPv4 prefix"),
        ("\"ipv4\": {\"source-ipv4-network\": \"192.0.2.0/024\"}", "`192.0.2.0/024` is no IPv4 prefix"),
        ("\"ipv4\": {\"source-ipv4-network\": \"2001:db8::/32\"}", "`2001:db8::/32` is no IPv4 prefix"),
        ("\"udp\": {\"source-port\": {\"lower-port\": 2, \"upper-port\": 1}}", "a descending port range"),
        ("\"udp\": {\"source-port\": {\"lower-port\": 2}}", "neither a port range nor one port"),
        ("\"udp\": {\"source-port\": {\"operator\": \"lt\", \"port\": 1}}", "source-port/operator: `lt` is no operator"),
        ("\"eth\": {\"ethertype\": \"0x0800\"}", "matches/eth: `eth` is not understood"),
        ("\"ietf-acl-enh:payload-match\": {}", "matches/ietf-acl-enh:payload-match: "),
        ("\"tcp\": {\"ietf-mud:direction-initiated\": \"to-device\"}", "a member of the module `ietf-mud`"),
        ("\"tcp\": {\"source-port\": {\"port\": 1}}, \"udp\": {\"source-port\": {\"port\": 1}}", "two transport headers"),
        ("\"ipv4\": {\"protocol\": 6, \"protocol\": 6}", "the member `protocol` stands twice"),
    ] {
        let error = parse(&ace(matches)).unwrap_err();
        assert!(error.to_string().contains(path), "{matches}: {error}");
        assert_eq!(error.line, 3, "{error}");
    }
    for text in ["", "[]", "{}", "{\"acls\": {}}", "{\"ietf-access-control-list:acls\": {\"acl\": []}, \"x\": 1}", &rfc8519("")] {
        assert!(parse(text).is_err(), "{text}");
    }
}

fn openconfig(entries: &str) -> String {
    format!(
        "{{\"openconfig-acl:acl\": {{\"acl-sets\": {{\"acl-set\": [{{\"name\": \"a\", \"type\": \"ACL_IPV4\", \"config\": {{\"name\": \"a\", \"type\": \"openconfig-acl:ACL_IPV4\"}},\n\
         \"acl-entries\": {{\"acl-entry\": [\n{entries}\n]}}}}]}}}}}}"
    )
}

fn entry(number: u32, matches: &str, action: &str) -> String {
    format!(
        "{{\"sequence-id\": {number}, \"config\": {{\"sequence-id\": {number}}}, {matches}\"actions\": {{\"config\": {{\"forwarding-action\": \"{action}\"}}}}}}"
    )
}

#[test]
fn openconfig_of_other_hands_is_understood() {
    let networks = "\"source-address\": \"192.0.2.1/32\", \"destination-address\": \"198.51.100.0/24\"";
    let mirrored = format!(
        "\"ipv4\": {{\"config\": {{\"protocol\": 6, {networks}}}, \"state\": {{{networks}, \"protocol\": 6}}}}, \
         \"transport\": {{\"config\": {{\"source-port\": \"ANY\", \"destination-port\": \"1024..65535\"}}}}, "
    );
    let ping = format!(
        "\"ipv4\": {{\"config\": {{\"protocol\": \"oc-pkt-match-types:IP_ICMP\", {networks}}}, \
         \"icmpv4\": {{\"config\": {{\"type\": \"openconfig-icmpv4-types:ECHO\"}}}}}}, "
    );
    // The last of the text is asked first, were it not for its number.
    let entries = [entry(30, "", "openconfig-acl:REJECT"), entry(20, &ping, "ACCEPT"), entry(10, &mirrored, "ACCEPT")];
    let proof = prove(find("openconfig").unwrap(), &wanted(), &openconfig(&entries.join(",\n"))).unwrap();
    assert_eq!(proof.notes.len(), 1, "{:?}", proof.notes);
}

#[test]
fn what_openconfig_does_not_say_is_an_error_with_its_path() {
    let parse = find("openconfig").unwrap().parse;
    for (matches, path) in [
        ("\"transport\": {\"config\": {\"destination-port\": 80}}, ", "transport: ports without TCP or UDP"),
        (
            "\"ipv4\": {\"config\": {\"protocol\": 6}}, \"transport\": {\"config\": {\"tcp-flags\": [\"TCP_ACK\"]}}, ",
            "config/tcp-flags: `tcp-flags` without a mode",
        ),
        (
            "\"ipv4\": {\"config\": {\"protocol\": 6}}, \"transport\": {\"config\": {\"source-port\": \"80-90\"}}, ",
            "config/source-port: `80-90` is no port",
        ),
        (
            "\"ipv4\": {\"config\": {\"protocol\": 6}, \"state\": {\"protocol\": 17}}, ",
            "state/protocol: `protocol` is not as configured",
        ),
        ("\"ipv4\": {\"config\": {\"protocol\": 6}, \"state\": {}}, ", "`protocol` is configured and not in `state`"),
        ("\"ipv4\": {\"state\": {\"protocol\": 17}}, ", "`state` without `config`"),
        ("\"ipv4\": {\"config\": {\"protocol\": \"IP_SCTP\"}}, ", "`IP_SCTP` is no protocol"),
        ("\"ipv4\": {\"config\": {\"protocol\": 255}}, ", "protocol 255"),
        ("\"ipv4\": {\"config\": {\"source-address-prefix-set\": \"x\"}}, ", "`source-address-prefix-set` is not understood"),
        (
            "\"ipv4\": {\"config\": {}, \"icmpv4\": {\"config\": {\"type\": \"ECHO_REQUEST\"}}}, ",
            "`ECHO_REQUEST` is no ICMP type",
        ),
        (
            "\"ipv4\": {\"config\": {}, \"icmpv4\": {\"config\": {\"type\": \"ECHO\", \"code\": \"REDIRECT_HOST\"}}}, ",
            "`REDIRECT_HOST` is no code of `ECHO`",
        ),
        ("\"ipv6\": {\"config\": {}}, ", "`ipv6` is not understood"),
        ("\"input-interface\": {}, ", "`input-interface` is not understood"),
        ("\"l2\": {\"config\": {}}, ", "`l2` is not understood"),
    ] {
        let error = parse(&openconfig(&entry(10, matches, "ACCEPT"))).unwrap_err();
        assert!(error.to_string().contains(path), "{matches}: {error}");
        assert_eq!(error.line, 3, "{error}");
    }
    let twice = [entry(10, "", "ACCEPT"), entry(10, "", "DROP")].join(",");
    assert!(parse(&openconfig(&twice)).unwrap_err().what.contains("a second entry 10"));
    let unlike =
        "{\"sequence-id\": 10, \"config\": {\"sequence-id\": 11}, \"actions\": {\"config\": {\"forwarding-action\": \"DROP\"}}}";
    assert!(parse(&openconfig(unlike)).unwrap_err().what.contains("another value than the key"));
    for text in ["", "{}", "{\"openconfig-acl:acl\": {}}", &openconfig("")] {
        assert!(parse(text).is_err(), "{text}");
    }
}

//! A usage description becomes the rules that it means, or is refused: never more than it says.
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use enforcer_policy::{MudOptions, Policy, SourceFile, from_mud, read};
use serde_json::{Value, json};

fn description(from: &Value, to: &Value) -> String {
    let list = |name: &str, aces: &Value| json!({"name": name, "type": "ipv4-acl-type", "aces": {"ace": aces}});
    json!({
        "ietf-mud:mud": {
            "mud-version": 1, "mud-url": "https://lamp.example/one.json", "last-update": "2026-01-01T00:00:00Z", "is-supported": true,
            "systeminfo": "A \"lamp\"\n# x",
            "from-device-policy": {"access-lists": {"access-list": [{"name": "fr"}]}},
            "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}},
        },
        "ietf-access-control-list:acls": {"acl": [list("fr", from), list("to", to)]},
    })
    .to_string()
}

fn ace(name: &str, matches: Value) -> Value {
    json!({"name": name, "matches": matches, "actions": {"forwarding": "accept"}})
}

fn options() -> MudOptions {
    MudOptions { zone: "lamps".into(), owner: Some("it".into()), ..MudOptions::default() }
}

/// `name: from -> to services action` of every rule; the document must be a policy together with its zones.
fn rules(text: &str, options: &MudOptions) -> (Vec<String>, Vec<String>) {
    let import = from_mud(text, options).unwrap_or_else(|refused| panic!("{}", refused.join("\n")));
    let zones = "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: p}\nzones:\n  - {name: lamps, members: [{asset: lamp}]}\n  - {name: inside, members: [{prefix: 10.0.0.0/8}]}\n";
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let policy: Policy = read(&[file("p", zones), file("mud", &import.text)])
        .unwrap_or_else(|found| panic!("{}\n{}", import.text, found.iter().map(ToString::to_string).collect::<String>()));
    let rules: Vec<&str> = import.text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(policy.rules.len(), import.rules, "{rules:?}");
    let names = |peers: &[enforcer_policy::document::Peer]| {
        let word = |peer: &enforcer_policy::document::Peer| match peer {
            enforcer_policy::document::Peer::Zone(at) => policy.zones[*at].name.value.clone(),
            other => format!("{other:?}").to_lowercase(),
        };
        peers.iter().map(word).collect::<Vec<_>>().join("+")
    };
    let words = policy
        .rules
        .iter()
        .map(|rule| format!("{}: {} -> {} {}", rule.name.value, names(&rule.from), names(&rule.to), rule.services.join(" ")));
    (words.collect(), import.notes)
}

#[test]
fn what_begins_a_conversation_becomes_a_rule_and_its_answers_need_none() {
    let from = json!([
        ace(
            "cloud",
            json!({"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "Service.example.com"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "destination-port": {"operator": "eq", "port": 443}}})
        ),
        ace(
            "dns",
            json!({"ietf-mud:mud": {"local-networks": [null]}, "udp": {"destination-port": {"operator": "eq", "port": 53}}})
        ),
        ace(
            "web-answers",
            json!({"ietf-mud:mud": {"local-networks": [null]}, "tcp": {"ietf-mud:direction-initiated": "to-device", "source-port": {"operator": "eq", "port": 80}}})
        ),
        ace(
            "ntp",
            json!({"ipv4": {"destination-ipv4-network": "192.0.2.0/24", "protocol": 17}, "udp": {"destination-port": {"lower-port": 123, "upper-port": 124}}})
        ),
    ]);
    let to = json!([
        ace(
            "cloud-answers",
            json!({"ipv4": {"ietf-acldns:src-dnsname": "service.example.com"}, "tcp": {"ietf-mud:direction-initiated": "from-device", "source-port": {"operator": "eq", "port": 443}}})
        ),
        ace(
            "dns-answers",
            json!({"ietf-mud:mud": {"local-networks": [null]}, "udp": {"source-port": {"operator": "eq", "port": 53}}})
        ),
        ace(
            "web",
            json!({"ietf-mud:mud": {"local-networks": [null]}, "tcp": {"ietf-mud:direction-initiated": "to-device", "destination-port": {"operator": "eq", "port": 80}}})
        ),
        ace("stray", json!({"ietf-mud:mud": {"local-networks": [null]}, "udp": {"source-port": {"operator": "eq", "port": 69}}})),
    ]);
    let text = description(&from, &to);
    let (said, notes) = rules(&text, &MudOptions { local: vec!["inside".into()], ..options() });
    assert_eq!(
        said,
        [
            "lamps-to-service-example-com: lamps -> mud-service-example-com tcp/443",
            "lamps-to-local: lamps -> inside udp/53",
            "lamps-to-192-0-2-0-24: lamps -> mud-192-0-2-0-24 udp/123-124",
            "lamps-from-local: inside -> lamps tcp/80",
        ]
    );
    assert_eq!(notes[0], "to/stray: answers to what no entry lets begin; left out");
    assert!(notes[1..].iter().all(|note| note.contains("said for IPv4 only")), "{notes:?}");
    assert_eq!(from_mud(&text, &options()).unwrap_err().len(), 2);
    assert_eq!(
        from_mud(&text, &options()).unwrap_err()[0],
        "fr/dns: is about local-networks; say with --local which zone that is here"
    );
}

#[test]
fn what_a_policy_cannot_say_or_nobody_knows_is_refused() {
    let nothing = json!([]);
    let eq = |port: u32| json!({"operator": "eq", "port": port});
    for (matches, why) in [
        (
            json!({"udp": {"source-port": eq(123), "destination-port": eq(123)}}),
            "fr/x: a port on the side that begins: a policy has ports of the side that is asked only",
        ),
        (json!({"tcp": {"destination-port": eq(70_000)}}), "fr/x: `destination-port`: `port` is 70000, not a port"),
        (
            json!({"tcp": {"destination-port": {"operator": "eq"}}}),
            "fr/x: `destination-port` is neither an operator with a port nor a range of ports",
        ),
        (json!({"tcp": {"flags": "syn"}}), "fr/x: `flags` is not known to this program here"),
        (json!({"ipv6": {}}), "fr/x: `ipv6` is not known to this program in a list of this type"),
        (json!({"ipv4": {"source-ipv4-network": "10.0.0.0/8"}}), "fr/x: `source-ipv4-network` is not known to this program here"),
        (json!({"ipv4": {"dscp": 3}}), "fr/x: `dscp` is not known to this program here"),
        (json!({"ipv4": {"protocol": 17}, "tcp": {}}), "fr/x: `tcp` beside another protocol"),
        (
            json!({"ipv4": {"destination-ipv4-network": "10.0.0.1/8"}}),
            "fr/x: `10.0.0.1/8` has host bits set, or a length that its family does not have",
        ),
        (
            json!({"ipv4": {"destination-ipv4-network": "10.0.0.0/8"}, "ietf-mud:mud": {"controller": "urn:x"}}),
            "fr/x: two conditions on the other end at once",
        ),
        (
            json!({"ietf-mud:mud": {"my-controller": [null]}}),
            "fr/x: is about a controller; say with --controller which zone that is here",
        ),
        (json!({"icmp": {"code": 0}}), "fr/x: an ICMP code without its type"),
        (json!({"eth": {}}), "fr/x: `eth` is not known to this program in a list of this type"),
        (json!([]), "fr/x: `matches` is not an object"),
    ] {
        assert_eq!(from_mud(&description(&json!([ace("x", matches)]), &nothing), &options()).unwrap_err(), [why]);
    }
    for (text, why) in [
        ("{", "1:1: this is no JSON"),
        ("[]", "there is no `ietf-mud:mud`"),
        ("{\"ietf-mud:mud\": {}}", "`mud-version` is not 1"),
        (&description(&nothing, &nothing), "the description has no entry for either direction"),
        (&description(&json!([{"name": "x", "actions": {}}]), &nothing), "fr/x: forwarding is `absent`"),
        (
            &description(&json!([ace("x", json!({}))]), &nothing).replace("\"name\":\"fr\",", "\"name\":\"other\","),
            "`from-device-policy` names the list `fr`, which the file does not have",
        ),
    ] {
        let refused = from_mud(text, &options()).unwrap_err();
        assert!(refused[0].starts_with(why), "{refused:?}");
    }
    let evil = MudOptions { zone: "a\nrules: []".into(), ..options() };
    assert!(
        from_mud(&description(&json!([ace("x", json!({}))]), &nothing), &evil).unwrap_err()[0].contains("is no name of a zone")
    );
}

#[test]
fn protocols_without_ports_and_denials_keep_their_meaning() {
    let deny = json!({"name": "no", "matches": {"tcp": {"destination-port": {"operator": "neq", "port": 22}}}, "actions": {"forwarding": "drop"}});
    let from = json!([
        deny,
        ace("all", json!({"ipv4": {"protocol": 47}})),
        ace("echo", json!({"ipv4": {"protocol": 1}, "icmp": {"type": 8}})),
        ace("rest", json!({}))
    ]);
    let (said, _) = rules(&description(&from, &json!([])), &options());
    assert_eq!(
        said,
        [
            "lamps-to-any: lamps -> any tcp/0-21 tcp/23-65535",
            "lamps-to-any-2: lamps -> any ip/47",
            "lamps-to-any-3: lamps -> any icmp/8",
            "lamps-to-any-4: lamps -> any any",
        ]
    );
}

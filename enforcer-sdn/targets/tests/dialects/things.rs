//! Manufacturer usage descriptions of other hands: what they let through, and what only a controller can know.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, Selector};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{find, prove};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

fn rule(id: &str, selector: Selector, action: Action) -> PointRule {
    PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() }
}

/// A file for 192.0.2.9, with the entries of its two IPv4 lists.
fn file(from: &str, to: &str) -> String {
    let policy = |name: &str| format!("{{\"access-lists\": {{\"access-list\": [{{\"name\": \"{name}\"}}]}}}}");
    let list = |name: &str, entries: &str| {
        format!("{{\"name\": \"{name}\", \"type\": \"ipv4-acl-type\", \"aces\": {{\"ace\": [\n{entries}\n]}}}}")
    };
    format!(
        "{{\"ietf-mud:mud\": {{\"mud-version\": 1, \"mud-url\": \"https://lamp.example/lamp\", \"last-update\": \"2019-01-28T11:20:51+01:00\",\n\
         \"cache-validity\": 48, \"is-supported\": true, \"systeminfo\": \"a lamp, addresses: 192.0.2.9\",\n\
         \"from-device-policy\": {}, \"to-device-policy\": {}}},\n\"ietf-access-control-list:acls\": {{\"acl\": [{}, {}]}}}}",
        policy("f"),
        policy("t"),
        list("t", to),
        list("f", from)
    )
}

fn ace(matches: &str) -> String {
    format!("{{\"name\": \"x\", \"matches\": {{{matches}}}, \"actions\": {{\"forwarding\": \"accept\"}}}}")
}

const PEER_OUT: &str = "\"ipv4\": {\"protocol\": 6, \"destination-ipv4-network\": \"198.51.100.7/32\"}";
const PEER_IN: &str = "\"ipv4\": {\"protocol\": 6, \"source-ipv4-network\": \"198.51.100.7/32\"}";

#[test]
fn a_connection_that_the_thing_opens_is_read_with_its_answers() {
    let direction = "\"ietf-mud:direction-initiated\": \"from-device\"";
    let text = file(
        &ace(&format!("{PEER_OUT}, \"tcp\": {{\"destination-port\": {{\"operator\": \"eq\", \"port\": 443}}, {direction}}}")),
        &ace(&format!("{PEER_IN}, \"tcp\": {{\"source-port\": {{\"operator\": \"eq\", \"port\": 443}}, {direction}}}")),
    );
    let (thing, peer, all) = (addresses(&["192.0.2.9"]), addresses(&["198.51.100.7"]), AddressSet::full());
    let between = |source: &AddressSet, destination: &AddressSet, l4| Selector {
        source: source.clone(),
        destination: destination.clone(),
        l4,
        ..Selector::any()
    };
    let ask = L4::Tcp { source: PortSet::full(), destination: PortSet::of(443) };
    let answer = L4::Tcp { source: PortSet::of(443), destination: PortSet::full() };
    let wanted = Ruleset {
        point: "lamp".into(),
        rules: vec![
            rule("ask", between(&thing, &peer, ask), Action::Allow),
            rule("answer", Selector { flags: FlagSet::ack_or_rst(), ..between(&peer, &thing, answer) }, Action::Allow),
            rule("rest-out", between(&thing, &all, L4::Any), Action::Deny),
            rule("rest-in", between(&all, &thing, L4::Any), Action::Deny),
        ],
    };
    let proof = prove(find("mud").unwrap(), &wanted, &text).unwrap();
    assert_eq!(proof.notes.len(), 1, "how direction is read: {:?}", proof.notes);
    // Without the direction the peer may open connections from port 443.
    let open = text.replacen(&format!(", {direction}"), "", 2);
    assert!(prove(find("mud").unwrap(), &wanted, &open).is_err());
}

#[test]
fn nothing_allowed_is_everything_denied() {
    let thing = addresses(&["192.0.2.9"]);
    let wanted = Ruleset {
        point: "lamp".into(),
        rules: vec![
            rule("out", Selector { source: thing.clone(), ..Selector::any() }, Action::Deny),
            rule("in", Selector { destination: thing, ..Selector::any() }, Action::Deny),
        ],
    };
    prove(find("mud").unwrap(), &wanted, &file("", "")).unwrap();
    let ours = (find("mud").unwrap().render)(&wanted, &enforcer_targets::RenderOptions::default()).unwrap();
    prove(find("mud").unwrap(), &wanted, &ours.text).unwrap();
}

#[test]
fn what_only_a_controller_knows_is_an_error_with_its_path() {
    let parse = find("mud").unwrap().parse;
    for (matches, path) in [
        ("\"ietf-mud:mud\": {\"local-networks\": [null]}", "matches/ietf-mud:mud: `ietf-mud:mud` is not understood"),
        ("\"ietf-mud:mud\": {\"controller\": \"urn:ietf:params:mud:dns\"}", "`ietf-mud:mud` is not understood"),
        ("\"ipv4\": {\"ietf-acldns:dst-dnsname\": \"lamp.example\"}", "`ietf-acldns:dst-dnsname` is not understood"),
        ("\"tcp\": {\"ietf-mud:direction-initiated\": \"both\"}", "`both` is no direction"),
        ("\"udp\": {\"ietf-mud:direction-initiated\": \"from-device\"}", "`ietf-mud:direction-initiated` is not understood"),
        ("\"ipv4\": {\"source-ipv4-network\": \"192.0.2.8/32\"}", "the Thing's own side"),
    ] {
        let error = parse(&file(&ace(matches), "")).unwrap_err();
        assert!(error.to_string().contains(path), "{matches}: {error}");
    }
    let whole = file(&ace(PEER_OUT), &ace(PEER_IN));
    parse(&whole).unwrap();
    for (from, to, words) in [
        ("addresses: 192.0.2.9", "192.0.2.9", "which addresses the Thing has"),
        ("addresses: 192.0.2.9", "addresses: lamp", "no set of addresses"),
        ("\"mud-version\": 1", "\"mud-version\": 2", "other than 1"),
        ("\"cache-validity\": 48", "\"extensions\": [\"ol\"]", "an extension"),
        ("\"cache-validity\": 48", "\"quota\": 48", "`quota` is not understood"),
        ("\"forwarding\": \"accept\"", "\"forwarding\": \"drop\"", "does not accept"),
        ("\"forwarding\": \"accept\"", "\"forwarding\": \"accept\", \"logging\": \"log-syslog\"", "`logging` is not understood"),
        ("\"from-device-policy\"", "\"from-the-device-policy\"", "`from-device-policy` is missing"),
        ("[{\"name\": \"f\"}]", "[{\"name\": \"g\"}]", "`g` is not in the file"),
        ("[{\"name\": \"f\"}]", "[]", "no policy names the list `f`"),
    ] {
        let error = parse(&whole.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(words), "{to}: {error}");
    }
}

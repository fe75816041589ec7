//! Kubernetes policies of other hands: what isolates, what is allowed, and what cannot be known is an error with its place.

use enforcer_packetset::{AddressSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{NotProven, Way, find, prove};

fn addresses(prefixes: &[&str]) -> AddressSet {
    prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect()
}

fn rule(id: &str, source: &AddressSet, destination: &AddressSet, l4: L4, action: Action) -> PointRule {
    let selector = Selector { source: source.clone(), destination: destination.clone(), l4, ..Selector::any() };
    PointRule { id: id.into(), selector, action, log: false, origin: Vec::new() }
}

fn tcp(first: u16, last: u16) -> L4 {
    L4::Tcp { source: PortSet::full(), destination: RangeSet::range(first, last) }
}

fn pods() -> AddressSet {
    addresses(&["10.1.0.0/24"])
}

/// `rules` between "answers pass" and "the rest is denied".
fn ruleset(rules: Vec<PointRule>, ways: &[&str]) -> Ruleset {
    let established = Selector { state: StateSet::Established, ..Selector::any() };
    let mut all = vec![PointRule {
        id: "established".into(),
        selector: established,
        action: Action::Allow,
        log: false,
        origin: Vec::new(),
    }];
    all.extend(rules);
    let everybody = AddressSet::full();
    if ways.contains(&"out") {
        all.push(rule("rest-out", &pods(), &everybody, L4::Any, Action::Deny));
    }
    if ways.contains(&"in") {
        all.push(rule("rest-in", &everybody, &pods(), L4::Any, Action::Deny));
    }
    Ruleset { point: "pods".into(), rules: all }
}

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: x\n  annotations: {{cordon/addresses: 10.1.0.0/24}}\n\
         spec:\n  podSelector: {{matchLabels: {{app: web}}}}\n{spec}"
    )
}

#[track_caller]
fn holds(wanted: &Ruleset, text: &str) {
    if let Err(error) = prove(find("kubernetes").unwrap(), wanted, text) {
        panic!("{error}\n{text}");
    }
}

#[test]
fn a_policy_isolates_what_its_types_say() {
    holds(&ruleset(vec![], &["in"]), &policy(""));
    holds(&ruleset(vec![], &["in"]), &policy("  ingress: []\n"));
    holds(&ruleset(vec![], &["in"]), &policy("  policyTypes: [Ingress]\n  ingress:\n"));
    holds(&ruleset(vec![], &["out"]), &policy("  policyTypes: [Egress]\n"));
    holds(&ruleset(vec![], &["out", "in"]), &policy("  policyTypes:\n  - Egress\n  - Ingress\n"));
    // Egress rules isolate egress unsaid.
    let everything = rule("all", &pods(), &AddressSet::full(), L4::Any, Action::Allow);
    let inwards = rule("rest", &AddressSet::full(), &pods(), L4::Any, Action::Deny);
    let mut wanted = ruleset(vec![], &[]);
    wanted.rules.extend([rule("within", &pods(), &pods(), L4::Any, Action::Deny), everything, inwards]);
    holds(&wanted, &policy("  egress: [{}]\n"));
}

#[test]
fn what_some_policy_allows_is_allowed_and_an_empty_list_is_everybody() {
    let all = AddressSet::full();
    let wanted = |l4: L4, peers: &AddressSet| ruleset(vec![rule("a", peers, &pods(), l4, Action::Allow)], &["in"]);
    holds(&wanted(L4::Any, &all), &policy("  ingress: [{}]\n"));
    holds(&wanted(L4::Any, &all), &policy("  ingress: [{from: [], ports: []}]\n"));
    holds(&wanted(tcp(80, 80), &all), &policy("  ingress: [{ports: [{port: 80}]}]\n"));
    holds(&wanted(tcp(0, 65535), &all), &policy("  ingress: [{ports: [{protocol: TCP}]}]\n"));
    holds(&wanted(tcp(80, 90), &all), &policy("  ingress: [{ports: [{port: 80, endPort: 85}, {port: 86, endPort: 90}]}]\n"));
    let holed = addresses(&["192.0.2.0/24"]).difference(&addresses(&["192.0.2.128/25"]));
    let block = "  ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.128/25]}}]}]\n";
    holds(&wanted(L4::Any, &holed), &policy(block));
    // Two policies add up; as one list of a cluster they do too.
    let (one, other) = (policy("  ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/25}}]}]\n"), policy("  ingress: []\n"));
    let whole = wanted(L4::Any, &addresses(&["192.0.2.0/25"]));
    holds(&whole, &format!("{one}---\n{other}"));
    let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>().replacen("  a", "- a", 1);
    holds(&whole, &format!("apiVersion: v1\nkind: List\nitems:\n{}{}", indented(&one), indented(&other)));
}

#[test]
fn between_two_isolated_pods_both_ends_decide() {
    let text = policy("  policyTypes: [Ingress, Egress]\n  ingress: [{ports: [{port: 80}]}]\n  egress: [{}]\n");
    let everybody = AddressSet::full();
    let web = |source: &AddressSet| rule("web", source, &pods(), tcp(80, 80), Action::Allow);
    let wanted = ruleset(
        vec![
            web(&everybody),
            rule("within", &pods(), &pods(), L4::Any, Action::Deny),
            rule("out", &pods(), &everybody, L4::Any, Action::Allow),
        ],
        &["in"],
    );
    holds(&wanted, &text);
    // One who forgets that the pods may not speak among themselves:
    let careless = ruleset(vec![web(&everybody), rule("out", &pods(), &everybody, L4::Any, Action::Allow)], &["in"]);
    match prove(find("kubernetes").unwrap(), &careless, &text) {
        Err(NotProven::Differs(difference)) => {
            assert_eq!(difference.way, Way::DeniesAllowed);
            assert!(pods().contains(difference.packet.source) && pods().contains(difference.packet.destination));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_no_addresses_is_an_error_with_its_path() {
    let parse = find("kubernetes").unwrap().parse;
    for (spec, path) in [
        ("  ingress: [{from: [{podSelector: {}}]}]\n", "/spec/ingress[0]/from[0]/podSelector: a peer by `podSelector`"),
        ("  ingress: [{from: [{namespaceSelector: {}}]}]\n", "a peer by `namespaceSelector`"),
        ("  ingress: [{ports: [{port: http}]}]\n", "/spec/ingress[0]/ports[0]/port: a port by name"),
        ("  ingress: [{ports: [{port: 0}]}]\n", "port 0"),
        ("  ingress: [{ports: [{port: 80, endPort: 79}]}]\n", "an `endPort` below `port`"),
        ("  ingress: [{ports: [{endPort: 79}]}]\n", "`endPort` without `port`"),
        ("  ingress: [{ports: [{protocol: ICMP}]}]\n", "`ICMP` is no protocol"),
        ("  ingress: [{ports: [{port: 080}]}]\n", "`080` is a text to some readers"),
        ("  ingress: [{from: [{ipBlock: {cidr: 192.0.2.1}}]}]\n", "`192.0.2.1` is no address block"),
        ("  ingress: [{from: [{ipBlock: {cidr: 192.0.2.1/24}}]}]\n", "`192.0.2.1/24` is no address block"),
        ("  ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [10.0.0.0/8]}}]}]\n", "`10.0.0.0/8` is not inside"),
        ("  ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.0/24]}}]}]\n", "is not inside"),
        ("  ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/31, except: [192.0.2.0/32, 192.0.2.1/32]}}]}]\n", "nothing is left"),
        ("  ingress: [{to: []}]\n", "`to` is not understood here"),
        ("  policyTypes: [Ingress]\n  egress: [{}]\n", "a rule of a type that `policyTypes` leaves out"),
        ("  policyTypes: [ingress]\n", "`ingress` is no policy type"),
        ("  egressDeny: []\n", "`egressDeny` is not understood here"),
    ] {
        let error = parse(&policy(spec)).unwrap_err();
        assert!(error.to_string().contains(path), "{spec}: {error}");
        assert!(error.line >= 8, "{error}");
    }
    let whole = policy("");
    for (from, to) in [
        ("cordon/addresses: 10.1.0.0/24", "other: x"),
        ("10.1.0.0/24", "10.1.0.0/240"),
        ("networking.k8s.io/v1", "networking.k8s.io/v1beta1"),
        ("kind: NetworkPolicy", "kind: CiliumNetworkPolicy"),
        ("podSelector: {matchLabels: {app: web}}", "selector: all()"),
    ] {
        assert!(parse(&whole.replace(from, to)).is_err(), "{to}");
    }
    assert!(parse("").is_err());
    let other = whole.replace("app: web", "app: db");
    // Two policies for the same pods, which then have the same addresses.
    assert!(parse(&format!("{whole}---\n{other}")).is_ok());
    let moved = whole.replace("10.1.0.0/24", "10.2.0.0/24");
    assert!(parse(&format!("{whole}---\n{moved}")).unwrap_err().what.contains("other addresses"));
}

#[test]
fn what_a_policy_cannot_say_names_rule_and_feature() {
    let render = find("kubernetes").unwrap().render;
    let options = enforcer_targets::RenderOptions::default();
    let all = AddressSet::full();
    let one = addresses(&["10.1.0.7"]);
    let ping = L4::Icmp { types: RangeSet::of(8), codes: RangeSet::full() };
    let mut logged = rule("logged", &all, &pods(), tcp(80, 80), Action::Allow);
    logged.log = true;
    for (rules, words) in [
        (
            vec![rule("part", &all, &one, tcp(80, 80), Action::Allow)],
            "`part`: kubernetes cannot say a rule about a part of the hosts",
        ),
        (vec![rule("ping", &all, &pods(), ping, Action::Allow)], "`ping`: kubernetes cannot say protocols other"),
        (vec![logged], "`logged`: kubernetes cannot say a log entry"),
        (
            vec![rule("hole", &all, &pods(), tcp(80, 80), Action::Deny), rule("big", &all, &pods(), L4::Any, Action::Allow)],
            "`hole`: kubernetes cannot say a denial of a part of what rule `big` allows",
        ),
    ] {
        let error = render(&ruleset(rules, &["out", "in"]), &options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = render(&ruleset(vec![], &[]), &options).unwrap_err().to_string();
    assert!(error.contains("a ruleset without a last word"), "{error}");
}

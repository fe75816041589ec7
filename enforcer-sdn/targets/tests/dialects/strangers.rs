//! What running configurations say beside their rules: read where it matters, refused where it could matter, never passed over.

use enforcer_targets::{DeviceZones, find};

use crate::foreign::{judges, zones};

fn error(target: &str, known: &DeviceZones, text: &str) -> String {
    match find(target).unwrap().read(text, known) {
        Err(error) => error.to_string(),
        Ok(parsed) => panic!("{text} was read as {parsed:?}"),
    }
}

fn nobody() -> DeviceZones {
    DeviceZones::default()
}

const RULE: &str = "security rules r from any to any source any destination web application any service any action allow\n";

#[test]
fn an_object_that_is_two_things_is_refused() {
    let shared = "set shared address web ip-netmask 10.0.0.1\n";
    let own = "set vsys vsys1 address web ip-netmask 10.0.0.2\n";
    let group = "set vsys vsys1 address-group web static 10.0.0.2\n";
    let rule = format!("set rulebase {RULE}");
    for other in [own, group, "set shared address-group web static 10.0.0.2\n"] {
        assert!(error("panos", &nobody(), &format!("{shared}{other}{rule}")).contains("a second address `web`"), "{other}");
    }
    let groups = "set shared address-group web static 10.0.0.1\nset address-group web static 10.0.0.2\n";
    assert!(error("panos", &nobody(), &format!("{groups}{rule}")).contains("of another place or kind"));
    let xml = |around: &str| {
        format!(
            "<config><shared><address-group><entry name='web'><static><member>10.0.0.1</member></static></entry></address-group></shared>\
             <devices><entry name='localhost.localdomain'><vsys><entry name='vsys1'>{around}</entry></vsys></entry></devices></config>"
        )
    };
    let group = "<address-group><entry name='web'><static><member>10.0.0.2</member></static></entry></address-group>";
    assert!(error("panos-xml", &nobody(), &xml(group)).contains("of another place or kind"));
    assert!(find("panos-xml").unwrap().read(&xml("<address/>"), &nobody()).is_err_and(|error| error.what.contains("defaults")));
}

#[test]
fn default_rules_and_rulebases_of_two_places_are_refused() {
    let default = |base: &str, action: &str| {
        format!(
            "set {base} default-security-rules rules interzone-default action {action}\nset {base} default-security-rules rules intrazone-default action {action}\n"
        )
    };
    judges("panos", &nobody(), &default("post-rulebase", "deny"), &[], &["tcp 10.0.0.1 10.0.0.2 80"]);
    let both = default("post-rulebase", "deny") + &default("rulebase", "allow");
    assert!(error("panos", &nobody(), &both).contains("default rules of a second rulebase"));
    let rule = RULE.replace(" web ", " any ");
    let both = format!("set shared pre-rulebase {rule}set pre-rulebase {rule}");
    assert!(error("panos", &nobody(), &both).contains("shared rules and those of a virtual system"));
}

#[test]
fn a_removal_that_takes_more_away_than_rules_is_the_first_statement() {
    let default = "set security policies default-policy permit-all\n";
    let removal = |what: &str| format!("{default}delete security policies{what}\n");
    assert!(error("junos-srx", &nobody(), &removal("")).contains("a removal that is not the first"));
    judges("junos-srx", &nobody(), &removal(" global"), &["tcp 10.0.0.1 10.0.0.2 80"], &[]);
}

#[test]
fn an_inactive_policy_is_not_asked_and_an_inactive_object_is_not_there() {
    let text = |inactive: &str| {
        format!(
            "security {{ policies {{ from-zone a to-zone b {{
                {inactive} policy shut {{ match {{ source-address any; destination-address any; application any; }} then {{ deny; }} }}
                policy web {{ match {{ source-address any; destination-address any; application junos-http; }} then {{ permit; }} }}
            }} }} }}"
        )
    };
    judges("junos-srx", &nobody(), &text("inactive:"), &["tcp 10.0.0.1 10.0.0.2 80"], &["tcp 10.0.0.1 10.0.0.2 81"]);
    judges("junos-srx", &nobody(), &text(""), &[], &["tcp 10.0.0.1 10.0.0.2 80"]);
    let book = "security { address-book global { inactive: address web 10.0.0.0/8; } policies { global { policy p {
        match { source-address any; destination-address web; application any; } then { permit; } } } } }";
    assert!(error("junos-srx", &nobody(), book).contains("address `web` is not in the text"));
    let acts = text("").replace("permit;", "inactive: permit;");
    assert!(error("junos-srx", &nobody(), &acts).contains("an action"));
    // A family without any filter in force is not read as one that lets all pass.
    let filter = "firewall { family inet { inactive: filter f { term a { then discard; } } } }";
    assert!(error("junos-filter", &nobody(), filter).contains("filter"));
}

#[test]
fn a_group_of_the_factory_has_the_services_that_the_text_defines() {
    let policy = "config firewall policy\nedit 1\nset srcintf any\nset dstintf any\nset srcaddr all\nset dstaddr all\nset action accept\n\
                  set schedule always\nset service \"Web Access\"\nnext\nend\n";
    let own = "config firewall service custom\nedit HTTP\nset tcp-portrange 8080\nnext\nend\n";
    judges("fortios", &nobody(), &format!("{own}{policy}"), &["tcp 10.0.0.1 10.0.0.2 8080"], &["tcp 10.0.0.1 10.0.0.2 80"]);
    let proxy = "config firewall service custom\nedit HTTP\nset proxy enable\nnext\nend\n";
    assert!(error("fortios", &nobody(), &format!("{proxy}{policy}")).contains("for proxies"));
    let group = "config firewall service group\nedit mine\nset member \"Web Access\" SSH\nnext\nend\n";
    let policy = policy.replace("\"Web Access\"", "mine");
    judges(
        "fortios",
        &nobody(),
        &format!("{group}{policy}"),
        &["tcp 10.0.0.1 10.0.0.2 443", "tcp 10.0.0.1 10.0.0.2 22"],
        &["tcp 10.0.0.1 10.0.0.2 23"],
    );
}

#[test]
fn between_interfaces_of_one_fortios_zone_nothing_passes_unless_the_zone_says_so() {
    let known = zones(&[
        ("lan", &["10.0.0.0/9"]),
        (
            "wan",
            &[
                "0.0.0.0/5",
                "8.0.0.0/7",
                "10.128.0.0/9",
                "11.0.0.0/8",
                "12.0.0.0/6",
                "16.0.0.0/4",
                "32.0.0.0/3",
                "64.0.0.0/2",
                "128.0.0.0/1",
                "::/0",
            ],
        ),
    ]);
    let text = |says: &str| {
        format!(
            "config system zone\nedit lan\n{says}set interface port1 port2\nnext\nend\nconfig firewall policy\nedit 1\nset srcintf lan\nset dstintf wan\n\
             set srcaddr all\nset dstaddr all\nset action accept\nset schedule always\nset service HTTP\nnext\nend\n"
        )
    };
    let (within, across) = ("tcp 10.0.0.1 10.0.0.2 80", "tcp 10.0.0.1 192.0.2.1 80");
    for says in ["", "set intrazone deny\n"] {
        judges("fortios", &known, &text(says), &[across], &[within]);
        judges("fortios", &nobody(), &text(says), &[across], &[]);
    }
    let allows = text("set intrazone allow\n");
    judges("fortios", &known, &allows, &[across, within], &["tcp 192.0.2.1 10.0.0.1 80", "tcp 192.0.2.1 192.0.2.2 80"]);
    assert!(error("fortios", &nobody(), &allows).contains("pass without a policy"));
    assert!(error("fortios", &known, &allows.replace("edit lan", "edit lam")).contains("did you mean `lan`?"));
}

#[test]
fn options_of_pf_are_read_to_their_end() {
    let text = |option: &str| format!("set {option}\npass all flags any\n");
    for option in [
        "limit { states 1000, frags 50 }",
        "limit states 1000",
        "timeout { tcp.first 120 tcp.established 86400 }",
        "timeout interval 10",
        "debug urgent",
        "optimization aggressive",
        "keepcounters",
        "fingerprints \"/etc/pf.os\"",
    ] {
        judges("pf", &nobody(), &text(option), &["tcp 10.0.0.1 10.0.0.2 80"], &[]);
    }
    for option in [
        "limit { states 1000",
        "limit states 1000 block quick",
        "debug urgent block",
        "state-policy if-bound",
        "skip on { lo0 em0 }",
    ] {
        assert!(find("pf").unwrap().read(&text(option), &nobody()).is_err(), "{option}");
    }
    for rule in ["pass in out all", "pass inet inet6 all", "block quick quick all"] {
        assert!(find("pf").unwrap().read(&format!("{rule}\n"), &nobody()).is_err(), "{rule}");
    }
}

#[test]
fn keys_of_labels_may_have_a_slash_and_null_is_no_selector() {
    let policy = |namespace: &str, peer: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: a, namespace: {namespace}}}\nspec:\n  \
             podSelector: {{matchLabels: {{app.kubernetes.io/name: web}}}}\n  ingress: [{{from: [{peer}]}}]\n---\n"
        )
    };
    let known = zones(&[("app.kubernetes.io/name=web", &["10.0.1.0/24"]), ("{}", &["10.0.0.0/16"]), ("{}/", &["10.0.0.0/8"])]);
    let (pass, stop) = ("tcp 10.0.3.1 10.0.1.5 80", "tcp 10.1.3.1 10.0.1.5 80");
    judges("kubernetes", &known, &policy("a", "{podSelector: {}, namespaceSelector: null}"), &[pass], &[stop]);
    judges(
        "kubernetes",
        &known,
        &policy("a", "{podSelector: null, namespaceSelector: {}}"),
        &[pass, stop],
        &["tcp 192.0.2.1 10.0.1.5 80"],
    );
    assert!(error("kubernetes", &known, &policy("a", "{podSelector: null}")).contains("ipBlock"));
    // The labels of one namespace are not those of another, slash or not.
    let two = policy("a", "{podSelector: {}}") + &policy("b", "{podSelector: {}}");
    assert!(error("kubernetes", &known, &two).contains("policies of two namespaces"));
    let name = |space: &str, pods: &str| format!("kubernetes.io/metadata.name={space}/{pods}");
    let web = "app.kubernetes.io/name=web";
    let names = [
        (name("a", web), "10.1.1.0/24"),
        (name("b", web), "10.2.1.0/24"),
        (name("a", ""), "10.1.0.0/16"),
        (name("b", ""), "10.2.0.0/16"),
    ];
    let behind: Vec<(&str, &[&str])> = names.iter().map(|(name, prefix)| (name.as_str(), std::slice::from_ref(prefix))).collect();
    let (own, other) = ("tcp 10.1.9.1 10.1.1.5 80", "tcp 10.2.9.1 10.1.1.5 80");
    judges("kubernetes", &zones(&behind), &two, &[own, "tcp 10.2.9.1 10.2.1.5 80"], &[other, "tcp 10.1.9.1 10.2.1.5 80"]);
}

#[test]
fn a_place_that_is_behind_two_names_is_not_read_at_all() {
    let twice = zones(&[("a", &["0.0.0.0/0", "::/0"]), ("b", &["10.0.0.0/8"])]);
    for target in ["junos-srx", "panos", "fortios", "routeros", "pf"] {
        assert!(error(target, &twice, "").contains("behind `a` and behind `b`"), "{target}");
    }
}

//! Texts as other people and devices write them: which packets pass, by the manuals of the dialects.

use std::collections::BTreeMap;

use enforcer_packetset::{AddressSet, ConnectionState, Packet, Prefix, Step, Verdict};
use enforcer_targets::{DeviceZones, Parsed, find};

pub fn zones(behind: &[(&str, &[&str])]) -> DeviceZones {
    let set = |prefixes: &[&str]| prefixes.iter().map(|text| text.parse::<Prefix>().unwrap()).collect::<AddressSet>();
    DeviceZones::new(behind.iter().map(|(name, prefixes)| ((*name).to_owned(), set(prefixes))).collect::<BTreeMap<_, _>>())
}

pub fn read(target: &str, zones: &DeviceZones, text: &str) -> Parsed {
    find(target).unwrap().read(text, zones).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `tcp 10.0.0.1 10.0.0.2 80`, of which the number is the destination port, or the type of ICMP; new unless `reply` stands before it.
pub fn packet(words: &str) -> Packet {
    let mut words: Vec<&str> = words.split(' ').collect();
    let state = if words[0] == "reply" { ConnectionState::Established } else { ConnectionState::New };
    words.retain(|word| *word != "reply");
    let protocol = match words[0] {
        "icmp" => 1,
        "tcp" => 6,
        "udp" => 17,
        "icmp6" => 58,
        number => number.parse().unwrap(),
    };
    let number: u16 = words.get(3).map_or(0, |word| word.parse().unwrap());
    let ports = if [1, 58].contains(&protocol) { (number, 0) } else { (40000, number) };
    Packet::new(words[1].parse().unwrap(), words[2].parse().unwrap(), protocol, ports, state, 0)
}

pub fn passes(parsed: &Parsed, packet: &Packet) -> bool {
    let decides = |step: &&Step| step.effect.verdict.is_some() && step.selector.contains(packet);
    parsed.steps.iter().find(decides).is_none_or(|step| step.effect.verdict == Some(Verdict::Allow))
}

/// Packets that pass, and packets that do not.
pub fn judges(target: &str, zones: &DeviceZones, text: &str, pass: &[&str], stop: &[&str]) -> Vec<String> {
    let parsed = read(target, zones, text);
    for (all, wanted) in [(pass, true), (stop, false)] {
        for words in all {
            assert_eq!(passes(&parsed, &packet(words)), wanted, "{target}: {words}\n{text}");
        }
    }
    parsed.notes
}

fn alone(target: &str, text: &str, pass: &[&str], stop: &[&str]) -> Vec<String> {
    judges(target, &DeviceZones::default(), text, pass, stop)
}

#[test]
fn what_is_inactive_on_junos_is_not_asked_and_a_term_without_from_matches_all() {
    let curly = "firewall { family inet { filter f {
        inactive: term shut { then discard; }
        term web { from { protocol tcp; inactive: destination-port 80; } then accept; }
        term open { inactive: from { protocol udp; } then { count x; } }
    } } }";
    alone("junos-filter", curly, &["tcp 10.0.0.1 10.0.0.2 22", "udp 10.0.0.1 10.0.0.2 9"], &[]);
    let set = "set firewall family inet filter f term shut then discard
set firewall family inet filter f term web from protocol tcp
set firewall family inet filter f term web from destination-port 80
set firewall family inet filter f term web then accept
deactivate firewall family inet filter f term shut
";
    alone("junos-filter", set, &["tcp 10.0.0.1 10.0.0.2 80"], &["tcp 10.0.0.1 10.0.0.2 22", "udp 10.0.0.1 10.0.0.2 80"]);
}

#[test]
fn predefined_applications_of_an_srx_have_the_devices_own_ports() {
    let text = |application: &str| {
        format!(
            "set security policies global policy p match source-address any\n\
             set security policies global policy p match destination-address any\n\
             set security policies global policy p match application {application}\n\
             set security policies global policy p then permit\n"
        )
    };
    // All of ICMP, whatever the name says.
    alone(
        "junos-srx",
        &text("junos-ping"),
        &["icmp 10.0.0.1 10.0.0.2 8", "icmp 10.0.0.1 10.0.0.2 5"],
        &["tcp 10.0.0.1 10.0.0.2 7"],
    );
    alone(
        "junos-srx",
        &text("junos-smb"),
        &["tcp 10.0.0.1 10.0.0.2 445", "tcp 10.0.0.1 10.0.0.2 139"],
        &["udp 10.0.0.1 10.0.0.2 445"],
    );
    alone("junos-srx", &text("junos-cifs"), &["tcp 10.0.0.1 10.0.0.2 445"], &["tcp 10.0.0.1 10.0.0.2 446"]);
    let notes = alone("junos-srx", &text("junos-ftp"), &["tcp 10.0.0.1 10.0.0.2 21"], &["tcp 10.0.0.1 10.0.0.2 20"]);
    assert!(notes[0].contains("gateway of `junos-ftp`"), "{notes:?}");
    // A predefined name that the text defines is what the text says.
    let own = format!("set applications application junos-ssh protocol udp destination-port 2222\n{}", text("junos-ssh"));
    alone("junos-srx", &own, &["udp 10.0.0.1 10.0.0.2 2222"], &["tcp 10.0.0.1 10.0.0.2 22"]);
}

#[test]
fn rules_of_the_management_come_before_and_after_the_devices_own() {
    let rule = |base: &str, name: &str, service: &str, action: &str| {
        format!(
            "set {base} security rules {name} from any to any source any destination any application any service {service} action {action}\n"
        )
    };
    let text = rule("post-rulebase", "last", "any", "deny")
        + &rule("rulebase", "own", "service-https", "allow")
        + &rule("rulebase", "http", "service-http", "allow")
        + &rule("pre-rulebase", "first", "service-https", "deny");
    alone(
        "panos",
        &text,
        &["tcp 10.0.0.1 10.0.0.2 80", "tcp 10.0.0.1 10.0.0.2 8080"],
        &["tcp 10.0.0.1 10.0.0.2 443", "udp 10.0.0.1 10.0.0.2 80"],
    );
    let of = |system: &str| rule("rulebase", "own", "any", "allow").replace("set ", &format!("set vsys {system} "));
    alone("panos", &of("vsys1"), &["tcp 10.0.0.1 10.0.0.2 80"], &[]);
    assert!((find("panos").unwrap().parse)(&(of("vsys1") + &of("vsys2"))).unwrap_err().what.contains("second virtual system"));
}

#[test]
fn a_number_sign_is_a_comment_only_where_the_device_takes_it_for_one() {
    // Behind `comment=` it is a letter: what follows is in force.
    let text = "# by hand\n/ip firewall filter\nadd chain=forward comment=#1 action=drop\n";
    alone("routeros", text, &[], &["tcp 10.0.0.1 10.0.0.2 80"]);
    let text =
        "set rulebase security rules r from any to any source any destination any application any service any tag #x action deny";
    alone("panos", text, &[], &["tcp 10.0.0.1 10.0.0.2 80"]);
    // The comment goes on behind the backslash, so nothing is blocked by it.
    let text = "pass all flags any\n# was: \\\nblock quick all\n";
    alone("pf", text, &["tcp 10.0.0.1 10.0.0.2 80"], &[]);
}

#[test]
fn an_address_that_is_no_prefix_is_refused_where_it_is_meant_and_not_before() {
    let fortios = |address: &str| {
        format!(
            "config firewall address\nedit \"cloud\"\nset type fqdn\nset fqdn \"x.example\"\nnext\nend\nconfig firewall policy\nedit 1\n\
             set srcintf any\nset dstintf any\nset srcaddr all\nset dstaddr {address}\nset action accept\nset schedule always\nset service ALL\nnext\nend\n"
        )
    };
    alone("fortios", &fortios("all"), &["tcp 10.0.0.1 10.0.0.2 80"], &[]);
    let error = (find("fortios").unwrap().parse)(&fortios("cloud")).unwrap_err();
    assert_eq!((error.line, error.column), (3, 10), "{error}");
    let panos = |address: &str| {
        format!(
            "set address cloud fqdn x.example\nset rulebase security rules r from any to any source any destination {address} application any service any action allow\n\
             set rulebase security rules s from any to any source any destination any application any service any action deny\n"
        )
    };
    alone("panos", &panos("10.0.0.2"), &["tcp 10.0.0.1 10.0.0.2 80"], &["tcp 10.0.0.1 10.0.0.3 80"]);
    assert_eq!((find("panos").unwrap().parse)(&panos("cloud")).unwrap_err().column, 24);
}

#[test]
fn factory_services_of_fortios_have_their_own_ports_and_always_is_all_week() {
    let policy = |service: &str| {
        format!(
            "config firewall policy\nedit 1\nset srcintf any\nset dstintf any\nset srcaddr all\nset dstaddr all\nset action accept\n\
             set schedule always\nset service {service}\nnext\nend\n"
        )
    };
    alone(
        "fortios",
        &policy("\"Web Access\""),
        &["udp 10.0.0.1 10.0.0.2 53", "tcp 10.0.0.1 10.0.0.2 443"],
        &["tcp 10.0.0.1 10.0.0.2 8080"],
    );
    // It wants a privileged source port.
    alone("fortios", &policy("RSH"), &[], &["tcp 10.0.0.1 10.0.0.2 514"]);
    alone("fortios", &policy("ALL_TCP"), &["tcp 10.0.0.1 10.0.0.2 1"], &["tcp 10.0.0.1 10.0.0.2 0"]);
    let factory = "config firewall service category\nedit \"General\"\nset comment \"x\"\nnext\nend\nconfig firewall service custom\nedit \"webproxy\"\n\
                   set proxy enable\nset category \"Web Proxy\"\nset protocol ALL\nset tcp-portrange 0-65535:0-65535\nnext\nend\n";
    let always = |days: &str| format!("config firewall schedule recurring\nedit \"always\"\nset day {days}\nnext\nend\n");
    let week = "sunday monday tuesday wednesday thursday friday saturday";
    alone("fortios", &(factory.to_owned() + &always(week) + &policy("HTTP")), &["tcp 10.0.0.1 10.0.0.2 80"], &[]);
    let parse = find("fortios").unwrap().parse;
    assert!(parse(&(always("monday") + &policy("HTTP"))).unwrap_err().what.contains("not always"));
    assert!(parse(&(factory.to_owned() + &policy("webproxy"))).unwrap_err().what.contains("for proxies"));
}

const DEFCONF: &str = "/ip firewall filter
add action=accept chain=input protocol=icmp
add action=fasttrack-connection chain=forward comment=\"defconf: fasttrack\" connection-state=established,related hw-offload=yes
add action=accept chain=forward connection-state=established,related,untracked
add action=drop chain=forward connection-state=invalid
add action=jump chain=forward dst-address=10.1.0.0/16 jump-target=plant
add chain=forward protocol=tcp dst-port=443
add action=drop chain=forward
add action=return chain=plant protocol=udp
add action=accept chain=plant dst-port=502 protocol=tcp
add action=drop chain=plant protocol=tcp
";

#[test]
fn chains_states_and_fasttrack_of_a_routeros_export_are_followed() {
    let pass = [
        "tcp 10.0.0.1 10.1.0.2 502",
        "tcp 10.0.0.1 10.2.0.2 443",
        "reply tcp 10.0.0.1 10.9.0.2 9",
        "reply udp 10.1.0.2 10.0.0.1 9",
    ];
    let stop = ["tcp 10.0.0.1 10.1.0.2 443", "udp 10.0.0.1 10.1.0.2 502", "tcp 10.0.0.1 10.2.0.2 502"];
    let notes = alone("routeros", DEFCONF, &pass, &stop);
    assert_eq!(notes.len(), 2, "{notes:?}");
    let parse = find("routeros").unwrap().parse;
    // Invalid packets would pass to where new ones do not.
    let open = DEFCONF.replace("add action=drop chain=forward\n", "add action=drop chain=forward connection-state=new\n");
    alone("routeros", &open, &[], &stop);
    let open = open.replace("add action=drop chain=forward connection-state=invalid\n", "");
    assert!(parse(&open).unwrap_err().what.contains("invalid packets pass"), "{:?}", parse(&open));
    let circle = "/ip firewall filter\nadd action=jump chain=forward jump-target=a\nadd action=jump chain=a jump-target=a\n";
    assert!(parse(circle).unwrap_err().what.contains("in itself"));
}

#[test]
fn pf_asks_where_a_packet_comes_in_and_where_it_leaves() {
    let lan: Prefix = "10.0.0.0/8".parse().unwrap();
    let known = DeviceZones::new(
        [("em0".into(), AddressSet::full().difference(&lan.into())), ("em1".into(), AddressSet::from(lan))].into(),
    );
    let text = "wan = \"em0\"
lan = \"{ em1 }\"
set limit { states 1000, frags 50 }
set skip on lo0
table <bogons> persist
scrub on $wan all fragment reassemble
block log all
pass quick on lo0 all flags any
pass in quick on $lan inet proto tcp from 10.0.0.0/8 to any port { 80 443 } keep state label \"web\" tracker 7
pass in quick on $wan reply-to (em0 203.0.113.1) inet proto tcp from any to 10.0.0.5 port 22 keep state
pass out on em0 inet proto tcp all
pass out on ! em0 inet proto tcp from any to 10.0.0.5
";
    let pass = ["tcp 10.0.0.1 192.0.2.1 443", "tcp 192.0.2.1 10.0.0.5 22", "reply tcp 192.0.2.1 10.0.0.9 40000"];
    let stop =
        ["tcp 10.0.0.1 192.0.2.1 25", "tcp 192.0.2.1 10.0.0.6 22", "tcp 192.0.2.1 10.0.0.5 80", "udp 10.0.0.1 192.0.2.1 443"];
    let notes = judges("pf", &known, text, &pass, &stop);
    assert!(notes.iter().any(|note| note.contains("scrub")), "{notes:?}");
    // Comes in, and may not leave.
    let shut = text.replace("pass out on em0 inet proto tcp all\n", "");
    judges("pf", &known, &shut, &["tcp 192.0.2.1 10.0.0.5 22"], &["tcp 10.0.0.1 192.0.2.1 443"]);
}

fn network_policy(name: &str, namespace: &str, spec: &str) -> String {
    format!("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}{namespace}}}\nspec:\n{spec}---\n")
}

#[test]
fn policies_for_several_pods_add_up_and_both_ends_decide() {
    let known = zones(&[
        ("app=web", &["10.0.1.0/24"]),
        ("app=db", &["10.0.2.0/24"]),
        ("{}", &["10.0.0.0/22"]),
        ("team=ops/app=probe", &["10.8.0.0/24"]),
        ("team=ops/", &["10.8.0.0/16"]),
    ]);
    let deny = network_policy("deny", "", "  podSelector: {}\n  policyTypes: [Ingress]\n");
    let web = network_policy(
        "web",
        "",
        "  podSelector: {matchLabels: {app: web}}\n  ingress:\n  - from: []\n    ports: [{port: 80, endPort: 90}]\n",
    );
    let db = network_policy(
        "db",
        "",
        "  podSelector: {matchLabels: {app: db}}\n  policyTypes: [Ingress, Egress]\n  ingress:\n  - from:\n    - podSelector: {matchLabels: {app: web}}\n    \
         - namespaceSelector: {matchLabels: {team: ops}}\n      podSelector: {matchLabels: {app: probe}}\n    ports: [{port: 5432}]\n",
    );
    let text = deny + &web + &db;
    let pass = [
        "tcp 192.0.2.1 10.0.1.5 85",
        "tcp 10.0.1.5 10.0.2.5 5432",
        "tcp 10.8.0.7 10.0.2.5 5432",
        "reply tcp 10.0.2.5 10.0.1.5 9",
        "tcp 10.0.3.5 10.9.9.9 1",
    ];
    let stop = [
        "tcp 192.0.2.1 10.0.1.5 91",
        "tcp 192.0.2.1 10.0.3.5 80",
        "tcp 10.0.3.5 10.0.2.5 5432",
        "tcp 10.8.1.7 10.0.2.5 5432",
        "udp 10.0.1.5 10.0.2.5 5432",
        // The one lets it in, the other does not let it out.
        "tcp 10.0.2.5 10.0.1.5 80",
    ];
    judges("kubernetes", &known, &text, &pass, &stop);
    // In two peers either suffices: all pods there, and pods called probe here.
    let two = text.replace("\n      podSelector: {matchLabels: {app: probe}}", "");
    judges("kubernetes", &known, &two, &["tcp 10.8.1.7 10.0.2.5 5432"], &["tcp 10.9.1.7 10.0.2.5 5432"]);
    let target = find("kubernetes").unwrap();
    let error = target.read(&text.replace("app: web", "app: webs"), &known).unwrap_err();
    assert!(error.what.contains("did you mean `app=web`?"), "{error}");
    let named = text.replace("port: 5432", "port: postgres");
    assert!(target.read(&named, &known).unwrap_err().what.contains("by name"));
    let elsewhere = text.replace("{name: db}", "{name: db, namespace: other}");
    assert!(target.read(&elsewhere, &known).unwrap_err().what.contains("two namespaces"));
}

//! What security rules mean beyond what we write ourselves.

use enforcer_packetset::{L4, Selector};
use enforcer_policy::Action;
use enforcer_targets::{RenderOptions, Way, find};

use crate::claims::{addresses, between, differs, established, holds, refused, ruleset, tcp, udp};

const TARGET: &str = "panos";

const OBJECTS: &str = "set address hmi ip-netmask 192.0.2.10
set address \"plc 1\" ip-netmask 198.51.100.0/28
set address plc-2 ip-range 198.51.100.16-198.51.100.31
set address-group plc static [ \"plc 1\" plc-2 ]
set service modbus protocol tcp port 502,5000-5010
set service modbus protocol tcp override no
set service snmp protocol udp port 161 source-port 1024-65535
set service-group ot members [ modbus snmp service-https ]
";

const REST: &str = "set rulebase security rules rest from any to any source any destination any application any service any";

fn rule(more: &str) -> String {
    format!("set rulebase security rules r1 {more}\n")
}

#[test]
fn objects_groups_and_attributes_on_lines_of_their_own_are_read() {
    let plc = ["198.51.100.0/27"];
    let snmp =
        L4::Udp { source: enforcer_packetset::RangeSet::range(1024, 65535), destination: enforcer_packetset::PortSet::of(161) };
    let wanted = ruleset(vec![
        established(),
        (between(&["192.0.2.10"], &plc, tcp(&[(502, 502), (5000, 5010)])), Action::Allow, true),
        (between(&["192.0.2.10"], &plc, snmp), Action::Allow, true),
        (between(&["192.0.2.10"], &plc, tcp(&[(443, 443)])), Action::Allow, true),
        (Selector::any(), Action::Deny, false),
    ]);
    let lines: String = [
        "uuid 00000000-0000-0000-0000-000000000001",
        "to any",
        "from any",
        "source [ hmi ]",
        "destination plc",
        "source-user any",
        "category any",
        "application any",
        "service ot",
        "hip-profiles any",
        "action allow",
        "description \"a # in it\"",
    ]
    .map(rule)
    .concat();
    let text = format!("{OBJECTS}{lines}{REST} action reset-both log-end no\n");
    assert!(holds(TARGET, &wanted, &text).is_empty());
}

#[test]
fn a_session_is_logged_at_its_end_unless_that_is_switched_off() {
    let wanted = ruleset(vec![established(), (Selector::any(), Action::Deny, true)]);
    holds(TARGET, &wanted, &format!("{REST} action deny"));
    holds(TARGET, &wanted, &format!("{REST} action deny log-end no log-start yes"));
    assert_eq!(differs(TARGET, &wanted, &format!("{REST} action deny log-end no")).way, Way::LogsTooLittle);
}

#[test]
fn a_disabled_rule_is_not_asked() {
    let wanted = ruleset(vec![established(), (Selector::any(), Action::Allow, false)]);
    let disabled = rule("from any to any source any destination any application any service any action deny disabled yes");
    holds(TARGET, &wanted, &format!("{disabled}{REST} action allow log-end no"));
}

#[test]
fn what_no_rule_matches_depends_on_the_zones() {
    let web =
        rule("from plant to office source any destination any application any service service-http action allow log-end no");
    let both = |action| {
        ruleset(vec![
            established(),
            (Selector { l4: tcp(&[(80, 80), (8080, 8080)]), ..Selector::any() }, Action::Allow, false),
            (Selector::any(), action, false),
        ])
    };
    assert_eq!(holds(TARGET, &both(Action::Deny), &web).len(), 1);
    holds(TARGET, &both(Action::Allow), &web.replace("office", "plant"));
    let anywhere = web.replace("plant", "any").replace("office", "any");
    refused(TARGET, &[(&anywhere, 1, 29)]);
    let overridden = format!("{anywhere}set rulebase default-security-rules rules intrazone-default action deny log-end no\n");
    holds(TARGET, &both(Action::Deny), &overridden);
}

#[test]
fn negated_addresses_are_all_others() {
    let others = addresses(&["0.0.0.0/0", "::/0"]).difference(&addresses(&["10.0.0.0/8"]));
    let wanted = ruleset(vec![
        established(),
        (Selector { source: others, l4: udp(&[(53, 53)]), ..Selector::any() }, Action::Deny, false),
        (Selector::any(), Action::Allow, false),
    ]);
    let text = format!(
        "set service dns protocol udp port 53\n{}{REST} action allow log-end no",
        rule(
            "from any to any source 10.0.0.0/8 negate-source yes destination any application any service dns action drop log-end no"
        )
    );
    holds(TARGET, &wanted, &text);
}

#[test]
fn icmp_cannot_be_said_for_it_is_known_by_content() {
    let ping = Selector { l4: L4::Protocol(1), ..Selector::any() };
    let rules = ruleset(vec![established(), (ping, Action::Allow, false)]);
    let error = (find(TARGET).unwrap().render)(&rules, &RenderOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("rule `r-1`: panos cannot say a protocol other than TCP and UDP"), "{error}");
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let whole = |more: &str| {
        format!(
            "{}{REST} action deny",
            rule(&format!("from any to any source any destination any application any action allow {more}"))
        )
    };
    for (more, column) in [
        ("service application-default", 112),
        ("service nosuch", 112),
        ("service any application web-browsing", 128),
        ("service any profile-setting group strict", 116),
        ("service any source-user nobody", 128),
        ("service any rule-type intrazone", 126),
        ("service any schedule night", 116),
        ("service any action drop", 123),
        ("service [ any", 117),
        ("source 10.0.0.1/8 service any", 111),
        ("", 29),
        ("service any from plant", 29),
    ] {
        refused(TARGET, &[(&whole(more), 1, column)]);
    }
    refused(
        TARGET,
        &[
            ("<?xml version=\"1.0\"?>\n<config/>", 1, 1),
            ("set address-group g dynamic filter x", 1, 21),
            ("set service s protocol sctp port 1", 1, 24),
            ("set network nosuch x", 1, 5),
            ("move rulebase security rules a top", 1, 1),
            (
                "set address-group g static g\nset rulebase security rules r from any to any source g destination any application any service any action deny",
                1,
                28,
            ),
            (
                "set rulebase security rules r from a to b source any destination any application any service any action deny\nset rulebase security rules s from b to a source any destination any application any service any action deny",
                2,
                29,
            ),
        ],
    );
}

/// As the API answers a request for the policy of one virtual system.
const EXPORTED: &str = "<response status=\"success\" code=\"19\"><result total-count=\"1\" count=\"1\">
<config version=\"11.1.0\" urldb=\"paloaltonetworks\"><devices><entry name=\"localhost.localdomain\"><vsys><entry name=\"vsys1\">
  <address><entry name=\"plc\"><ip-netmask>198.51.100.7</ip-netmask><description>a &amp; b</description></entry></address>
  <address-group><entry name=\"plcs\"><static><member>plc</member></static></entry></address-group>
  <service><entry name=\"modbus\"><protocol><tcp><port>502</port><override><no/></override></tcp></protocol></entry></service>
  <rulebase><security><rules>
    <entry name=\"poll\" uuid=\"7\" admin=\"x\" dirtyId=\"3\" time=\"2026/11/01 10:00:00\">
      <to><member>any</member></to><from><member>any</member></from>
      <source><member>192.0.2.0/24</member></source><destination><member>plcs</member></destination>
      <source-user><member>any</member></source-user><category><member>any</member></category>
      <application><member>any</member></application><service><member>modbus</member><member>service-https</member></service>
      <hip-profiles><member>any</member></hip-profiles><action>allow</action><log-end>no</log-end><tag/>
    </entry>
    <!-- the end -->
    <entry name=\"rest\">
      <from><member>any</member></from><to><member>any</member></to><source><member>any</member></source>
      <destination><member>any</member></destination><application><member>any</member></application>
      <service><member>any</member></service><action>deny</action><log-end>no</log-end>
    </entry>
  </rules></security></rulebase>
</entry></vsys></entry></devices></config></result></response>
";

#[test]
fn an_exported_configuration_in_xml_is_understood() {
    let wanted = ruleset(vec![
        established(),
        (between(&["192.0.2.0/24"], &["198.51.100.7"], tcp(&[(502, 502), (443, 443)])), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ]);
    for target in ["panos", "panos-xml"] {
        holds(target, &wanted, EXPORTED);
    }
    let wrong = EXPORTED.replace("<port>502</port>", "<port>503</port>");
    assert_eq!(differs("panos-xml", &wanted, &wrong).line, Some(7), "the first rule");
    holds("panos-xml", &wanted, &EXPORTED.replace("<entry name=\"rest\">", "<entry name=\"rest\"><disabled>no</disabled>"));
}

#[test]
fn xml_that_says_more_or_less_than_a_policy_is_refused_at_its_place() {
    let with = |from: &str, to: &str| EXPORTED.replacen(from, to, 1);
    let texts = [
        (with("<rulebase>", "<nosuch/><rulebase>"), 6, 3),
        (with("<security>", "<pbf><rules><entry name=\"x\"><action><discard/></action></entry></rules></pbf><security>"), 6, 25),
        (with("<action>allow</action>", "<action>allow</action><action>deny</action>"), 12, 78),
        (with("<member>any</member>", "<member/>"), 8, 11),
        (with("<member>any</member>", "x<member>any</member>"), 8, 7),
        (with("<entry name=\"rest\">", "<entry name=\"poll\">"), 15, 5),
        (with("<entry name=\"rest\">", "<entry>"), 15, 5),
        (with("<entry name=\"rest\">", "<entry name=\"rest\" quarantine=\"1\">"), 15, 5),
        (with("<tag/>", "<profile-setting><group><member>strict</member></group></profile-setting>"), 12, 99),
        (with("<tag/>", "<action2>"), 13, 5),
        (with("<response", "<!DOCTYPE x [<!ENTITY a \"b\">]><response"), 1, 1),
        (with("</vsys>", "<entry name=\"vsys2\"/></vsys>"), 21, 9),
        (format!("{}{}", "<config>".repeat(30), "</config>".repeat(30)), 1, 193),
        (format!("{}{}", "<config><devices>".repeat(3), "</devices></config>".repeat(3)), 1, 18),
        ("<".to_owned(), 1, 2),
        ("<config/>".to_owned(), 1, 1),
    ];
    let place = |text: &str| (find("panos-xml").unwrap().parse)(text).map_or_else(|error| (error.line, error.column), |_| (0, 0));
    let found: Vec<(usize, usize)> = texts.iter().map(|(text, _, _)| place(text)).collect();
    assert_eq!(found, texts.iter().map(|(_, line, column)| (*line, *column)).collect::<Vec<_>>());
    let deep = "<a>".repeat(200_000);
    assert!((find("panos-xml").unwrap().parse)(&deep).is_err());
}

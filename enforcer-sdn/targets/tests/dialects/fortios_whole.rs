//! Whole configurations of FortiOS: what stands beside the policies is known to be harmless, or stops the proof.

use enforcer_packetset::Selector;
use enforcer_policy::{Action, Ruleset};
use enforcer_targets::{Parsed, find, prove};

use crate::claims::{between, established, refused, ruleset, tcp};
use crate::rulesets::{Random, cases, fit, ruleset as any_ruleset};

const TARGET: &str = "fortios";

const BEFORE: &str = r#"#config-version=FGT60F-7.2.0-FW-build1157-220331:opmode=0:vdom=0:user=admin
#conf_file_ver=1234567890
#buildno=1157
#global_vdom=1
config system global
    set admintimeout 30
    set allow-traffic-redirect disable
    set ipv6-allow-traffic-redirect disable
    set hostname "press-1"
    set timezone 26
end
config system accprofile
    edit "reader"
        set netgrp custom
        config netgrp-permission
            set cfg read
        end
    next
end
config system interface
    edit "port1"
        set vdom "root"
        set ip 10.1.0.1 255.255.0.0
        set allowaccess ping https
        set type physical
        config ipv6
            set ip6-address 2001:db8::1/64
        end
    next
end
config system replacemsg admin "post_admin-disclaimer-text"
    set buffer "<html>
config firewall policy
    edit 99
        set action accept \"
    next
end
</html>"
end
config vpn certificate local
    edit "own"
        set certificate "-----BEGIN CERTIFICATE-----
MIIB
-----END CERTIFICATE-----"
    next
end
config system settings
    set gui-multiple-interface-policy enable
end
config router policy
end
config router static
    edit 1
        set gateway 192.0.2.1
        set device "port1"
    next
end
config firewall address
    edit "all"
        set uuid 00000000-0000-0000-0000-000000000001
    next
    edit "update.example"
        set type fqdn
        set fqdn "update.example"
    next
    edit "db"
        set uuid 00000000-0000-0000-0000-000000000002
        set type ipmask
        set route-tag 0
        set comment ''
        set associated-interface ''
        set subnet 192.0.2.10 255.255.255.255
    next
end
config firewall vip
    edit "unused"
        set extip 203.0.113.9
        set extintf "any"
        set mappedip "192.0.2.10"
    next
end
"#;

const POLICY: &str = r#"config firewall policy
    edit 1
        set status enable
        set name "db"
        set srcintf "any"
        set dstintf "any"
        set action accept
        set nat64 disable
        set srcaddr "all"
        set dstaddr "db"
        set internet-service disable
        unset reputation-minimum
        set schedule "always"
        set service "HTTPS"
        set tos-mask 0x00
        set utm-status disable
        set profile-protocol-options "default"
        set logtraffic utm
        set auto-asic-offload enable
        set natip 0.0.0.0 0.0.0.0
        set comments ''
        set traffic-shaper ''
    next
end
"#;

#[expect(clippy::unwrap_used, clippy::panic, reason = "a test helper")]
fn parsed(text: &str) -> Parsed {
    (find(TARGET).unwrap().parse)(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn wanted() -> Ruleset {
    ruleset(vec![
        established(),
        (between(&["0.0.0.0/0"], &["192.0.2.10"], tcp(&[(443, 443)])), Action::Allow, false),
        (Selector::any(), Action::Deny, false),
    ])
}

#[test]
fn a_whole_configuration_is_its_policies() {
    let text = format!("{BEFORE}{POLICY}");
    let proof = prove(find(TARGET).unwrap(), &wanted(), &text);
    assert!(proof.is_ok(), "{proof:?}");
    let objects = &BEFORE[BEFORE.find("config firewall address\n").unwrap()..];
    assert_eq!(parsed(&text).steps, parsed(&format!("{objects}{POLICY}")).steps);
    let wider = text.replace("192.0.2.10 255.255.255.255", "192.0.2.0 255.255.255.0");
    assert!(prove(find(TARGET).unwrap(), &wanted(), &wider).is_err());
    let redirecting = text.replace("    set allow-traffic-redirect disable\n", "");
    assert!(parsed(&redirecting).notes.iter().any(|note| note.contains("allow-traffic-redirect")));
    let domain = format!("config vdom\nedit root\nnext\nend\nconfig vdom\nedit root\n{text}end\n");
    assert_eq!(parsed(&domain).steps, parsed(&text).steps);
}

#[test]
fn a_policy_text_of_ours_means_the_same_inside_of_a_configuration() {
    let golden = include_str!("../goldens/plant.fortios");
    let whole = format!("{}{golden}", &BEFORE[..BEFORE.find("config firewall address\n").unwrap()]);
    assert_eq!(parsed(&whole).steps, parsed(golden).steps);
}

#[test]
fn what_decides_beside_the_policies_stops_the_proof_at_its_place() {
    let at = BEFORE.lines().count();
    for section in [
        "authentication rule",
        "firewall DoS-policy",
        "firewall acl",
        "firewall central-snat-map",
        "firewall consolidated policy",
        "firewall interface-policy",
        "firewall multicast-policy",
        "firewall policy6",
        "firewall proxy-policy",
        "firewall security-policy",
        "firewall shaping-policy",
        "firewall sniffer",
        "firewall ttl-policy",
        "firewall vip46",
        "router policy",
        "system wccp",
        "vpn ipsec phase1",
    ] {
        let text = |setting: &str| format!("{BEFORE}config {section}\nedit 1\nset {setting}\nnext\nend\n{POLICY}");
        refused(TARGET, &[(&text("comments x"), at + 2, 6)]);
        parsed(&text("status disable"));
    }
    for (section, setting, column) in [
        ("system settings", "central-nat enable", 5),
        ("system settings", "opmode transparent", 5),
        ("system settings", "ngfw-mode policy-based", 5),
        ("system settings", "asymroute enable", 5),
        ("system settings", "moon full", 5),
        ("system global", "default-service-source-port 1024-65535", 5),
        ("system global", "moon full", 5),
        ("system sdwan", "status enable", 5),
        ("firewall ipmacbinding setting", "bindthroughfw enable", 5),
    ] {
        refused(TARGET, &[(&format!("{BEFORE}config {section}\nset {setting}\nend\n{POLICY}"), at + 2, column)]);
    }
    for (section, setting) in [
        ("system interface", "security-mode captive-portal"),
        ("system interface", "ipmac enable"),
        ("vpn ipsec phase2-interface", "src-subnet 10.0.0.0 255.0.0.0"),
    ] {
        refused(TARGET, &[(&format!("{BEFORE}config {section}\nedit a\nset {setting}\nnext\nend\n{POLICY}"), at + 3, 5)]);
    }
    refused(
        TARGET,
        &[
            (&format!("{BEFORE}config moon base\nset a b\nend\n{POLICY}"), at + 1, 13),
            (&format!("config vdom\nedit a\nnext\nedit b\nnext\nend\n{POLICY}"), 4, 6),
            (
                &format!("{BEFORE}{}", POLICY.replace("\"db\"\n        set internet", "\"unused\"\n        set internet")),
                at + 10,
                21,
            ),
            (&format!("{BEFORE}{POLICY}config firewall policy\npurge\nend\n"), at + POLICY.lines().count() + 2, 1),
            (&format!("{BEFORE}config log setting\nset a it's\nend\n"), at + 2, 7),
            (&"config log setting\n".repeat(40), 17, 1),
        ],
    );
}

#[test]
fn a_rendering_says_the_same_within_a_whole_configuration() {
    let target = find(TARGET).unwrap();
    let mut random = Random(14);
    for _ in 0..cases("CORDON_CASES", 100) {
        let (_, rendering) = fit(target, any_ruleset(&mut random, 8));
        let whole = format!("{BEFORE}{}", rendering.text);
        assert_eq!(parsed(&whole).steps, parsed(&rendering.text).steps, "{whole}");
    }
}

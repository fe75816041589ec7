//! Whole PAN-OS configurations: security rules among everything else that a firewall has.

use enforcer_packetset::Selector;
use enforcer_policy::Action;
use enforcer_targets::find;

use crate::claims::{addresses, between, established, holds, refused, ruleset, tcp};
use crate::rulesets::{Random, cases, fit, ruleset as any_ruleset};

const BEFORE: &str = r#"set deviceconfig system hostname fw-a
set deviceconfig setting session tcp-reject-non-syn yes
set mgt-config users admin phash $1$x
set network profiles zone-protection-profile strict flood tcp-syn enable yes
set network interface ethernet ethernet1/1 layer3 ip 10.0.0.1/24
set network interface ethernet ethernet1/2 layer3 units ethernet1/2.20 tag 20
set network virtual-router default interface [ ethernet1/1 ethernet1/2 ]
set network virtual-router default routing-table ip static-route up destination 0.0.0.0/0
set network ike crypto-profiles ike-crypto-profiles default hash sha256
set network tunnel ipsec site auto-key ike-gateway peer
set shared log-settings syslog siem server a server 10.0.0.9
set shared certificate ca common-name x
set application odd category business-systems
set profiles virus strict decoder http action reset-both
set profile-group all virus strict
set tag plant color color1
set external-list bad type ip url https://example.invalid/list
set zone trust network layer3 [ ethernet1/1 ]
set zone trust enable-user-identification no
set zone untrust network layer3 ethernet1/2
set zone spare
set address plcs ip-netmask 10.0.0.0/24
set service modbus protocol tcp port 502
"#;

const RULES: &str = r#"set rulebase security rules poll from any
set rulebase security rules poll to any
set rulebase security rules poll source any
set rulebase security rules poll destination plcs
set rulebase security rules poll application any
set rulebase security rules poll service modbus
set rulebase security rules poll action allow
set rulebase security rules poll log-end no
set rulebase security rules rest from any to any source any destination any application any service any action deny log-end no
"#;

const AFTER: &str = r#"set rulebase nat rules out to untrust
set rulebase nat rules out from trust
set rulebase nat rules out source any
set rulebase nat rules out destination any
set rulebase nat rules out service any
set rulebase nat rules out source-translation dynamic-ip-and-port interface-address interface ethernet1/2
set rulebase nat rules old destination-translation translated-address 10.0.0.5
set rulebase nat rules old disabled yes
set rulebase qos rules voice action class 1
set rulebase application-override rules odd application odd
set import network interface [ ethernet1/1 ethernet1/2 ]
"#;

fn wanted() -> enforcer_policy::Ruleset {
    let asked = Selector { source: addresses(&["0.0.0.0/0", "::/0"]), ..between(&[], &["10.0.0.0/24"], tcp(&[(502, 502)])) };
    ruleset(vec![established(), (asked, Action::Allow, false), (Selector::any(), Action::Deny, false)])
}

#[test]
fn a_whole_listing_is_its_security_rules() {
    let text = format!("{BEFORE}{RULES}{AFTER}");
    assert!(holds("panos", &wanted(), &text).is_empty());
    let system: String = text
        .lines()
        .map(|line| match line.strip_prefix("set ") {
            Some(part) if ["zone", "address", "service", "rulebase", "import", "tag"].iter().any(|own| part.starts_with(own)) => {
                format!("set vsys vsys1 {part}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    holds("panos", &wanted(), &system);
}

#[test]
fn what_decides_beside_the_rules_is_refused_at_its_place() {
    let lines = format!("{BEFORE}{RULES}").lines().count();
    for (more, column) in [
        ("zone untrust network zone-protection-profile strict", 26),
        ("zone untrust network enable-packet-buffer-protection yes", 58),
        ("rulebase nat rules in destination-translation translated-address 10.0.0.5", 24),
        ("rulebase nat rules in dynamic-destination-translation translated-address x", 24),
        ("rulebase nat rules in source-translation static-ip bi-directional yes", 24),
        ("rulebase nat rules in nat-type nat64", 24),
        ("pre-rulebase pbf rules p action discard", 28),
        ("rulebase dos rules d action protect", 24),
        ("rulebase decryption rules d action decrypt", 31),
        ("rulebase authentication rules d source any", 35),
        ("rulebase captive-portal rules d action web-form", 35),
        ("rulebase tunnel-inspect rules d source any", 35),
        ("rulebase sdwan rules d source any", 26),
        ("rulebase nosuch rules d source any", 14),
        ("network shared-gateway sg1 x", 13),
        ("network qos interface ethernet1/1 enabled yes", 17),
        ("network virtual-wire default-vwire interface1 ethernet1/3", 13),
        ("deviceconfig setting session ipv6-firewalling no", 51),
        ("network nosuch x", 5),
        ("device-group plant address x", 5),
        ("zone untrust network nosuch x", 5),
    ] {
        refused("panos", &[(&format!("{BEFORE}{RULES}set {more}\n"), lines + 1, column)]);
    }
}

/// As the device exports it.
const EXPORT: &str = r#"<?xml version="1.0"?>
<config version="11.1.0" urldb="paloaltonetworks" detail-version="11.1.3">
  <mgt-config><users><entry name="admin"><phash>x</phash><permissions odd="1"/></entry></users></mgt-config>
  <shared><application/><log-settings><syslog><entry name="siem"/></syslog></log-settings><botnet><configuration/></botnet></shared>
  <devices><entry name="localhost.localdomain">
    <network>
      <interface><ethernet><entry name="ethernet1/1"><layer3><ip><entry name="10.0.0.1/24"/></ip></layer3></entry></ethernet></interface>
      <profiles><zone-protection-profile><entry name="strict"/></zone-protection-profile></profiles>
      <virtual-router><entry name="default"><interface><member>ethernet1/1</member></interface></entry></virtual-router>
      <qos/>
    </network>
    <deviceconfig><system><hostname>fw-a</hostname></system><setting><session/></setting></deviceconfig>
    <vsys><entry name="vsys1">
      <application/><application-group/>
      <zone><entry name="trust"><network><layer3><member>ethernet1/1</member></layer3></network></entry><entry name="spare"/></zone>
      <address><entry name="plcs"><ip-netmask>10.0.0.0/24</ip-netmask></entry></address>
      <service><entry name="modbus"><protocol><tcp><port>502</port></tcp></protocol></entry></service>
      <tag><entry name="plant"><color>color1</color></entry></tag>
      <import><network><interface><member>ethernet1/1</member></interface></network></import>
      <rulebase>
        <nat><rules><entry name="out"><source-translation><dynamic-ip-and-port><interface-address/></dynamic-ip-and-port></source-translation>
          <to><member>untrust</member></to></entry></rules></nat>
        <pbf><rules/></pbf>
        <security><rules>
          <entry name="poll"><to><member>any</member></to><from><member>any</member></from><source><member>any</member></source>
            <destination><member>plcs</member></destination><application><member>any</member></application>
            <service><member>modbus</member></service><action>allow</action><log-end>no</log-end></entry>
          <entry name="rest"><to><member>any</member></to><from><member>any</member></from><source><member>any</member></source>
            <destination><member>any</member></destination><application><member>any</member></application>
            <service><member>any</member></service><action>deny</action><log-end>no</log-end></entry>
        </rules></security>
      </rulebase>
    </entry></vsys>
  </entry></devices>
</config>
"#;

#[test]
fn a_whole_export_is_its_security_rules() {
    holds("panos-xml", &wanted(), EXPORT);
    let with = |from: &str, to: &str| EXPORT.replacen(from, to, 1);
    refused(
        "panos-xml",
        &[
            (&with("<pbf><rules/></pbf>", "<pbf><rules><entry name=\"x\"><action/></entry></rules></pbf>"), 23, 21),
            (
                &with(
                    "<entry name=\"spare\"/>",
                    "<entry name=\"spare\"><network><zone-protection-profile>strict</zone-protection-profile></network></entry>",
                ),
                15,
                134,
            ),
            (&with("<source-translation>", "<destination-translation/><source-translation>"), 21, 21),
            (&with("<import>", "<nosuch><x>y</x></nosuch><import>"), 19, 7),
            (&with("<session/>", "<session><ipv6-firewalling>no</ipv6-firewalling></session>"), 12, 79),
            (&with("<deviceconfig>", "<nosuch/><deviceconfig>"), 12, 5),
        ],
    );
}

#[test]
fn a_rendering_says_the_same_within_a_whole_configuration() {
    let target = find("panos").unwrap();
    let before = BEFORE.replace("set address plcs ip-netmask 10.0.0.0/24\n", "");
    let (head, tail) = EXPORT.split_once("<rulebase>").unwrap();
    let tail = tail.split_once("</rulebase>").unwrap().1;
    let mut random = Random(13);
    for _ in 0..cases("CORDON_CASES", 100) {
        let (_, rendering) = fit(target, any_ruleset(&mut random, 8));
        let alone = (target.parse)(&rendering.text).unwrap();
        let around = format!("{before}{}\n{AFTER}", rendering.text);
        let whole = (target.parse)(&around).unwrap_or_else(|error| panic!("{error}\n{around}"));
        assert_eq!(whole.steps, alone.steps, "{around}");

        let xml = find("panos-xml").unwrap();
        let (_, rendering) = fit(xml, any_ruleset(&mut random, 8));
        let alone = (xml.parse)(&rendering.text).unwrap();
        let part = |name: &str| {
            let (open, close) = (format!("<{name}>"), format!("</{name}>"));
            let start = rendering.text.find(&open);
            let end = rendering.text.find(&close).map(|at| at + close.len());
            start.zip(end).map_or("", |(start, end)| &rendering.text[start..end])
        };
        let head = head.split_once("<service>").unwrap();
        let rest = head.1.split_once("</service>").unwrap().1;
        let around = format!("{}{}{rest}{}{tail}", head.0, part("service"), part("rulebase"));
        let whole = (xml.parse)(&around).unwrap_or_else(|error| panic!("{error}\n{around}"));
        assert_eq!(whole.steps, alone.steps, "{around}");
    }
}

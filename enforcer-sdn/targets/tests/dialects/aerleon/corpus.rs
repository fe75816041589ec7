//! The policies, and which of their texts are wrong in Aerleon 1.18.0. A verdict that changes with a later version is worth a look.

use std::net::IpAddr;

use enforcer_packetset::{FlagSet, L4, Packet, PortSet, Selector, StateSet};

use crate::access_lists::{ALL, ALL4, between, icmp, tcp, udp};

/// What the proof says of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Equal,
    /// Lets through what the policy denies, whatever else it does.
    Admits,
    /// Denies what the policy allows, and lets nothing through that it denies.
    Denies,
    /// Logs other packets than the policy does, and decides alike.
    Logs,
    Unreadable,
}

use Verdict::{Admits, Denies, Equal, Unreadable};

/// A policy twice.
pub struct Case {
    pub name: &'static str,
    /// Lists for both IP versions (`mixed`) or for IPv4 (`extended`), where a text has lists.
    pub family: &'static str,
    /// In Aerleon's words, without the term's name. Everything else is denied and logged.
    pub terms: &'static str,
    /// In ours.
    pub allowed: fn() -> Vec<Selector>,
    /// Of all that are not equal.
    pub wrong: Vec<(&'static str, Verdict)>,
    /// Whether a counterexample is one of the packets that the text gets wrong.
    pub shows: fn(&Packet) -> bool,
}

impl Case {
    pub fn verdict(&self, target: &str) -> Verdict {
        self.wrong.iter().find(|(name, _)| *name == target).map_or(Equal, |&(_, verdict)| verdict)
    }

    /// A stateful device lets answers through by itself: what is allowed as an answer only is nothing that a first packet may do.
    pub fn allowed(&self, is_stateful: bool) -> Vec<Selector> {
        let allowed = (self.allowed)();
        if !is_stateful {
            return allowed;
        }
        allowed
            .into_iter()
            .map(|selector| {
                let state = if selector.flags.is_full() { StateSet::Any } else { StateSet::Established };
                Selector { state, flags: FlagSet::full(), ..selector }
            })
            .collect()
    }
}

pub const DEFINITIONS: &str = "
definitions:
  networks:
    PLANT: {values: [{address: 10.0.0.0/8}]}
    PLANT_AGAIN: {values: [{address: 10.0.0.0/8}]}
    HALF: {values: [{address: 10.128.0.0/9}]}
    BOTH: {values: [{address: 192.0.2.10/32}, {address: 2001:db8:1::10/128}]}
    SIX: {values: [{address: 2001:db8::/32}]}
  services:
    SSH: [{protocol: tcp, port: 22}]
    CROSSED: [{protocol: tcp, port: 10123}, {protocol: udp, port: 10456}]
    NAMES: [{protocol: tcp, port: 53}, {protocol: udp, port: 53}]
    HIGH: [{protocol: tcp, port: 1024-65535}]";

const fn is_v4(address: IpAddr) -> bool {
    address.is_ipv4()
}

/// Each case is one property of Aerleon, right or wrong.
pub fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "ports and networks are kept",
            family: "extended",
            terms: "source-address: PLANT, destination-address: BOTH, destination-port: SSH, protocol: tcp, action: accept",
            allowed: || vec![between(&["10.0.0.0/8"], &["192.0.2.10/32"], tcp(&[(22, 22)]))],
            wrong: Vec::new(),
            shows: |_| false,
        },
        Case {
            name: "an exclusion leaves half",
            family: "mixed",
            terms: "source-address: PLANT, source-exclude: HALF, destination-port: NAMES, protocol: [tcp, udp], action: accept",
            allowed: || {
                let half = |l4| between(&["10.0.0.0/9"], ALL4, l4);
                vec![half(tcp(&[(53, 53)])), half(udp(&[(53, 53)]))]
            },
            wrong: Vec::new(),
            shows: |_| false,
        },
        Case {
            name: "an exclusion that leaves no source becomes every source",
            family: "mixed",
            terms: "source-address: PLANT, source-exclude: PLANT_AGAIN, destination-port: SSH, protocol: tcp, action: accept",
            allowed: Vec::new,
            wrong: vec![("nftables", Admits), ("junos-srx", Admits)],
            shows: |packet| packet.destination_port == 22,
        },
        Case {
            name: "an exclusion that leaves no destination becomes every destination",
            family: "mixed",
            terms: "destination-address: PLANT, destination-exclude: PLANT_AGAIN, destination-port: SSH, protocol: tcp, action: accept",
            allowed: Vec::new,
            wrong: vec![("nftables", Admits), ("junos-srx", Admits)],
            shows: |packet| packet.destination_port == 22,
        },
        Case {
            name: "an IPv6 source with an IPv4 destination becomes every address",
            family: "extended",
            terms: "source-address: SIX, destination-address: PLANT, destination-port: SSH, protocol: tcp, action: accept",
            allowed: Vec::new,
            wrong: vec![("nftables", Admits)],
            shows: |packet| packet.destination_port == 22,
        },
        Case {
            name: "IPv6 is left out",
            family: "mixed",
            terms: "source-address: SIX, destination-port: SSH, protocol: tcp, action: accept",
            allowed: || vec![between(&["2001:db8::/32"], ALL, tcp(&[(22, 22)]))],
            wrong: vec![("cisco-asa", Denies)],
            shows: |packet| !is_v4(packet.source) && packet.destination_port == 22,
        },
        Case {
            name: "each port is opened on the other's protocol",
            family: "mixed",
            terms: "source-address: BOTH, destination-port: CROSSED, protocol: [tcp, udp], action: accept",
            allowed: || {
                let from = |l4| between(&["192.0.2.10/32", "2001:db8:1::10/128"], ALL, l4);
                vec![from(tcp(&[(10123, 10123)])), from(udp(&[(10456, 10456)]))]
            },
            wrong: ["arista-eos", "cisco-asa", "cisco-ios", "cisco-nxos", "junos-filter", "junos-srx", "nftables"]
                .map(|target| (target, Admits))
                .into(),
            shows: |packet| matches!((packet.protocol, packet.destination_port), (6, 10456) | (17, 10123)),
        },
        Case {
            name: "answers become requests",
            family: "mixed",
            terms: "source-address: PLANT, source-port: HIGH, protocol: tcp, option: tcp-established, action: accept",
            allowed: || {
                let high = L4::Tcp { source: PortSet::range(1024, 65535), destination: PortSet::full() };
                vec![Selector { flags: FlagSet::ack_or_rst(), ..between(&["10.0.0.0/8"], ALL4, high) }]
            },
            // SRX's text is left with a command that takes something away.
            wrong: vec![("cisco-asa", Admits), ("junos-srx", Unreadable)],
            shows: |packet| packet.protocol == 6 && packet.state == enforcer_packetset::ConnectionState::New,
        },
        Case {
            name: "IPv6 is left out beside ICMP",
            family: "mixed",
            terms: "source-address: BOTH, protocol: [icmp, tcp], action: accept",
            allowed: || {
                vec![
                    between(&["192.0.2.10/32"], ALL4, L4::Protocol(1)),
                    between(&["192.0.2.10/32", "2001:db8:1::10/128"], ALL, L4::Protocol(6)),
                ]
            },
            // SRX's ICMP has no IP version: it admits IPv4's between IPv6 addresses. nft refuses one line of its
            // text, which looks at both versions at once.
            wrong: ["arista-eos", "cisco-asa", "cisco-ios", "cisco-nxos", "junos-filter"]
                .map(|target| (target, Denies))
                .into_iter()
                .chain([("junos-srx", Admits), ("nftables", Unreadable)])
                .collect(),
            shows: |packet| !is_v4(packet.source) && matches!(packet.protocol, 1 | 6),
        },
        Case {
            name: "ping is kept",
            family: "extended",
            terms: "source-address: PLANT, protocol: icmp, icmp-type: [echo-request, echo-reply], action: accept",
            allowed: || vec![between(&["10.0.0.0/8"], ALL4, icmp(8)), between(&["10.0.0.0/8"], ALL4, icmp(0))],
            wrong: Vec::new(),
            shows: |_| false,
        },
    ]
}

//! A rule as the products that a dialect without sets can say: one source prefix, one destination prefix, one range of each port.
//!
//! For renderers only. What cannot be a product of the wanted shape is an error; nothing is widened, and an empty set is never "any".

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule};

use crate::target::RenderError;

/// The longest id that `compile` gives.
const LONGEST_ID: usize = 48;

/// No device holds more entries for one rule beside others; and every one of them is compared.
const MOST: usize = 1024;

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) source: Prefix,
    pub(crate) destination: Prefix,
    pub(crate) service: Service,
    /// Not full: the service is TCP with ports.
    pub(crate) flags: FlagSet,
}

/// Protocol and fields of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Any,
    Protocol(u8),
    /// 6, 17 or 132, and inclusive ranges.
    Ports {
        protocol: u8,
        source: (u16, u16),
        destination: (u16, u16),
    },
    /// None: every one.
    Icmp {
        kind: Option<u8>,
        code: Option<u8>,
    },
}

/// The range of a port that is left open.
pub(crate) const ALL_PORTS: (u16, u16) = (0, u16::MAX);

/// A dialect's renderer at one rule, for its errors.
#[derive(Clone, Copy)]
pub(crate) struct Writing<'a> {
    pub(crate) target: &'static str,
    pub(crate) rule: &'a PointRule,
}

impl Writing<'_> {
    pub(crate) fn cannot(self, feature: impl Into<String>, advice: impl Into<String>) -> RenderError {
        RenderError { rule: self.rule.id.clone(), target: self.target, feature: feature.into(), advice: advice.into() }
    }

    /// The dialect's words for what a rule does.
    pub(crate) fn verdict(self, allow: &'static str, deny: &'static str) -> Result<&'static str, RenderError> {
        match self.rule.action {
            Action::Allow => Ok(allow),
            Action::Deny => Ok(deny),
            Action::Log => Err(self.cannot("a log without a verdict", "put the zone in another mode")),
        }
    }

    /// The id is a plain word, the rule selects some packet, and it speaks of single packets only.
    pub(crate) fn check_stateless(self) -> Result<(), RenderError> {
        if self.rule.selector.state != StateSet::Any {
            return Err(self.cannot("connection states", "compile for a stateless point, with rules for the way back"));
        }
        self.check_words()
    }

    /// The id is a plain word, and the rule selects some packet, at any time.
    pub(crate) fn check_words(self) -> Result<(), RenderError> {
        let Self { rule, .. } = self;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if rule.id.is_empty() || rule.id.len() > LONGEST_ID || !rule.id.chars().all(is_plain) {
            return Err(self.cannot("the rule's id", "use at most 48 of the characters a-z, 0-9 and `-`"));
        }
        if !rule.selector.link.is_any() {
            return Err(self.cannot("VLANs, MAC addresses and directions", "bind the list where they are what they should be"));
        }
        if !rule.selector.week.is_always() {
            return Err(self.cannot("times", "leave the schedule to a point that has the policy's clock"));
        }
        if !has_version(&rule.selector, false) && !has_version(&rule.selector, true) {
            return Err(self.cannot("a rule that selects no packet", "an address set of it is empty: leave it out"));
        }
        Ok(())
    }

    /// The rule's entries for one IP version, in the order of addresses and ports; none where it selects no packet of that version.
    pub(crate) fn products(self, is_ipv6: bool) -> Result<Vec<Product>, RenderError> {
        let selector = &self.rule.selector;
        let services = self.services(is_ipv6)?;
        if !has_version(selector, is_ipv6) {
            return Ok(Vec::new());
        }
        let sources = of_version(&selector.source, is_ipv6).prefixes();
        let destinations = of_version(&selector.destination, is_ipv6).prefixes();
        let count = sources.len().saturating_mul(destinations.len()).saturating_mul(services.len());
        if count > MOST {
            let advice = "without sets each source stands with each destination and port: use prefixes, or split the rule";
            return Err(self.cannot(format!("a rule of {count} entries"), advice));
        }
        let mut products = Vec::with_capacity(count);
        for &source in &sources {
            for &destination in &destinations {
                products.extend(services.iter().map(|&service| Product { source, destination, service, flags: selector.flags }));
            }
        }
        Ok(products)
    }

    fn services(self, is_ipv6: bool) -> Result<Vec<Service>, RenderError> {
        let flags = self.rule.selector.flags;
        if flags.is_empty() {
            return Err(self.cannot("a rule that selects no packet", "its set of TCP flags is empty: leave it out"));
        }
        if !flags.is_full() {
            return match &self.rule.selector.l4 {
                L4::Any | L4::Protocol(6) => self.ports(6, &PortSet::full(), &PortSet::full()),
                L4::Tcp { source, destination } => self.ports(6, source, destination),
                _ => Err(self.cannot("a rule that selects no packet", "TCP flags of another protocol: leave it out")),
            };
        }
        match &self.rule.selector.l4 {
            L4::Any => Ok(vec![Service::Any]),
            // In IPv6 these are extension headers (RFC 8200 4), which lists look behind.
            L4::Protocol(0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140) if is_ipv6 && has_version(&self.rule.selector, true) => {
                Err(self.cannot("this protocol number over IPv6", "it is an extension header there: restrict the rule to IPv4"))
            }
            L4::Protocol(number) => Ok(vec![Service::Protocol(*number)]),
            L4::Tcp { source, destination } => self.ports(6, source, destination),
            L4::Udp { source, destination } => self.ports(17, source, destination),
            L4::Sctp { source, destination } => self.ports(132, source, destination),
            L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => self.icmp(types, codes),
        }
    }

    fn ports(self, protocol: u8, source: &PortSet, destination: &PortSet) -> Result<Vec<Service>, RenderError> {
        if source.is_empty() || destination.is_empty() {
            return Err(self.cannot("a rule that selects no packet", "a port set of it is empty: leave it out"));
        }
        let pairs = source.ranges().iter().flat_map(|&from| destination.ranges().iter().map(move |&to| (from, to)));
        Ok(pairs.map(|(source, destination)| Service::Ports { protocol, source, destination }).collect())
    }

    fn icmp(self, types: &RangeSet<u8>, codes: &RangeSet<u8>) -> Result<Vec<Service>, RenderError> {
        if types.is_empty() || codes.is_empty() {
            return Err(self.cannot("a rule that selects no packet", "an ICMP set of it is empty: leave it out"));
        }
        let values = |set: &RangeSet<u8>| -> Vec<Option<u8>> {
            if set.is_full() {
                return vec![None];
            }
            set.ranges().iter().flat_map(|&(first, last)| first..=last).map(Some).collect()
        };
        let codes = values(codes);
        Ok(values(types).into_iter().flat_map(|kind| codes.iter().map(move |&code| Service::Icmp { kind, code })).collect())
    }
}

/// Whether the selector has packets of that IP version, as far as addresses and ICMP tell.
pub(crate) fn has_version(selector: &Selector, is_ipv6: bool) -> bool {
    let Selector { source, destination, l4, .. } = selector;
    match l4 {
        L4::Icmp { .. } if is_ipv6 => false,
        L4::Icmp6 { .. } if !is_ipv6 => false,
        _ if is_ipv6 => !source.v6.is_empty() && !destination.v6.is_empty(),
        _ => !source.v4.is_empty() && !destination.v4.is_empty(),
    }
}

/// The part of a set that is of one IP version.
pub(crate) fn of_version(set: &AddressSet, is_ipv6: bool) -> AddressSet {
    if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: set.v6.clone() }
    } else {
        AddressSet { v4: set.v4.clone(), v6: RangeSet::empty() }
    }
}

//! The packets that change sides between two chains, in words: who, to whom, which service, when; each with a packet that shows it.

use std::collections::BTreeMap;
use std::fmt;

use enforcer_packetset::{AddressSet, FlagSet, Packet, PacketSet, Product, RangeSet};
use serde::{Serialize, Serializer};

use crate::diff::{Decide, Difference};
use crate::document::Policy;
use crate::resolve::{Resolution, union_of};
use crate::simulate::hour_text;

/// Zones named in one side before prefixes say it shorter.
const MAX_NAMED: usize = 4;
const MAX_PREFIXES: usize = 3;
const MAX_RANGES: usize = 6;

/// What becomes of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    /// Denied before, allowed after.
    Opened,
    /// Allowed before, denied after.
    Closed,
    Logged,
    NoLongerLogged,
}

impl Becomes {
    /// `+` for more traffic, `-` for less, `~` for neither.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Opened => '+',
            Self::Closed => '-',
            Self::Logged | Self::NoLongerLogged => '~',
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "now allowed",
            Self::Closed => "now denied",
            Self::Logged => "now logged",
            Self::NoLongerLogged => "no longer logged",
        }
    }
}

/// Packets that change in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    pub becomes: Becomes,
    /// Zones, or prefixes where no zone is exactly that.
    pub from: String,
    pub to: String,
    pub service: String,
    /// None: at every time.
    pub when: Option<String>,
    /// One of the packets.
    #[serde(serialize_with = "as_text")]
    pub witness: Packet,
    /// What decides that packet before and after; None: nothing does, so it passes.
    pub rule_before: Option<String>,
    pub rule_after: Option<String>,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}: {}", self.becomes.as_str(), self.from, self.to, self.service)?;
        self.when.as_ref().map_or(Ok(()), |when| write!(f, ", {when}"))
    }
}

fn as_text<S: Serializer>(packet: &Packet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(packet)
}

/// Everything that moved, or the first of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedPackets {
    pub sets: Vec<Moved>,
    /// There are more sets than these.
    pub is_cut: bool,
}

/// Addresses that have a name.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<(String, AddressSet)>);

impl Names {
    /// The zones of both policies, and what is outside. Where they differ, the newer name goes first.
    #[must_use]
    pub fn of(policies: &[(&Policy, &Resolution)]) -> Self {
        let mut known: BTreeMap<String, AddressSet> = BTreeMap::new();
        for (policy, resolution) in policies {
            for (zone, members) in policy.zones.iter().zip(&resolution.zones).filter(|(_, members)| !members.addresses.is_empty())
            {
                known.entry(zone.name.value.clone()).or_insert_with(|| members.addresses.clone());
            }
        }
        let inside = union_of(known.values());
        let outside = AddressSet::full().difference(&inside);
        Self(known.into_iter().chain([("outside".to_owned(), outside)]).collect())
    }

    /// The zones that make up the set, else its prefixes.
    fn word(&self, set: Option<&AddressSet>, is_ipv6: Option<bool>) -> String {
        let Some(set) = set.filter(|set| !is_whole(set, is_ipv6)) else { return "any".to_owned() };
        let family = |zone: &AddressSet| AddressSet {
            v4: if is_ipv6 == Some(true) { RangeSet::empty() } else { zone.v4.clone() },
            v6: if is_ipv6 == Some(false) { RangeSet::empty() } else { zone.v6.clone() },
        };
        let mut left = set.clone();
        let mut names = Vec::new();
        for (name, zone) in &self.0 {
            let zone = family(zone);
            if !zone.is_empty() && zone.is_subset(&left) {
                left = left.difference(&zone);
                names.push(name.as_str());
            }
        }
        match (left.is_empty(), names.len()) {
            (true, 1..=MAX_NAMED) => names.join(", "),
            // Everything but a few is said shorter.
            (true, _) => {
                let without: Vec<&str> =
                    self.0.iter().map(|(name, _)| name.as_str()).filter(|name| !names.contains(name)).collect();
                match without.len() {
                    0..=MAX_NAMED => format!("any but {}", without.join(", ")),
                    _ => format!("{} zones", names.len()),
                }
            }
            (false, _) => {
                let rest = family(&AddressSet::full()).difference(set);
                let of = |set: &AddressSet| prefixes(set, |host| self.zone_of(host));
                // Everything but a few is said shorter.
                if rest.prefixes().len() < set.prefixes().len() { format!("any but {}", of(&rest)) } else { of(set) }
            }
        }
    }

    fn zone_of(&self, host: std::net::IpAddr) -> Option<&str> {
        self.0.iter().find(|(name, zone)| name != "outside" && zone.contains(host)).map(|(name, _)| name.as_str())
    }
}

fn is_whole(set: &AddressSet, is_ipv6: Option<bool>) -> bool {
    match is_ipv6 {
        Some(true) => set.v6.is_full(),
        Some(false) => set.v4.is_full(),
        None => set.is_full(),
    }
}

fn prefixes<'a>(set: &AddressSet, zone_of: impl Fn(std::net::IpAddr) -> Option<&'a str>) -> String {
    let all = set.prefixes();
    let word = |prefix: &enforcer_packetset::Prefix| match zone_of(prefix.network()) {
        Some(zone) => format!("{prefix} ({zone})"),
        None => prefix.to_string(),
    };
    let shown: Vec<String> = all.iter().take(MAX_PREFIXES).map(word).collect();
    match all.len().saturating_sub(MAX_PREFIXES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The difference in words: at most `most` sets of each kind.
#[must_use]
pub fn moved(difference: &Difference, before: &Decide, after: &Decide, names: &Names, most: usize) -> MovedPackets {
    let mut found = MovedPackets { sets: Vec::new(), is_cut: false };
    let kinds: [(Becomes, &PacketSet); 4] = [
        (Becomes::Opened, &difference.opened),
        (Becomes::Closed, &difference.closed),
        (Becomes::Logged, &difference.newly_logged),
        (Becomes::NoLongerLogged, &difference.no_longer_logged),
    ];
    for (becomes, set) in kinds {
        let products = set.products(most);
        found.is_cut |= products.is_cut;
        for product in &products.products {
            let Some(witness) = product.set.witness() else { continue };
            found.sets.push(Moved {
                becomes,
                from: names.word(product.source().as_ref(), product.is_ipv6()),
                to: names.word(product.destination().as_ref(), product.is_ipv6()),
                service: service(product),
                when: product.minutes().map(|minutes| window(&minutes)),
                witness,
                rule_before: before(&witness).1,
                rule_after: after(&witness).1,
            });
        }
    }
    found
}

fn service(product: &Product) -> String {
    let family = match product.is_ipv6() {
        Some(true) => " over IPv6",
        _ => "",
    };
    let established = if product.is_established() { ", established" } else { "" };
    let link = link(product);
    let ports = |set: Option<RangeSet<u16>>| set.map_or_else(String::new, |set| format!("/{}", numbers(&set)));
    let from = |set: Option<RangeSet<u16>>| set.map_or_else(String::new, |set| format!(" from port {}", numbers(&set)));
    let word = match product.protocols() {
        None => "any".to_owned(),
        Some(protocols) => {
            let single = protocols.ranges().first().filter(|(first, last)| first == last && protocols.ranges().len() == 1);
            match single.map(|(number, _)| *number) {
                Some(1 | 58) => match product.source_ports() {
                    None => "icmp".to_owned(),
                    Some(types) => format!("icmp type {}", numbers(&types)),
                },
                _ => format!(
                    "{}{}{}",
                    protocol_words(&protocols),
                    ports(product.destination_ports()),
                    from(product.source_ports())
                ),
            }
        }
    };
    format!("{word}{family}{established}{link}")
}

/// Flags and link fields where they matter.
fn link(product: &Product) -> String {
    let flags = product.flags().map(|flags| match (flags.as_any_bit(), flags.complement().as_any_bit()) {
        (Some(bits), _) => format!("with {}", bit_names(bits)),
        (_, Some(bits)) => format!("without {}", bit_names(bits)),
        _ => "with certain flags".to_owned(),
    });
    let heading = product.is_leaving().map(|leaving| if leaving { "leaving" } else { "coming in" }.to_owned());
    let vlans = product.vlans().map(|vlans| format!("VLAN {}", numbers(&vlans)));
    let macs = product.is_about_macs().then(|| "certain MAC addresses".to_owned());
    [flags, heading, vlans, macs].into_iter().flatten().map(|word| format!(", {word}")).collect()
}

fn bit_names(bits: u8) -> String {
    let names = FlagSet::NAMES.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(" or ")
}

fn protocol_words(protocols: &RangeSet<u16>) -> String {
    let named = [(6, "tcp"), (17, "udp"), (132, "sctp"), (1, "icmp"), (58, "icmp6")];
    let count: usize = protocols.ranges().iter().map(|&(a, b)| usize::from(b - a) + 1).sum();
    if count <= MAX_RANGES {
        let each = protocols.ranges().iter().flat_map(|&(a, b)| a..=b);
        let word = |number: u16| {
            let name = named.iter().find(|(known, _)| *known == number);
            name.map_or_else(|| format!("ip/{number}"), |(_, name)| (*name).to_owned())
        };
        return each.map(word).collect::<Vec<_>>().join("+");
    }
    let missing: Vec<&str> = named.iter().filter(|(number, _)| !protocols.contains(*number)).map(|(_, name)| *name).collect();
    match 256 - count == missing.len() {
        true => format!("any but {}", missing.join(", ")),
        false => format!("ip/{}", numbers(protocols)),
    }
}

fn numbers(set: &RangeSet<u16>) -> String {
    let word = |&(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let shown: Vec<String> = set.ranges().iter().take(MAX_RANGES).map(word).collect();
    match set.ranges().len().saturating_sub(MAX_RANGES) {
        0 => shown.join(","),
        more => format!("{} and {more} more ranges", shown.join(",")),
    }
}

/// `Tue 01:00-02:59 UTC`.
fn window(minutes: &RangeSet<u16>) -> String {
    let clock = |minute: u16| {
        let day = hour_text(u8::try_from(minute / 60).unwrap_or(u8::MAX));
        format!("{} {:02}:{:02}", day.split(' ').next().unwrap_or_default(), minute % 1440 / 60, minute % 60)
    };
    let shown: Vec<String> =
        minutes.ranges().iter().take(MAX_RANGES).map(|&(first, last)| format!("{} to {}", clock(first), clock(last))).collect();
    match minutes.ranges().len().saturating_sub(MAX_RANGES) {
        0 => format!("{} UTC", shown.join(", ")),
        more => format!("{} and {more} more windows UTC", shown.join(", ")),
    }
}

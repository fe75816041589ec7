//! Who belongs together: assets of one role in one subnet, then those without a known role. Members are always named: a stranger
//! who turns up in the subnet later belongs to no zone, and gets nothing that was learned for others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::Prefix;
use sensor_model::{Asset, FlowMap, Role, Scope};

use crate::resolve::current_addresses;

use super::LearnOptions;

/// Above this many, addresses outside are not worth a list: rules then say `outside`.
const MAX_EXTERNAL: usize = 64;

/// A proposed zone.
pub struct Group {
    pub name: String,
    pub description: String,
    pub members: Vec<GroupMember>,
}

/// An asset of a zone.
pub struct GroupMember {
    pub id: String,
    /// What a reader should know of it.
    pub words: String,
}

pub fn propose(map: &FlowMap, options: &LearnOptions) -> Vec<Group> {
    let addresses = current_addresses(map);
    let mut by_role: BTreeMap<(Option<Role>, Prefix), Vec<&Asset>> = BTreeMap::new();
    let (mut external, mut groups) = (Vec::new(), Vec::new());
    for asset in &map.assets {
        let own = addresses.get(&asset.id).map_or(&[][..], Vec::as_slice);
        let Some(first) = own.first() else { continue };
        match (asset.scope, known_role(asset)) {
            (Scope::Group, _) => groups.push(asset),
            (Scope::External, _) => external.push(asset),
            (Scope::Internal, role) => by_role.entry((role, subnet_of(*first, options))).or_default().push(asset),
        }
    }
    let names = Names::new(by_role.keys().map(|(_, subnet)| *subnet), options);
    let mut zones: Vec<Group> = by_role
        .iter()
        .map(|(&(role, subnet), assets)| {
            let members = assets.iter().map(|asset| member(asset)).collect();
            let Some(role) = role else {
                let name = names.cut(&format!("net-{}", names.of(subnet)));
                return Group { name, description: format!("Assets without a known role in {subnet}"), members };
            };
            let spread = by_role.keys().filter(|(other, _)| *other == Some(role)).count() > 1;
            let name = if spread { names.cut(&format!("{}-{}", plural(role), names.of(subnet))) } else { plural(role) };
            Group { name, description: format!("Assets that look like {} in {subnet}", role.as_str().replace('-', " ")), members }
        })
        .collect();
    if !external.is_empty() && external.len() <= MAX_EXTERNAL {
        zones.push(listed("external", "Addresses outside that were spoken with", &external));
    }
    if !groups.is_empty() {
        zones.push(listed("groups", "Broadcast and multicast addresses", &groups));
    }
    make_unique(&mut zones);
    zones
}

fn listed(name: &str, description: &str, assets: &[&Asset]) -> Group {
    Group {
        name: name.to_owned(),
        description: description.to_owned(),
        members: assets.iter().map(|asset| member(asset)).collect(),
    }
}

fn member(asset: &Asset) -> GroupMember {
    let claims = [&asset.vendor, &asset.model, &asset.role];
    let words = claims.into_iter().flatten().map(|claim| format!("{} ({})", claim.value, strength(claim.strength)));
    let label = std::iter::once(asset.label.clone());
    GroupMember { id: asset.id.to_string(), words: label.chain(words).collect::<Vec<_>>().join(", ") }
}

const fn strength(strength: sensor_model::Strength) -> &'static str {
    match strength {
        sensor_model::Strength::Port => "by port",
        sensor_model::Strength::Probable => "probable",
        sensor_model::Strength::Confirmed => "confirmed",
    }
}

/// The role, where it says more than that somebody sits in front of it.
fn known_role(asset: &Asset) -> Option<Role> {
    let role: Role = asset.role.as_ref()?.value.parse().ok()?;
    (!matches!(role, Role::Workstation | Role::Server)).then_some(role)
}

fn plural(role: Role) -> String {
    match role {
        Role::EngineeringWorkstation => "engineering".to_owned(),
        Role::Monitoring => "monitoring".to_owned(),
        other => format!("{}s", other.as_str()),
    }
}

/// The longest known network around an address, else its /24 or /64.
fn subnet_of(address: IpAddr, options: &LearnOptions) -> Prefix {
    let known = options.subnets.iter().map(|subnet| subnet.prefix).filter(|prefix| prefix.contains(address));
    let guessed = match address {
        IpAddr::V4(v4) => Prefix::new(IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00)), 24),
        IpAddr::V6(v6) => Prefix::new(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)), 64),
    };
    known.max_by_key(|prefix| prefix.length()).or(guessed).unwrap_or_else(|| Prefix::host(address))
}

/// Short words for subnets.
struct Names(BTreeMap<Prefix, String>);

impl Names {
    fn new(subnets: impl Iterator<Item = Prefix>, options: &LearnOptions) -> Self {
        let sorted: BTreeSet<Prefix> = subnets.collect();
        let mut v6 = 0;
        let mut word = |prefix: Prefix| match (options.subnets.iter().find(|subnet| subnet.prefix == prefix), prefix.network()) {
            (Some(subnet), _) => subnet.name.clone(),
            (None, IpAddr::V4(v4)) => {
                let [a, b, c, _] = v4.octets();
                format!("{a}-{b}-{c}")
            }
            (None, IpAddr::V6(network)) if network.is_unicast_link_local() => "link-local".to_owned(),
            (None, IpAddr::V6(_)) => {
                v6 += 1;
                format!("v6-{v6}")
            }
        };
        Self(sorted.into_iter().map(|prefix| (prefix, word(prefix))).collect())
    }

    fn of(&self, subnet: Prefix) -> &str {
        self.0.get(&subnet).map_or("other", String::as_str)
    }

    /// To the length of a zone name, with room for a number.
    fn cut(&self, name: &str) -> String {
        name.chars().take(crate::read::MAX_ZONE_NAME - 3).collect::<String>().trim_end_matches('-').to_owned()
    }
}

fn make_unique(zones: &mut [Group]) {
    let mut taken = BTreeSet::new();
    for zone in zones {
        let base = zone.name.clone();
        let mut next = 2;
        while !taken.insert(zone.name.clone()) {
            zone.name = format!("{base}-{next}");
            next += 1;
        }
    }
}

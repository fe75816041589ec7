//! What is known of one VLAN, and how it looks to a reader.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use sensor_model::{CoverageCause, FlowSights, Loss, MacAddr, NetworkHosts, Scope, Visibility, VlanCoverage, VlanStack};

use crate::scope::{is_group, is_link_local, network_of, scope_of};

/// A MAC with more addresses of its VLAN forwards for others.
const MAX_ADDRESSES: usize = 4;
/// Networks told of one VLAN, the fullest first.
const MAX_NETWORKS: usize = 16;
/// A fifth of a VLAN's flows, and so many, in one direction only: more than chance.
const NOTABLE_ONE_WAY_SHARE: u64 = 5;
const NOTABLE_ONE_WAY_FLOWS: u64 = 5;
/// Frames to groups that are enough to say that nothing else is seen.
const TELLING_FRAMES: u64 = 3;
/// Crossed flows among a VLAN's that are no accident: a twentieth.
const NOTABLE_CROSSED_SHARE: u64 = 20;
const NOTABLE_LOSS: f64 = 0.01;

/// A VLAN's own page.
#[derive(Debug, Default)]
pub(crate) struct Book {
    hosts: HashMap<MacAddr, Vec<IpAddr>, RandomState>,
    pub packets: u64,
    pub group_packets: u64,
    /// Times that a MAC was heard, whatever it sent.
    heard: u64,
    pub flows: FlowSights,
    pub loss: Loss,
    pub unseen_packets: u64,
    /// Flows whose other direction is in that VLAN.
    crossed: BTreeMap<VlanStack, u64>,
    pub named_by: BTreeSet<&'static str>,
    /// Some that sent frames without IP to single hosts.
    linked: BTreeSet<MacAddr>,
}

impl Book {
    /// True when the MAC is new here.
    pub fn hear(&mut self, mac: MacAddr, ip: Option<IpAddr>, has_room: bool) -> bool {
        self.heard = self.heard.saturating_add(1);
        let is_new = !self.hosts.contains_key(&mac);
        if is_new && !has_room {
            return false;
        }
        let addresses = self.hosts.entry(mac).or_default();
        if let Some(ip) = ip.filter(|ip| !is_group(*ip) && !is_link_local(*ip))
            && addresses.len() <= MAX_ADDRESSES
            && !addresses.contains(&ip)
        {
            addresses.push(ip);
        }
        is_new
    }

    /// A frame without IP, to a single host.
    pub fn hear_unicast(&mut self, mac: MacAddr) {
        if self.linked.len() < 2 {
            self.linked.insert(mac);
        }
    }

    /// Frames were seen in it; else it was only spoken of.
    pub const fn is_heard(&self) -> bool {
        self.heard > 0 || self.packets > 0 || self.group_packets > 0
    }

    pub fn note_crossing(&mut self, other: VlanStack, is_new_flow: bool) {
        let count = self.crossed.entry(other).or_default();
        *count = count.saturating_add(u64::from(is_new_flow));
    }

    /// `some_are_tagged` when tagged frames reach the tap at all.
    pub fn coverage(&self, tags: VlanStack, some_are_tagged: bool, internal: &[(IpAddr, u8)]) -> VlanCoverage {
        let FlowSights { both_ways, one_way, unanswered } = self.flows;
        let group_frames = self.group_packets.max(self.heard);
        let crossed: u64 = self.crossed.values().sum();
        let visibility = match () {
            () if both_ways > 0 || crossed > 0 || self.linked.len() > 1 => Visibility::BothWays,
            () if one_way > 0 || unanswered > 0 || !self.linked.is_empty() => Visibility::SendsOnly,
            () if group_frames > 0 => Visibility::BroadcastOnly,
            () => Visibility::Never,
        };
        let too_many_one_way = one_way >= NOTABLE_ONE_WAY_FLOWS.max((both_ways + one_way) / NOTABLE_ONE_WAY_SHARE);
        let cause = match visibility {
            Visibility::BothWays if too_many_one_way => Some(CoverageCause::PartlyMirrored),
            Visibility::BothWays => self.loss.ratio().filter(|ratio| *ratio >= NOTABLE_LOSS).map(|_| CoverageCause::Loss),
            Visibility::SendsOnly if self.unseen_packets >= TELLING_FRAMES => Some(CoverageCause::OneDirectionMirror),
            Visibility::SendsOnly => Some(CoverageCause::Unknown),
            Visibility::BroadcastOnly if group_frames >= TELLING_FRAMES => Some(CoverageCause::VlanNotMirrored),
            Visibility::BroadcastOnly => Some(CoverageCause::TooFewPackets),
            // A mirror that strips tags shows no VLAN at all.
            Visibility::Never if some_are_tagged => Some(CoverageCause::VlanNotMirrored),
            Visibility::ReceivesOnly | Visibility::Never => Some(CoverageCause::Unknown),
        };
        let is_notable = |flows: u64| flows > 0 && flows >= (both_ways + crossed) / NOTABLE_CROSSED_SHARE;
        VlanCoverage {
            tags,
            visibility,
            cause,
            hosts: self.hosts.len() as u64,
            networks: self.networks(internal),
            packets: self.packets,
            group_packets: self.group_packets,
            flows: self.flows,
            loss: self.loss,
            answered_in: self.crossed.iter().filter(|(_, flows)| is_notable(**flows)).map(|(tags, _)| *tags).collect(),
            named_by: self.named_by.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Of MACs that do not forward; ours only.
    fn networks(&self, internal: &[(IpAddr, u8)]) -> Vec<NetworkHosts> {
        let mut hosts: BTreeMap<IpAddr, BTreeSet<IpAddr>> = BTreeMap::new();
        for ip in self.hosts.values().filter(|addresses| addresses.len() <= MAX_ADDRESSES).flatten() {
            if scope_of(*ip, internal) == Scope::Internal {
                hosts.entry(network_of(*ip, Scope::Internal)).or_default().insert(*ip);
            }
        }
        let mut networks: Vec<_> = hosts.into_iter().map(|(network, ips)| (ips.len() as u64, network)).collect();
        networks.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        networks.truncate(MAX_NETWORKS);
        networks
            .into_iter()
            .map(|(hosts, network)| NetworkHosts {
                network: format!("{network}/{}", if network.is_ipv4() { 24 } else { 64 }),
                hosts,
            })
            .collect()
    }
}

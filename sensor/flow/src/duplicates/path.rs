//! A path: the link-layer side of where a frame was seen, and how two of them can belong to the way of one packet.

use sensor_model::{Change, LinkSide, MacAddr, VlanId};
use sensor_wire::Packet;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Link header of a frame within a tunnel; `tag` is the inner VLAN plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerLink {
    pub source: [u8; 6],
    pub destination: [u8; 6],
    pub tag: u16,
}

/// Both MACs, both tags, and the tunnel around. Tags are numbers plus one, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Path {
    source: [u8; 6],
    destination: [u8; 6],
    tag: u16,
    inner_tag: u16,
    tunnel_id: u32,
    tunnel_kind: u16,
    carrier: u16,
}

impl Path {
    #[inline]
    pub fn of(packet: &Packet, inner: Option<InnerLink>) -> Self {
        let tag = |vlan: Option<VlanId>| vlan.map_or(0, |id| id.get() + 1);
        let (tunnel_kind, tunnel_id) = packet.tunnel.map_or((0, 0), |tunnel| (tunnel.kind as u16 + 1, tunnel.id));
        let outer = InnerLink { source: packet.source_mac.0, destination: packet.destination_mac.0, tag: tag(packet.vlan) };
        let link = inner.unwrap_or(outer);
        let inner_tag = if inner.is_some() { 0 } else { tag(packet.inner_vlan) };
        let carrier = if inner.is_some() { outer.tag } else { 0 };
        Self { source: link.source, destination: link.destination, tag: link.tag, inner_tag, tunnel_id, tunnel_kind, carrier }
    }

    /// For hashing.
    pub const fn words(&self) -> [u32; 6] {
        let [a, b, c, d, e, f] = self.source;
        let [g, h, i, j, k, l] = self.destination;
        let tags = (self.tag as u32) << 16 | self.inner_tag as u32;
        let tunnel = (self.tunnel_kind as u32) << 16 | self.carrier as u32;
        let macs = [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]), u32::from_le_bytes([i, j, k, l])];
        [macs[0], macs[1], macs[2], tags, tunnel, self.tunnel_id]
    }

    /// The link layer names its sender.
    pub const fn has_sender(&self) -> bool {
        !MacAddr(self.source).is_zero()
    }

    fn has_macs_of(&self, other: &Self) -> bool {
        (self.source, self.destination) == (other.source, other.destination)
    }

    /// A router that took this frame answers to its destination.
    pub fn listener(&self) -> LinkSide {
        self.side(self.destination)
    }

    /// A router that sent this frame names itself as source.
    pub fn sender(&self) -> LinkSide {
        self.side(self.source)
    }

    /// Only the tags.
    pub fn tags(&self) -> LinkSide {
        self.side([0; 6])
    }

    fn side(&self, mac: [u8; 6]) -> LinkSide {
        let mac = Some(MacAddr(mac)).filter(|mac| !mac.is_zero() && !mac.is_group());
        let [vlan, inner_vlan] = [self.tag, self.inner_tag].map(|tag| tag.checked_sub(1).and_then(VlanId::new));
        LinkSide { mac, vlan, inner_vlan }
    }
}

/// What could have happened to a packet between two places; None when nothing that we know of.
pub fn change(from: &Path, from_ttl: u8, to: &Path, to_ttl: u8) -> Option<Change> {
    if from_ttl != to_ttl {
        // A router puts its own address (RFC 1812 5.2.1.2). Probes that only differ in their TTL come from one sender.
        let rewritten = from.source != to.source || !from.has_sender();
        return rewritten.then_some(Change::Routed);
    }
    Some(if from.has_macs_of(to) { Change::OtherVlan } else { Change::OtherMacs })
}

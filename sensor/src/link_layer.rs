//! Frames without IP, as far as they tell of hosts and VLANs: whose an address is (ARP), who sends in which VLAN, and of which VLANs
//! switches speak. Tags are read on Ethernet only; anything that does not fit its format says nothing.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use sensor_capture::Frame;
use sensor_model::{Fact, FactKind, MacAddr, Strength, Subject, Timestamp, VlanId, VlanStack};
use sensor_wire::{Arp as ArpPacket, LinkType};

use crate::event::What;
use crate::recent::Recent;
use crate::sort::Sorted;

/// Tags are read this deep, as the decoder does.
const MAX_TAGS: usize = 2;
/// 802.1Q, 802.1ad and its forerunners.
const TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
const ARP: u16 = 0x0806;
const LLDP: u16 = 0x88cc;
/// Below it the field is a length (IEEE 802.3 3.2.6).
const FIRST_ETHERTYPE: u16 = 0x0600;
/// Elements read of one announcement.
const MAX_ELEMENTS: usize = 64;

/// A frame that is not IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFrame<'a> {
    pub destination: MacAddr,
    pub source: MacAddr,
    pub tags: VlanStack,
    pub protocol: Protocol,
    payload: &'a [u8],
}

/// Tells the hub of frames without IP, each thing once in a while.
#[derive(Debug)]
pub struct LinkWatch {
    announced: Recent<(MacAddr, Ipv4Addr)>,
    linked: Recent<(MacAddr, VlanStack, bool)>,
    mentioned: Recent<Mention>,
}

impl LinkWatch {
    #[must_use]
    pub fn new(repeat_after: Duration) -> Self {
        Self { announced: Recent::new(repeat_after), linked: Recent::new(repeat_after), mentioned: Recent::new(repeat_after) }
    }

    /// Tells with each thing at which place its frame stands.
    pub fn take(&mut self, sorted: &Sorted, frames: &[Frame<'_>], mut tell: impl FnMut(u32, What)) {
        for (place, seen_at, arp) in &sorted.arps {
            if let Some(fact) = self.binding(arp, *seen_at) {
                tell(*place, What::Heard(fact));
            }
        }
        for (place, seen_at) in &sorted.others {
            let frame = frames.get(*place as usize).filter(|frame| frame.link == LinkType::Ethernet);
            if let Some(read) = frame.and_then(|frame| LinkFrame::read(frame.bytes)) {
                self.look_at(&read, *seen_at, |what| tell(*place, what));
            }
        }
    }

    fn look_at(&mut self, read: &LinkFrame<'_>, seen_at: Timestamp, mut tell: impl FnMut(What)) {
        for mention in read.mentions() {
            if self.mentioned.is_news(mention, seen_at) {
                tell(What::Mentioned(mention));
            }
        }
        let to_group = read.destination.is_group();
        if !read.is_by_switch() && self.linked.is_news((read.source, read.tags, to_group), seen_at) {
            tell(What::Linked { mac: read.source, tags: read.tags, to_group });
        }
    }

    /// What an ARP packet says of its sender; RFC 5227 probes come from 0.0.0.0 and claim nothing.
    fn binding(&mut self, arp: &ArpPacket, seen_at: Timestamp) -> Option<Fact> {
        let claims = !arp.sender_ip.is_unspecified() && !arp.sender_mac.is_zero() && !arp.sender_mac.is_group();
        (claims && self.announced.is_news((arp.sender_mac, arp.sender_ip), seen_at)).then(|| Fact {
            subject: Subject::Ip(IpAddr::V4(arp.sender_ip)),
            kind: FactKind::MacOfAddress,
            value: arp.sender_mac.to_string(),
            strength: Strength::Confirmed,
            source: "arp".to_owned(),
            seen_at,
        })
    }
}

/// What a frame without IP is, as far as a report names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Arp,
    Lldp,
    Cdp,
    /// Spanning tree, also Cisco's one for each VLAN.
    Stp,
    Other(u16),
}

/// A VLAN that somebody spoke of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mention {
    pub vlan: VlanId,
    /// False: frames of that VLAN carry no tag on the port in question.
    pub is_tagged: bool,
    pub by: &'static str,
}

impl<'a> LinkFrame<'a> {
    /// Reads an Ethernet frame; None when it ends too early.
    #[must_use]
    pub fn read(frame: &'a [u8]) -> Option<Self> {
        let (destination, rest) = frame.split_first_chunk::<6>()?;
        let (source, mut rest) = rest.split_first_chunk::<6>()?;
        let mut tags = VlanStack::default();
        let mut ethertype = take_u16(&mut rest)?;
        for at in 0..MAX_TAGS {
            if !TAGS.contains(&ethertype) {
                break;
            }
            let vlan = Some(VlanId::from_tci(take_u16(&mut rest)?));
            if at == 0 {
                tags.vlan = vlan
            } else {
                tags.inner_vlan = vlan
            }
            ethertype = take_u16(&mut rest)?;
        }
        let (protocol, payload) = protocol_of(ethertype, rest);
        Some(Self { destination: MacAddr(*destination), source: MacAddr(*source), tags, protocol, payload })
    }

    /// A switch speaks for itself; its port's address is no host.
    #[must_use]
    pub const fn is_by_switch(&self) -> bool {
        matches!(self.protocol, Protocol::Lldp | Protocol::Cdp | Protocol::Stp)
    }

    /// The VLANs it speaks of.
    #[must_use]
    pub fn mentions(&self) -> Vec<Mention> {
        match self.protocol {
            Protocol::Lldp => lldp_mentions(self.payload),
            Protocol::Cdp => cdp_mentions(self.payload),
            Protocol::Stp => originating_vlan(self.payload)
                .map(|vlan| Mention { vlan, is_tagged: self.tags.vlan.is_some(), by: "stp" })
                .into_iter()
                .collect(),
            Protocol::Arp | Protocol::Other(_) => Vec::new(),
        }
    }
}

impl Protocol {
    /// What people call it; the number where we know no name.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        let name = match self {
            Self::Arp => "ARP",
            Self::Lldp => "LLDP",
            Self::Cdp => "CDP",
            Self::Stp => "STP",
            Self::Other(0x8892) => "PROFINET",
            Self::Other(0x88b8) => "GOOSE",
            Self::Other(0x88ba) => "sampled values",
            Self::Other(0x88a4) => "EtherCAT",
            Self::Other(0x88e1) => "HomePlug",
            Self::Other(0x88f7) => "PTP",
            Self::Other(0x888e) => "802.1X",
            Self::Other(0x8809) => "LACP",
            Self::Other(0) => "802.3",
            Self::Other(number) => return Cow::Owned(format!("{number:#06x}")),
        };
        Cow::Borrowed(name)
    }
}

fn protocol_of(ethertype: u16, rest: &[u8]) -> (Protocol, &[u8]) {
    match (ethertype, rest) {
        (ARP, _) => (Protocol::Arp, rest),
        (LLDP, _) => (Protocol::Lldp, rest),
        // IEEE 802.1D 9.2: spanning tree's own access point.
        (0..FIRST_ETHERTYPE, [0x42, 0x42, 0x03, bpdu @ ..]) => (Protocol::Stp, bpdu),
        // Under Cisco's OUI: 0x2000 is CDP, 0x010b the spanning tree of one VLAN.
        (0..FIRST_ETHERTYPE, [0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x20, 0, announcement @ ..]) => (Protocol::Cdp, announcement),
        (0..FIRST_ETHERTYPE, [0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x01, 0x0b, bpdu @ ..]) => (Protocol::Stp, bpdu),
        // A length says nothing of what it is.
        (0..FIRST_ETHERTYPE, _) => (Protocol::Other(0), rest),
        _ => (Protocol::Other(ethertype), rest),
    }
}

/// IEEE 802.1AB 8.4: 7 bits of type, 9 of length. Of the organisations' own elements those of 802.1 (Annex D) and of LLDP-MED name VLANs.
fn lldp_mentions(mut rest: &[u8]) -> Vec<Mention> {
    let mut found = Vec::new();
    for _ in 0..MAX_ELEMENTS {
        let Some(head) = take_u16(&mut rest) else { break };
        let Some((value, after)) = rest.split_at_checked(usize::from(head & 0x01ff)) else { break };
        rest = after;
        let mention = match (head >> 9, value) {
            (0, _) => break,
            // Port VLAN id: what comes untagged.
            (127, [0x00, 0x80, 0xc2, 1, high, low]) => Some((vlan(*high, *low), false)),
            // VLAN name.
            (127, [0x00, 0x80, 0xc2, 3, high, low, ..]) => Some((vlan(*high, *low), true)),
            // Network policy (ANSI/TIA-1057 10.2.3.2): unknown, tagged, reserved, then the VLAN.
            (127, [0x00, 0x12, 0xbb, 2, _, a, b, _, ..]) if a & 0x80 == 0 => {
                let id = u16::from_be_bytes([*a, *b]) >> 1;
                Some((VlanId::from_tci(id), a & 0x40 != 0))
            }
            _ => None,
        };
        found.extend(mention.and_then(|(vlan, is_tagged)| real(vlan).map(|vlan| Mention { vlan, is_tagged, by: "lldp" })));
    }
    found
}

/// Version, lifetime, checksum, then elements whose length includes their head: 0x000a is the native VLAN, 0x000e the voice VLAN.
fn cdp_mentions(announcement: &[u8]) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut rest = announcement.get(4..).unwrap_or_default();
    for _ in 0..MAX_ELEMENTS {
        let (Some(kind), Some(len)) = (take_u16(&mut rest), take_u16(&mut rest)) else { break };
        let Some((value, after)) = usize::from(len).checked_sub(4).and_then(|len| rest.split_at_checked(len)) else { break };
        rest = after;
        let mention = match (kind, value) {
            (0x000a, [high, low, ..]) => Some((vlan(*high, *low), false)),
            (0x000e, [_, high, low, ..]) => Some((vlan(*high, *low), true)),
            _ => None,
        };
        found.extend(mention.and_then(|(vlan, is_tagged)| real(vlan).map(|vlan| Mention { vlan, is_tagged, by: "cdp" })));
    }
    found
}

/// Behind the BPDU of 35 bytes and its padding: type 0, length 2, the VLAN whose tree it is.
fn originating_vlan(bpdu: &[u8]) -> Option<VlanId> {
    const BPDU_BYTES: usize = 35;
    let behind = bpdu.get(BPDU_BYTES..)?;
    let mut places = behind.windows(6).take(3);
    let element = places.find_map(|window| match window {
        [0, 0, 0, 2, high, low] => Some(vlan(*high, *low)),
        _ => None,
    });
    element.and_then(real)
}

const fn vlan(high: u8, low: u8) -> VlanId {
    VlanId::from_tci(u16::from_be_bytes([high, low]))
}

/// 0 and 4095 name no VLAN (IEEE 802.1Q table 9-2).
fn real(vlan: VlanId) -> Option<VlanId> {
    (1..4095).contains(&vlan.get()).then_some(vlan)
}

fn take_u16(rest: &mut &[u8]) -> Option<u16> {
    let (pair, after) = rest.split_first_chunk::<2>()?;
    *rest = after;
    Some(u16::from_be_bytes(*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(destination: [u8; 6], tags: &[u16], body: &[u8]) -> Vec<u8> {
        let mut bytes = [destination, [2, 0, 0, 0, 0, 9]].concat();
        for tag in tags {
            bytes.extend(0x8100_u16.to_be_bytes());
            bytes.extend(tag.to_be_bytes());
        }
        bytes.extend(body);
        bytes
    }

    fn mentioned(bytes: &[u8]) -> Vec<(u16, bool, &'static str)> {
        let mentions = LinkFrame::read(bytes).unwrap().mentions();
        mentions.into_iter().map(|mention| (mention.vlan.get(), mention.is_tagged, mention.by)).collect()
    }

    #[test]
    fn tags_are_read_from_the_outside_in() {
        let bytes = frame([0xff; 6], &[100, 200], &[0x08, 0x06, 0, 1]);
        let read = LinkFrame::read(&bytes).unwrap();
        assert_eq!((read.tags.to_string().as_str(), read.protocol, read.is_by_switch()), ("100.200", Protocol::Arp, false));
        assert_eq!(LinkFrame::read(&bytes[..17]), None);
    }

    #[test]
    fn lldp_names_the_untagged_vlan_and_the_named_ones() {
        let mut body = vec![0x88, 0xcc, 0x02, 0x02, 7, 1];
        body.extend([0xfe, 6, 0x00, 0x80, 0xc2, 1, 0, 10]);
        body.extend([0xfe, 10, 0x00, 0x80, 0xc2, 3, 0, 30, 3, b'p', b'l', b'c']);
        body.extend([0xfe, 8, 0x00, 0x12, 0xbb, 2, 1, 0x40, 40 << 1, 0]);
        body.extend([0, 0]);
        let bytes = frame([1, 0x80, 0xc2, 0, 0, 0x0e], &[], &body);
        assert_eq!(mentioned(&bytes), [(10, false, "lldp"), (30, true, "lldp"), (40, true, "lldp")]);
    }

    #[test]
    fn cdp_names_the_native_and_the_voice_vlan() {
        let mut body = vec![0, 0x20, 0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x20, 0, 2, 180, 0, 0];
        body.extend([0, 1, 0, 6, b's', b'w', 0, 10, 0, 6, 0, 20, 0, 14, 0, 7, 1, 0, 50]);
        let bytes = frame([1, 0, 0x0c, 0xcc, 0xcc, 0xcc], &[], &body);
        assert_eq!(mentioned(&bytes), [(20, false, "cdp"), (50, true, "cdp")]);
    }

    #[test]
    fn the_spanning_tree_of_one_vlan_names_it() {
        let mut body = vec![0, 0x32, 0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x01, 0x0b];
        body.extend([0; 36]);
        body.extend([0, 0, 0, 2, 0, 60]);
        assert_eq!(mentioned(&frame([1, 0, 0x0c, 0xcc, 0xcc, 0xcd], &[60], &body)), [(60, true, "stp")]);
    }

    #[test]
    fn an_element_longer_than_its_frame_ends_the_reading() {
        let body = [0x88, 0xcc, 0xfe, 0xff, 0x00, 0x80, 0xc2, 1, 0, 10];
        assert_eq!(mentioned(&frame([1, 0x80, 0xc2, 0, 0, 0x0e], &[], &body)), []);
    }
}

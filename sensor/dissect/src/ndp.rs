//! Neighbor Discovery for IPv6 (RFC 4861 4): what ARP is for IPv4. Which MAC an address belongs to, and who is a router.
//!
//! The flow table gives ICMPv6 flows their types as ports, and payloads without the first eight bytes, as for all of ICMP.

use std::net::{IpAddr, Ipv6Addr};

use sensor_model::{FactKind, IpProtocol, MacAddr, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;

/// Without a service name: Zeek has none for ICMP.
pub(crate) const PROTOCOL: Protocol =
    Protocol { transport: IpProtocol::Icmp, ..Protocol::udp("", TYPES, recognise, read) }.between_peers().told_by("ndp");

const ROUTER_SOLICITATION: u16 = 133;
const ROUTER_ADVERTISEMENT: u16 = 134;
const NEIGHBOR_SOLICITATION: u16 = 135;
const NEIGHBOR_ADVERTISEMENT: u16 = 136;
pub(crate) const TYPES: &[u16] = &[ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT];

/// RFC 4861 4.6.
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const MAX_OPTIONS: usize = 16;
/// Neighbours repeat themselves for as long as they talk.
const MAX_MESSAGES: u32 = 16;

fn recognise(probe: &Probe<'_>) -> Recognition {
    Recognition::of(probe.hinted)
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let mut reader = Reader::new(bytes);
    tell(reading, &mut reader);
    reading.one_of(MAX_MESSAGES, Step::Read(bytes.len()))
}

fn tell(reading: &mut Reading<'_>, body: &mut Reader<'_>) -> Option<()> {
    let sender = reading.sender();
    match message_type(reading)? {
        ROUTER_SOLICITATION => bind(reading, sender, option(body, SOURCE_LINK_LAYER)?),
        ROUTER_ADVERTISEMENT => {
            // Reachable time and retransmission timer; the lifetime stands in the part that is cut off.
            body.skip(8)?;
            reading.tell_of_ip(sender, FactKind::Routes, Some("router advertisement".to_owned()), Strength::Confirmed);
            bind(reading, sender, option(body, SOURCE_LINK_LAYER)?);
        }
        NEIGHBOR_SOLICITATION => {
            body.skip(16)?;
            bind(reading, sender, option(body, SOURCE_LINK_LAYER)?);
        }
        NEIGHBOR_ADVERTISEMENT => {
            let target = Ipv6Addr::from(<[u8; 16]>::try_from(body.take(16)?).ok()?);
            bind(reading, IpAddr::V6(target), option(body, TARGET_LINK_LAYER)?);
        }
        _ => {}
    }
    Some(())
}

/// An answer's type is the one after its question's (RFC 4861 4.1 to 4.4).
fn message_type(reading: &Reading<'_>) -> Option<u16> {
    let asked = reading.key.originator_port;
    if reading.from_originator {
        return Some(asked);
    }
    matches!(asked, ROUTER_SOLICITATION | NEIGHBOR_SOLICITATION).then(|| asked.saturating_add(1))
}

/// Options have their length in units of eight bytes; zero is forbidden.
fn option(options: &mut Reader<'_>, wanted: u8) -> Option<MacAddr> {
    for _ in 0..MAX_OPTIONS {
        let (kind, len) = (options.u8()?, options.u8()?);
        let value = options.take(usize::from(len.checked_mul(8)?).checked_sub(2)?)?;
        if kind == wanted {
            return value.try_into().ok().map(MacAddr);
        }
    }
    None
}

fn bind(reading: &mut Reading<'_>, ip: IpAddr, mac: MacAddr) {
    if !mac.is_zero() && !mac.is_group() {
        reading.tell_of_ip(ip, FactKind::MacOfAddress, Some(mac.to_string()), Strength::Confirmed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensor_model::Subject;

    use super::*;
    use crate::samples::{Findings, Script};

    const OWN: &str = "fe80::1";
    const PEER: &str = "fe80::2";

    fn script(kind: u16) -> Script {
        Script::new(IpProtocol::Icmp, kind, 0).between(OWN.parse().unwrap(), PEER.parse().unwrap())
    }

    fn bindings(findings: &Findings) -> Vec<(Subject, String)> {
        findings.facts(FactKind::MacOfAddress).map(|(subject, mac)| (subject, mac.to_owned())).collect()
    }

    #[test]
    fn a_solicitation_binds_its_sender_and_an_advertisement_its_target() {
        let solicitation = [&[0; 16][..], b"\x01\x01\x00\x11\x22\x33\x44\x55"].concat();
        let target: Ipv6Addr = "2001:db8::7".parse().unwrap();
        let advertisement = [&target.octets()[..], b"\x02\x01\x00\x11\x22\x33\x44\x66"].concat();
        let findings = script(NEIGHBOR_SOLICITATION).client(&solicitation).server(&advertisement).findings();
        let wanted = [
            (Subject::Ip(OWN.parse().unwrap()), "00:11:22:33:44:55".to_owned()),
            (Subject::Ip(IpAddr::V6(target)), "00:11:22:33:44:66".to_owned()),
        ];
        assert_eq!(bindings(&findings), wanted);
        assert_eq!(findings.services(), Vec::<&str>::new());
    }

    #[test]
    fn an_advertising_router_is_a_router() {
        let findings = script(ROUTER_ADVERTISEMENT).client(&[0; 8]).findings();
        assert_eq!(findings.facts(FactKind::Routes).map(|fact| fact.0).collect::<Vec<_>>(), [Subject::Ip(OWN.parse().unwrap())]);
    }

    #[test]
    fn a_duplicate_address_probe_binds_nothing() {
        let findings =
            script(NEIGHBOR_SOLICITATION).between("::".parse().unwrap(), PEER.parse().unwrap()).client(&[0; 16]).findings();
        assert_eq!(bindings(&findings), []);
    }

    #[test]
    fn an_option_of_length_zero_ends_the_options() {
        let findings = script(NEIGHBOR_SOLICITATION)
            .client(&[&[0; 16][..], b"\x05\x00\x01\x01\x00\x11\x22\x33\x44\x55"].concat())
            .findings();
        assert_eq!(bindings(&findings), []);
    }

    proptest! {
        #[test]
        fn no_message_panics(kind in 133u16..=136, bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = script(kind).client(&bytes).server(&bytes).findings();
        }
    }
}

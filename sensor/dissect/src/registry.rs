//! Every protocol that is known, and the choice among them by the first bytes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sensor_model::IpProtocol;

use crate::protocol::{Probe, Protocol, Recognition};
use crate::session::SessionKey;
use crate::{
    bacnet, banner, cotp, dhcp, directory, dnp3, dns, enip, http, iec104, medical, modbus, mqtt, ndp, netbios, ntp, office,
    opcua, printer, sip, smb, snmp, ssdp, tls,
};

/// Order matters only between protocols that recognise the same bytes: the stricter one stands first.
pub(crate) const PROTOCOLS: &[&Protocol] = &[
    &tls::PROTOCOL,
    &http::PROTOCOL,
    &dns::OVER_UDP,
    &modbus::PROTOCOL,
    &cotp::S7COMM,
    &cotp::S7COMM_PLUS,
    &cotp::MMS,
    &cotp::RDP,
    &enip::OVER_TCP,
    &enip::OVER_UDP,
    &enip::CIP_IO,
    &dnp3::OVER_TCP,
    &dnp3::OVER_UDP,
    &iec104::PROTOCOL,
    &opcua::PROTOCOL,
    &bacnet::PROTOCOL,
    &dhcp::PROTOCOL,
    &ndp::PROTOCOL,
    &dns::MULTICAST,
    &dns::LINK_LOCAL,
    &dns::OVER_TCP,
    &netbios::NAME_SERVICE,
    &netbios::DATAGRAMS,
    &smb::PROTOCOL,
    &office::DCE_RPC,
    &directory::LDAP_OVER_TCP,
    &directory::LDAP_OVER_UDP,
    &directory::KERBEROS_OVER_TCP,
    &directory::KERBEROS_OVER_UDP,
    &snmp::PROTOCOL,
    &ntp::PROTOCOL,
    &ssdp::PROTOCOL,
    &sip::SIP_OVER_UDP,
    &sip::SIP_OVER_TCP,
    &sip::RTSP,
    &mqtt::PROTOCOL,
    &medical::DICOM,
    &medical::HL7,
    &printer::PROTOCOL,
    &banner::SSH,
    &banner::VNC,
    &banner::SMTP,
    &banner::FTP,
    &banner::POP3,
    &banner::IMAP,
    &banner::TELNET,
    &office::MYSQL,
    &office::POSTGRESQL,
    &office::TDS,
    &office::PROFINET_CONTEXT,
    &office::QUIC,
    &office::SYSLOG,
    &office::TFTP,
    &office::RADIUS,
];

/// The protocols of one transport, and which of them have a port: most payloads are on none.
struct Transport {
    protocols: Vec<&'static Protocol>,
    /// By port, ascending: a bit for each of `protocols`.
    owners: Vec<(u16, u64)>,
}

struct Registry {
    tcp: Transport,
    udp: Transport,
    others: Transport,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry {
    tcp: Transport::of(|transport| transport == IpProtocol::Tcp),
    udp: Transport::of(|transport| transport == IpProtocol::Udp),
    others: Transport::of(|transport| !matches!(transport, IpProtocol::Tcp | IpProtocol::Udp)),
});

impl Transport {
    fn of(wanted: impl Fn(IpProtocol) -> bool) -> Self {
        const { assert!(PROTOCOLS.len() <= u64::BITS as usize) };
        let protocols: Vec<&Protocol> = PROTOCOLS.iter().copied().filter(|known| wanted(known.transport)).collect();
        let mut owners: BTreeMap<u16, u64> = BTreeMap::new();
        for (at, protocol) in protocols.iter().enumerate() {
            for port in protocol.ports {
                *owners.entry(*port).or_default() |= 1_u64.wrapping_shl(at as u32);
            }
        }
        Self { protocols, owners: owners.into_iter().collect() }
    }

    /// Those that are registered for the port, a bit each.
    fn owners_of(&self, port: u16) -> u64 {
        let found = self.owners.binary_search_by_key(&port, |(known, _)| *known).ok();
        found.and_then(|at| self.owners.get(at)).map_or(0, |(_, owners)| *owners)
    }
}

/// The protocol whose first bytes these are. Candidates whose port fits are asked first; a port alone decides nothing.
pub(crate) fn recognise(key: &SessionKey, bytes: &[u8]) -> (Recognition, Option<&'static Protocol>) {
    let transport = match key.protocol {
        IpProtocol::Tcp => &REGISTRY.tcp,
        IpProtocol::Udp => &REGISTRY.udp,
        _ => &REGISTRY.others,
    };
    let fitting = transport.owners_of(key.responder_port) | transport.owners_of(key.originator_port);
    let mut unsure = false;
    for (hinted, asked) in [(true, fitting), (false, !fitting)] {
        if asked == 0 {
            continue;
        }
        for (at, protocol) in transport.protocols.iter().enumerate() {
            if asked.wrapping_shr(at as u32) & 1 == 0 || protocol.transport != key.protocol {
                continue;
            }
            match (protocol.recognise)(&Probe { bytes, hinted }) {
                Recognition::Yes => return (Recognition::Yes, Some(protocol)),
                Recognition::Unsure => unsure = true,
                Recognition::No => {}
            }
        }
        // Whoever owns the port may still need a byte or two before a stranger claims the flow.
        if unsure && hinted {
            return (Recognition::Unsure, None);
        }
    }
    (if unsure { Recognition::Unsure } else { Recognition::No }, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{SAMPLES, Script};

    fn key(transport: IpProtocol, port: u16) -> SessionKey {
        Script::new(transport, 40_000, port).key
    }

    #[test]
    fn each_sample_is_recognised_on_its_port_and_is_nobody_elses_on_a_strange_one() {
        for (service, transport, port, bytes) in SAMPLES {
            let on_port = recognise(&key(*transport, *port), bytes);
            assert_eq!(on_port.1.map(|protocol| protocol.service), Some(*service), "on its port");
            let elsewhere = recognise(&key(*transport, 40_001), bytes).1.map(|protocol| protocol.service);
            assert!(elsewhere.is_none_or(|name| name == *service), "{service} was taken for {elsewhere:?}");
        }
    }

    /// A port must never decide: a sample on another protocol's port is still itself, or nobody's.
    #[test]
    fn no_protocol_claims_another_ones_sample_on_its_own_port() {
        for (service, transport, _, bytes) in SAMPLES {
            for port in PROTOCOLS.iter().flat_map(|protocol| protocol.ports) {
                let name = recognise(&key(*transport, *port), bytes).1.map(|protocol| protocol.service);
                assert!(name.is_none_or(|name| name == *service), "{service} on port {port} was taken for {name:?}");
            }
        }
    }

    #[test]
    fn every_recogniser_has_a_sample() {
        let missing: Vec<_> = PROTOCOLS
            .iter()
            .filter(|protocol| protocol.transport != IpProtocol::Icmp)
            .map(|protocol| (protocol.service, protocol.transport))
            .filter(|known| !SAMPLES.iter().any(|(service, transport, ..)| (*service, *transport) == *known))
            .collect();
        assert_eq!(missing, []);
    }

    /// Random bytes from a fixed generator: on no port may more than one payload in 500 be claimed, on strange ports one in 5000.
    #[test]
    fn random_payloads_are_rarely_claimed() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            // xorshift64*
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d)
        };
        let rounds = 20_000_u32;
        let mut strange: BTreeMap<&str, u32> = BTreeMap::new();
        let mut hinted: BTreeMap<&str, u32> = BTreeMap::new();
        for _ in 0..rounds {
            let len = 1 + (next() % 120) as usize;
            let bytes: Vec<u8> = (0..len).map(|_| (next() >> 56) as u8).collect();
            for transport in [IpProtocol::Tcp, IpProtocol::Udp] {
                if let (_, Some(protocol)) = recognise(&key(transport, 40_001), &bytes) {
                    *strange.entry(protocol.service).or_default() += 1;
                }
            }
            for protocol in PROTOCOLS.iter().filter(|protocol| protocol.transport != IpProtocol::Icmp) {
                if (protocol.recognise)(&Probe { bytes: &bytes, hinted: true }) == Recognition::Yes {
                    *hinted.entry(protocol.service).or_default() += 1;
                }
            }
        }
        assert!(strange.values().all(|count| *count <= rounds / 5000), "on a strange port: {strange:?}");
        assert!(hinted.values().all(|count| *count <= rounds / 500), "on its own port: {hinted:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_session_panic(
            turns in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)), 1..12),
            sample in 0..SAMPLES.len(),
            cut in 0usize..200,
        ) {
            let (_, transport, port, bytes) = SAMPLES[sample];
            let mut script = Script::new(transport, 40_000, port).client(&bytes[..cut.min(bytes.len())]);
            for (from_client, payload) in &turns {
                script = if *from_client { script.client(payload) } else { script.server(payload) };
            }
            let _ = script.client(bytes).server(bytes).findings();
        }

        #[test]
        fn no_changed_sample_makes_a_session_panic(
            sample in 0..SAMPLES.len(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let (_, transport, port, bytes) = SAMPLES[sample];
            let mut changed = bytes.to_vec();
            for (at, value) in changes {
                let at = at.index(changed.len());
                changed[at] = value;
            }
            let _ = Script::new(transport, 40_000, port).client(bytes).server(&changed).client(&changed).findings();
        }
    }
}

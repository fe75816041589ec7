//! Every protocol that is known, and the choice among them by the first bytes.

use crate::protocol::{Probe, Protocol, Recognition};
use crate::session::SessionKey;
use crate::{dhcp, dns, modbus, tls};

/// Order matters only between protocols that recognise the same bytes: the stricter one stands first.
pub(crate) const PROTOCOLS: &[&Protocol] =
    &[&dhcp::PROTOCOL, &tls::PROTOCOL, &modbus::PROTOCOL, &dns::OVER_TCP, &dns::OVER_UDP, &dns::MULTICAST, &dns::LINK_LOCAL];

/// The protocol whose first bytes these are. Candidates whose port fits are asked first; a port alone decides nothing.
pub(crate) fn recognise(key: &SessionKey, bytes: &[u8]) -> (Recognition, Option<&'static Protocol>) {
    let mut unsure = false;
    for hinted in [true, false] {
        for protocol in PROTOCOLS.iter().filter(|protocol| protocol.transport == key.protocol) {
            let fits = protocol.ports.contains(&key.responder_port) || protocol.ports.contains(&key.originator_port);
            if fits != hinted {
                continue;
            }
            match (protocol.recognise)(&Probe { bytes, hinted, key }) {
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

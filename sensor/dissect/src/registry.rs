//! Every protocol that is known, and the choice among them by the first bytes.

use crate::protocol::{Probe, Protocol, Recognition};
use crate::session::SessionKey;
use crate::{
    bacnet, banner, cotp, dhcp, directory, dnp3, dns, enip, http, iec104, medical, modbus, mqtt, netbios, ntp, office, opcua,
    printer, sip, smb, snmp, ssdp, tls,
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
    &office::SYSLOG,
    &office::TFTP,
    &office::RADIUS,
];

/// The protocol whose first bytes these are. Candidates whose port fits are asked first; a port alone decides nothing.
pub(crate) fn recognise(key: &SessionKey, bytes: &[u8]) -> (Recognition, Option<&'static Protocol>) {
    let mut unsure = false;
    for hinted in [true, false] {
        for protocol in PROTOCOLS.iter().filter(|protocol| protocol.transport == key.protocol) {
            let fits = protocol.ports.contains(&key.responder_port) || protocol.ports.contains(&key.originator_port);
            if fits != hinted {
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

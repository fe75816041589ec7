//! DHCP for IPv4 (RFC 2131, options of RFC 2132): what a client calls itself, how it asks, and which address it got.
//! Facts are about the hardware address in the message, since one flow (0.0.0.0 to everybody) carries all clients of a segment.

use std::net::{IpAddr, Ipv4Addr};

use sensor_model::{FactKind, MacAddr, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::Reader;
use crate::text;

pub(crate) const PROTOCOL: Protocol = Protocol::udp("dhcp", &[67, 68], recognise, read).between_peers();

const MAGIC_COOKIE: u32 = 0x6382_5363;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// RFC 2132 9.6.
const MESSAGE_REQUEST: u8 = 3;
const MESSAGE_ACK: u8 = 5;
const MESSAGE_OFFER: u8 = 2;
const MESSAGE_INFORM: u8 = 8;

mod option {
    pub const ROUTER: u8 = 3;
    pub const HOST_NAME: u8 = 12;
    pub const OVERLOAD: u8 = 52;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_IDENTIFIER: u8 = 54;
    pub const PARAMETER_LIST: u8 = 55;
    pub const VENDOR_CLASS: u8 = 60;
    pub const CLIENT_IDENTIFIER: u8 = 61;
    pub const CLIENT_FQDN: u8 = 81;
    pub const PAD: u8 = 0;
    pub const END: u8 = 255;
}

struct Message<'a> {
    op: u8,
    /// The client's current address, as the client says.
    client_address: Ipv4Addr,
    /// The address that the server gives.
    your_address: Ipv4Addr,
    hardware_address: Option<MacAddr>,
    server_name: &'a [u8],
    file: &'a [u8],
    options: &'a [u8],
}

fn recognise(probe: &Probe<'_>) -> Recognition {
    Recognition::of(parse(probe.bytes).is_some())
}

/// RFC 2131 2, figure 1.
fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    let mut reader = Reader::new(bytes);
    let op = reader.u8().filter(|op| matches!(*op, REQUEST | REPLY))?;
    let hardware_type = reader.u8()?;
    let hardware_len = reader.u8().filter(|len| *len <= 16)?;
    reader.skip(9)?;
    let client_address = Ipv4Addr::from_bits(reader.be32()?);
    let your_address = Ipv4Addr::from_bits(reader.be32()?);
    reader.skip(8)?;
    let hardware = reader.take(16)?;
    let server_name = reader.take(64)?;
    let file = reader.take(128)?;
    reader.be32().filter(|cookie| *cookie == MAGIC_COOKIE)?;
    // Hardware types 1 (Ethernet) and 6 (IEEE 802) have EUI-48 addresses.
    let is_ethernet = matches!(hardware_type, 1 | 6) && hardware_len == 6;
    let hardware_address = if is_ethernet { mac(hardware.get(..6)?) } else { None };
    Some(Message { op, client_address, your_address, hardware_address, server_name, file, options: reader.rest() })
}

fn mac(bytes: &[u8]) -> Option<MacAddr> {
    bytes.try_into().ok().map(MacAddr).filter(|mac| !mac.is_zero() && !mac.is_group())
}

impl Message<'_> {
    /// The value of an option, its parts joined (RFC 3396 5); also from the fields that option 52 lends to options.
    fn option(&self, wanted: u8) -> Option<Vec<u8>> {
        let mut value = None;
        let overload = gather(self.options, option::OVERLOAD, None).and_then(|v| v.first().copied()).unwrap_or(0);
        value = gather(self.options, wanted, value);
        if overload & 1 != 0 {
            value = gather(self.file, wanted, value);
        }
        if overload & 2 != 0 {
            value = gather(self.server_name, wanted, value);
        }
        value
    }

    fn addresses(&self, wanted: u8) -> Vec<Ipv4Addr> {
        let value = self.option(wanted).unwrap_or_default();
        value.chunks_exact(4).filter_map(|c| <[u8; 4]>::try_from(c).ok()).map(Ipv4Addr::from).collect()
    }
}

fn gather(options: &[u8], wanted: u8, mut value: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut reader = Reader::new(options);
    while let Some(code) = reader.u8() {
        match code {
            option::PAD => continue,
            option::END => break,
            _ => {}
        }
        let Some(part) = reader.prefixed8() else { break };
        if code == wanted {
            value.get_or_insert_default().extend_from_slice(part);
        }
    }
    value
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(message) = parse(bytes) else {
        return Step::Leave;
    };
    reading.sent_by_client(message.op == REQUEST);
    let kind = message.option(option::MESSAGE_TYPE).and_then(|value| value.first().copied());
    let client = message.hardware_address.or_else(|| {
        // Type 1 and an Ethernet address (RFC 2132 9.14).
        let identifier = message.option(option::CLIENT_IDENTIFIER)?;
        mac(identifier.strip_prefix(&[1])?)
    });
    match (message.op, client) {
        (REQUEST, Some(client)) => read_request(reading, &message, kind, client),
        (REPLY, client) => read_reply(reading, &message, kind, client),
        _ => {}
    }
    Step::Read(bytes.len())
}

fn read_request(reading: &mut Reading<'_>, message: &Message<'_>, kind: Option<u8>, client: MacAddr) {
    let name = message.option(option::HOST_NAME).and_then(|name| text::host_name(&name));
    reading.tell_of_mac(client, FactKind::Hostname, name.or_else(|| fqdn(message)), Strength::Confirmed);
    let class = message.option(option::VENDOR_CLASS).and_then(|class| text::printable(&class));
    reading.tell_of_mac(client, FactKind::DhcpVendorClass, class, Strength::Confirmed);
    let fingerprint = message.option(option::PARAMETER_LIST).map(|list| {
        let numbers: Vec<String> = list.iter().map(u8::to_string).collect();
        numbers.join(",")
    });
    reading.tell_of_mac(client, FactKind::DhcpFingerprint, fingerprint, Strength::Confirmed);
    // A renewing or informing client fills in the address that it uses (RFC 2131 4.3.2 and 4.4.3).
    if matches!(kind, Some(MESSAGE_REQUEST | MESSAGE_INFORM)) {
        tell_lease(reading, client, message.client_address, Strength::Probable);
    }
}

/// RFC 4702 2: flags, two result codes, then the name in DNS form (flag E) or as text.
fn fqdn(message: &Message<'_>) -> Option<String> {
    const ENCODED: u8 = 0x04;
    let value = message.option(option::CLIENT_FQDN)?;
    let mut reader = Reader::new(&value);
    let flags = reader.u8()?;
    reader.skip(2)?;
    if flags & ENCODED == 0 {
        return text::host_name(reader.rest());
    }
    let mut name = Vec::new();
    while let Some(label) = reader.prefixed8().filter(|label| !label.is_empty()) {
        name.extend_from_slice(label);
        name.push(b'.');
    }
    text::host_name(&name)
}

fn read_reply(reading: &mut Reading<'_>, message: &Message<'_>, kind: Option<u8>, client: Option<MacAddr>) {
    if !matches!(kind, Some(MESSAGE_OFFER | MESSAGE_ACK)) {
        return;
    }
    // The sender may be a relay; the server names itself.
    let server = message.addresses(option::SERVER_IDENTIFIER).first().copied().map_or(reading.sender(), IpAddr::V4);
    reading.tell_of_ip(server, FactKind::Serves, Some("dhcp".to_owned()), Strength::Confirmed);
    for router in message.addresses(option::ROUTER) {
        reading.tell_of_ip(IpAddr::V4(router), FactKind::Routes, Some("default gateway".to_owned()), Strength::Probable);
    }
    if kind == Some(MESSAGE_ACK)
        && let Some(client) = client
    {
        tell_lease(reading, client, message.your_address, Strength::Confirmed);
    }
}

fn tell_lease(reading: &mut Reading<'_>, client: MacAddr, address: Ipv4Addr, strength: Strength) {
    if !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast() {
        reading.tell_of_mac(client, FactKind::LeasedAddress, Some(address.to_string()), strength);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensor_model::Subject;

    use super::*;
    use crate::samples::{SERVER, Script};

    const MAC: MacAddr = MacAddr([0x00, 0x0b, 0x82, 0x01, 0xfc, 0x42]);

    fn message(op: u8, your: [u8; 4], options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![op, 1, 6, 0];
        bytes.extend([0; 12]);
        bytes.extend(your);
        bytes.extend([0; 8]);
        bytes.extend(MAC.0);
        bytes.extend([0; 10 + 64 + 128]);
        bytes.extend(MAGIC_COOKIE.to_be_bytes());
        bytes.extend(options);
        bytes
    }

    #[test]
    fn a_request_tells_name_class_and_fingerprint_of_the_mac() {
        let options = b"\x35\x01\x03\x0c\x05plc-1\x3c\x04ACME\x37\x03\x01\x03\x06\xff";
        let findings = Script::udp(67).client(&message(REQUEST, [0; 4], options)).findings();
        assert_eq!(findings.services(), ["dhcp"]);
        assert_eq!(findings.facts(FactKind::Hostname).collect::<Vec<_>>(), [(Subject::Mac(MAC), "plc-1")]);
        assert_eq!(findings.values_of(FactKind::DhcpVendorClass), ["ACME"]);
        assert_eq!(findings.values_of(FactKind::DhcpFingerprint), ["1,3,6"]);
    }

    #[test]
    fn an_ack_tells_the_lease_the_server_and_the_gateway() {
        let options = b"\x35\x01\x05\x36\x04\x0a\x00\x00\x63\x03\x04\x0a\x00\x00\xfe\xff";
        let findings = Script::udp(67).server(&message(REPLY, [10, 0, 0, 7], options)).findings();
        assert_eq!(findings.facts(FactKind::LeasedAddress).collect::<Vec<_>>(), [(Subject::Mac(MAC), "10.0.0.7")]);
        assert_eq!(findings.facts(FactKind::Serves).collect::<Vec<_>>(), [(Subject::Ip([10, 0, 0, 99].into()), "dhcp")]);
        assert_eq!(findings.facts(FactKind::Routes).map(|f| f.0).collect::<Vec<_>>(), [Subject::Ip([10, 0, 0, 254].into())]);
        assert!(!findings.is_reversed());
    }

    #[test]
    fn an_offer_is_not_a_lease() {
        let findings = Script::udp(67).server(&message(REPLY, [10, 0, 0, 7], b"\x35\x01\x02\xff")).findings();
        assert_eq!(findings.values_of(FactKind::LeasedAddress), Vec::<&str>::new());
        assert_eq!(findings.facts(FactKind::Serves).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "dhcp")]);
    }

    #[test]
    fn a_reply_from_the_originator_reverses_the_flow_unless_it_is_a_broadcast() {
        let ack = message(REPLY, [10, 0, 0, 7], b"\x35\x01\x05\xff");
        assert!(Script::udp(68).client(&ack).findings().is_reversed());
        let everybody = IpAddr::V4(Ipv4Addr::BROADCAST);
        assert!(!Script::udp(68).between(SERVER, everybody).client(&ack).findings().is_reversed());
    }

    #[test]
    fn one_flow_carries_many_clients() {
        let request = message(REQUEST, [0; 4], b"\x35\x01\x01\x0c\x01a\xff");
        let mut other = request.clone();
        other[33] = 0x43;
        let findings = Script::udp(67).client(&request).client(&other).findings();
        assert_eq!(findings.facts(FactKind::Hostname).map(|f| f.0).collect::<Vec<_>>().len(), 2);
    }

    #[test]
    fn an_option_in_two_parts_is_joined_and_an_overloaded_field_is_read() {
        let mut bytes = message(REQUEST, [0; 4], b"\x35\x01\x01\x0c\x03plc\x0c\x02-1\x34\x01\x01\xff");
        bytes[108..108 + 7].copy_from_slice(b"\x3c\x04ACME\xff");
        let findings = Script::udp(67).client(&bytes).findings();
        assert_eq!(findings.values_of(FactKind::Hostname), ["plc-1"]);
        assert_eq!(findings.values_of(FactKind::DhcpVendorClass), ["ACME"]);
    }

    #[test]
    fn a_name_in_dns_form_is_read_from_option_81() {
        let options = b"\x35\x01\x03\x51\x0e\x04\x00\x00\x05plc-1\x04site\x00\xff";
        let findings = Script::udp(67).client(&message(REQUEST, [0; 4], options)).findings();
        assert_eq!(findings.values_of(FactKind::Hostname), ["plc-1.site"]);
    }

    proptest! {
        #[test]
        fn no_options_panic(options in proptest::collection::vec(any::<u8>(), 0..600), op in 1u8..=2) {
            let _ = Script::udp(67).client(&message(op, [10, 0, 0, 7], &options)).findings();
        }
    }
}

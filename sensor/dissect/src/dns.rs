//! DNS (RFC 1035) over UDP and TCP, multicast DNS (RFC 6762) and LLMNR (RFC 4795): which names belong to which addresses, and what a host
//! announces of itself.

mod message;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sensor_model::{FactKind, Role, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::text;
use message::{Message, Name, Record, Section, TYPE_A, TYPE_AAAA, TYPE_CNAME, TYPE_PTR, TYPE_SRV, TYPE_TXT};

pub(crate) const OVER_UDP: Protocol = Protocol::udp("dns", &[53], recognise, read_dns);
pub(crate) const OVER_TCP: Protocol = Protocol::tcp("dns", &[53], recognise_stream, read_stream);
/// Only on their ports: without them, the messages are those of DNS.
pub(crate) const MULTICAST: Protocol =
    Protocol::udp("dns", &[5353], recognise_on_port, read_mdns).between_peers().told_by("mdns");
pub(crate) const LINK_LOCAL: Protocol =
    Protocol::udp("dns", &[5355], recognise_on_port, read_llmnr).between_peers().told_by("llmnr");

fn recognise(probe: &Probe<'_>) -> Recognition {
    Recognition::of(Message::parse(probe.bytes).is_some_and(|message| is_plausible(&message, probe.hinted)))
}

fn recognise_on_port(probe: &Probe<'_>) -> Recognition {
    if probe.hinted { recognise(probe) } else { Recognition::No }
}

/// RFC 7766 8: each message behind its 16-bit length.
fn recognise_stream(probe: &Probe<'_>) -> Recognition {
    match split(probe.bytes) {
        Some((message, _)) => recognise(&Probe { bytes: message, ..*probe }),
        None if probe.hinted && probe.bytes.len() < MAX_STREAM_WAIT => Recognition::Unsure,
        None => Recognition::No,
    }
}

/// An unrecognised beginning is kept no longer than this.
const MAX_STREAM_WAIT: usize = 4096;

/// EDNS messages are rarely longer (RFC 9715 recommends 1400).
const MAX_CUT_MESSAGE: usize = 4096;

fn split(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (len, rest) = bytes.split_at_checked(2)?;
    let len = usize::from(u16::from_be_bytes(len.try_into().ok()?));
    rest.get(..len).map(|message| (message, len.saturating_add(2)))
}

fn is_plausible(message: &Message<'_>, hinted: bool) -> bool {
    let header = &message.header;
    // Opcodes 0 to 6 are assigned, 3 is not (IANA DNS parameters).
    if header.reserved || header.opcode > 6 || header.opcode == 3 {
        return false;
    }
    // A question takes five bytes and a record eleven at least, whether the capture kept them or not.
    let least = usize::from(header.questions).saturating_mul(5).saturating_add(header.records().saturating_mul(11));
    if least > message.len().max(MAX_CUT_MESSAGE) {
        return false;
    }
    if hinted {
        // A cut message still has its first question or record.
        return !message.questions.is_empty() || !message.records.is_empty();
    }
    let is_query = !header.is_response && header.code == 0 && header.answers == 0 && header.authorities == 0;
    let names_are_sane = message.questions.iter().all(|q| q.name.0.iter().all(|b| b.is_ascii_graphic()) && !q.name.0.is_empty());
    message.is_exact && names_are_sane && header.questions == 1 && header.additionals <= 64 && (is_query || header.is_response)
}

fn read_stream(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    match split(bytes) {
        Some((message, len)) => {
            read_dns(reading, message);
            Step::Read(len)
        }
        None => Step::Wait,
    }
}

fn read_dns(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(message) = Message::parse(bytes).filter(|message| is_plausible(message, true)) else {
        return Step::Leave;
    };
    reading.sent_by_client(!message.header.is_response);
    if message.header.is_response {
        // A resolver only passes on what it was told.
        tell_addresses(reading, &message, FactKind::DnsName, |_| Strength::Probable);
        tell_alias(reading, &message);
        tell_pointers(reading, &message, FactKind::DnsName);
        tell_domain_controllers(reading, &message);
    }
    Step::Read(bytes.len())
}

/// Looks at the header only.
pub(crate) fn is_answer(bytes: &[u8]) -> bool {
    message::Header::parse(bytes).is_some_and(|header| header.is_response && !header.reserved && header.opcode <= 6)
}

fn read_llmnr(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(message) = Message::parse(bytes).filter(|message| is_plausible(message, true)) else {
        return Step::Leave;
    };
    reading.sent_by_client(!message.header.is_response);
    if message.header.is_response {
        // Only the owner of a name answers (RFC 4795 2).
        let sender = reading.sender();
        tell_addresses(reading, &message, FactKind::Hostname, |address| own(sender, address));
        tell_pointers(reading, &message, FactKind::Hostname);
    }
    Step::Read(bytes.len())
}

fn read_mdns(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(message) = Message::parse(bytes).filter(|message| is_plausible(message, true)) else {
        return Step::Leave;
    };
    // Probes carry what the host is about to own in the authority section (RFC 6762 8.2).
    let sender = reading.sender();
    if message.header.is_response {
        tell_addresses(reading, &message, FactKind::Hostname, |address| own(sender, address));
        tell_pointers(reading, &message, FactKind::Hostname);
        for record in &message.records {
            tell_announced(reading, record);
        }
    }
    Step::Read(bytes.len())
}

fn own(sender: IpAddr, address: IpAddr) -> Strength {
    if sender == address { Strength::Confirmed } else { Strength::Probable }
}

fn tell_addresses(reading: &mut Reading<'_>, message: &Message<'_>, kind: FactKind, strength: impl Fn(IpAddr) -> Strength) {
    for record in &message.records {
        if let Some(address) = address(record) {
            reading.tell_of_ip(address, kind, host(&record.name), strength(address));
        }
    }
}

/// An answer through CNAMEs: the address also has the name that was asked for.
fn tell_alias(reading: &mut Reading<'_>, message: &Message<'_>) {
    let aliased = message.records.iter().any(|record| record.kind == TYPE_CNAME && record.section == Section::Answer);
    let Some(question) = message.questions.first().filter(|_| aliased) else {
        return;
    };
    for record in message.records.iter().filter(|record| record.section == Section::Answer) {
        if let Some(address) = address(record) {
            reading.tell_of_ip(address, FactKind::DnsName, host(&question.name), Strength::Probable);
        }
    }
}

fn tell_pointers(reading: &mut Reading<'_>, message: &Message<'_>, kind: FactKind) {
    for record in message.records.iter().filter(|record| record.kind == TYPE_PTR) {
        if let Some(address) = reverse_address(&record.name)
            && let Some(name) = message.name_in(record, 0)
        {
            reading.tell_of_ip(address, kind, host(&name), Strength::Probable);
        }
    }
}

/// Active Directory finds its controllers by this name ([MS-ADTS] 6.3.2.3).
fn tell_domain_controllers(reading: &mut Reading<'_>, message: &Message<'_>) {
    let is_controller = |record: &&Record<'_>| {
        record.kind == TYPE_SRV && record.section == Section::Answer && record.name.starts_with("_ldap._tcp.dc._msdcs.")
    };
    for record in message.records.iter().filter(is_controller) {
        let target = message.name_in(record, 6);
        for other in message.records.iter().filter(|other| Some(&other.name) == target.as_ref()) {
            if let Some(address) = address(other) {
                let role = Some(Role::DomainController.to_string());
                reading.tell_of_ip(address, FactKind::Role, role, Strength::Probable);
            }
        }
    }
}

/// Services that a host announces, with the word for the service and the role it implies.
const ANNOUNCED: &[(&str, Option<&str>, Option<Role>)] = &[
    ("_ipp._tcp.local", Some("ipp"), Some(Role::Printer)),
    ("_ipps._tcp.local", None, Some(Role::Printer)),
    ("_printer._tcp.local", None, Some(Role::Printer)),
    ("_pdl-datastream._tcp.local", None, Some(Role::Printer)),
    ("_smb._tcp.local", Some("smb"), None),
    ("_ssh._tcp.local", Some("ssh"), None),
    ("_rtsp._tcp.local", Some("rtsp"), None),
    ("_axis-video._tcp.local", None, Some(Role::Camera)),
    ("_mqtt._tcp.local", Some("mqtt"), None),
];

/// Keys of TXT records that name a model: Apple's `_device-info`, printers' `ty` (Bonjour Printing 9.2), Cast's `md`.
const MODEL_KEYS: &[(&str, &str)] =
    &[("_device-info._tcp.local", "model="), ("_ipp._tcp.local", "ty="), ("_googlecast._tcp.local", "md=")];

fn tell_announced(reading: &mut Reading<'_>, record: &Record<'_>) {
    let sender = reading.sender();
    match record.kind {
        TYPE_SRV => {
            // SRV, unlike PTR, is unique to its owner, so it is nobody's hearsay.
            for (service, word, role) in ANNOUNCED.iter().filter(|(service, ..)| record.name.ends_with(service)) {
                let _ = service;
                let word = word.map(str::to_owned);
                reading.tell_of_ip(sender, FactKind::Serves, word, Strength::Probable);
                reading.tell_of_ip(sender, FactKind::Role, role.map(|role| role.to_string()), Strength::Probable);
            }
        }
        TYPE_TXT => {
            for (service, key) in MODEL_KEYS.iter().filter(|(service, _)| record.name.ends_with(service)) {
                let _ = service;
                let model = strings(record.data).find_map(|text| text.strip_prefix(key.as_bytes()));
                reading.tell_of_ip(sender, FactKind::Model, model.and_then(text::printable), Strength::Confirmed);
            }
        }
        _ => {}
    }
}

fn strings(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = crate::reader::Reader::new(data);
    std::iter::from_fn(move || reader.prefixed8())
}

fn address(record: &Record<'_>) -> Option<IpAddr> {
    match record.kind {
        TYPE_A => <[u8; 4]>::try_from(record.data).ok().map(|octets| IpAddr::V4(Ipv4Addr::from(octets))),
        TYPE_AAAA => <[u8; 16]>::try_from(record.data).ok().map(|octets| IpAddr::V6(Ipv6Addr::from(octets))),
        _ => None,
    }
    // A blocked name is often answered with the loopback address: it says nothing of any host.
    .filter(|address| !address.is_loopback())
}

/// Lower case: resolvers may scramble the case of what they ask (draft-vixie-dnsext-dns0x20), and DNS does not care (RFC 4343).
fn host(name: &Name) -> Option<String> {
    text::host_name(&name.0).map(|name| name.to_lowercase())
}

/// The address in `4.3.2.1.in-addr.arpa` (RFC 1035 3.5) or in nibbles under `ip6.arpa` (RFC 3596 2.5).
fn reverse_address(name: &Name) -> Option<IpAddr> {
    let text = std::str::from_utf8(&name.0).ok()?.to_ascii_lowercase();
    if let Some(octets) = text.strip_suffix(".in-addr.arpa") {
        let mut parts = octets.rsplit('.').map(|part| part.parse::<u8>().ok());
        let mut octets = [0; 4];
        for octet in &mut octets {
            *octet = parts.next()??;
        }
        return parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(octets)));
    }
    let mut bits = 0_u128;
    let mut count = 0_u32;
    for nibble in text.strip_suffix(".ip6.arpa")?.rsplit('.') {
        let digit = u128::from_str_radix(nibble, 16).ok().filter(|_| nibble.len() == 1)?;
        bits = bits << 4 | digit;
        count = count.checked_add(1)?;
    }
    (count == 32).then(|| IpAddr::V6(Ipv6Addr::from_bits(bits)))
}

#[cfg(test)]
mod tests;

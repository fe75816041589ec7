//! The hosts' messages as bytes, for captures that nobody had to send.

use std::net::Ipv4Addr;

use super::service::{Identity, Peer};
use super::{dhcp, dns, modbus, printer, rdp, smb, snmp};
use crate::plant::{BACKUP, FILES, HISTORIAN, HMI, MONITOR, PLC, PRINTER, RESOLVER};
use crate::tally::Tally;

/// Who the hosts of the plant say they are.
pub const NAMES: [(Ipv4Addr, &str, &str); 8] = [
    (PLC, "plc-1", "Siemens S7-1507S"),
    (FILES, "files-1", "Windows Server 2008"),
    (PRINTER, "printer-1", "Brother HL-L6400DW"),
    (HMI, "hmi-1", "Windows 10 IoT"),
    (HISTORIAN, "historian-1", "Windows Server 2019"),
    (MONITOR, "monitor-1", "Linux 6.1 monitoring"),
    (BACKUP, "backup-1", "Linux 5.10 NAS"),
    (RESOLVER, "resolver-1", "Linux 6.1"),
];

/// Name and product of a host of the plant.
#[must_use]
pub fn identity_of(address: Ipv4Addr) -> Identity {
    let found = NAMES.iter().find(|(known, ..)| *known == address);
    let (name, product) = found.map_or(("unnamed", "unknown"), |(_, name, product)| (name, product));
    Identity { name: name.to_owned(), product: product.to_owned(), records: Vec::new() }
}

#[must_use]
pub fn modbus_read(transaction: u16) -> Vec<u8> {
    modbus::request(transaction, &[3, 0, 0, 0, 16])
}

#[must_use]
pub fn modbus_write(transaction: u16, register: u16, value: u16) -> Vec<u8> {
    modbus::request(transaction, &[&[6][..], &register.to_be_bytes(), &value.to_be_bytes()].concat())
}

/// What the plant's controller answers.
#[must_use]
pub fn modbus_answer(request: &[u8]) -> Vec<u8> {
    modbus::answer(request, &identity_of(PLC))
}

#[must_use]
pub fn snmp_get(id: i32) -> Vec<u8> {
    snmp::request(id)
}

/// What an agent with this identity answers.
#[must_use]
pub fn snmp_answer(request: &[u8], agent: Ipv4Addr) -> Vec<u8> {
    (snmp::AGENT.answer)(request, &identity_of(agent), &nobody(&Tally::default())).unwrap_or_default()
}

#[must_use]
pub fn dns_query(id: u16, name: &str) -> Vec<u8> {
    dns::query(id, name)
}

/// What the plant's resolver answers when it knows one address under that name.
#[must_use]
pub fn dns_answer(query: &[u8], name: &str, address: Ipv4Addr) -> Vec<u8> {
    let identity = Identity { records: vec![(name.to_owned(), address)], ..Identity::default() };
    (dns::RESOLVER.answer)(query, &identity, &nobody(&Tally::default())).unwrap_or_default()
}

#[must_use]
pub fn dhcp_inform(id: u32, own: Ipv4Addr, mac: [u8; 6]) -> Vec<u8> {
    dhcp::message(id, own, mac, &identity_of(own))
}

/// Request and answer: the negotiation first (0), then echoes.
#[must_use]
pub fn smb_exchange(id: u64) -> (Vec<u8>, Vec<u8>) {
    smb::exchange(id)
}

#[must_use]
pub fn rdp_exchange() -> (Vec<u8>, Vec<u8>) {
    (rdp::REQUEST.to_vec(), rdp::CONFIRM.to_vec())
}

/// What the client sends, and the printer's answer.
#[must_use]
pub fn print_exchange() -> (Vec<u8>, Vec<u8>) {
    (printer::JOB_START.to_vec(), printer::answer(&identity_of(PRINTER)))
}

/// Counting is for hosts that are there.
const fn nobody(tally: &Tally) -> Peer<'_> {
    Peer { address: std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), tally }
}

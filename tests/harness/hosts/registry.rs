//! Every protocol a host of the plant can speak. A new one is a file and a line here.

use super::service::{Answerer, Client, Server};
use super::{dhcp, dns, modbus, printer, probe, rdp, rsync, smb, snmp, template};

/// Over TCP.
pub const SERVERS: &[Server] = &[
    modbus::SERVER,
    smb::SERVER,
    rdp::SERVER,
    rsync::SERVER,
    printer::RAW_SERVER,
    printer::IPP_SERVER,
    probe::STREAM_SERVER,
    template::SERVER,
];

/// Over UDP.
pub const ANSWERERS: &[Answerer] = &[snmp::AGENT, dns::RESOLVER, probe::DATAGRAM_SINK, template::ANSWERER];

pub const CLIENTS: &[Client] = &[
    modbus::READER,
    modbus::OPERATOR,
    smb::WRITER,
    smb::HOLDER,
    rsync::BACKUP,
    snmp::POLLER,
    printer::RAW_CLIENT,
    printer::IPP_CLIENT,
    dns::STUB,
    dhcp::INFORMER,
    probe::DATAGRAM_SOURCE,
    template::CLIENT,
];

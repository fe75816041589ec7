//! What the bytes of layer 7 say: payload of one flow in, service name, facts and operations out.
//!
//! One file a protocol behind a const registry (`template.rs` is the one to copy). Pure, bounded, never panics. Knows nothing of headers
//! below layer 7. A protocol is recognised by its bytes; a port only decides who is asked first.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests own their bytes"))]

mod bacnet;
mod banner;
mod ber;
mod cotp;
mod dhcp;
mod directory;
mod dnp3;
mod dns;
mod enip;
mod head;
mod http;
mod iec104;
mod medical;
mod modbus;
mod mqtt;
mod ndp;
mod netbios;
mod ntlm;
mod ntp;
mod office;
mod opcua;
mod printer;
mod proof;
mod protocol;
mod reader;
mod registry;
mod session;
mod sip;
mod smb;
mod snmp;
mod ssdp;
mod stream;
#[cfg(test)]
mod template;
mod text;
mod tls;

#[cfg(test)]
mod samples;

pub use session::{Finding, Session, SessionKey, Status};

//! Hosts of the plant: real servers and clients on real sockets, enough of each protocol that a listener recognises it.
//!
//! A host is a child process in a namespace. It ends when its stdin does, so none outlives the harness.

mod dhcp;
mod dns;
mod modbus;
mod printer;
mod probe;
mod registry;
mod rsync;
mod run;
pub mod service;
mod snmp;
mod template;

pub mod rdp;
pub mod smb;
pub mod wire;

pub use modbus::write_register;
pub use registry::{ANSWERERS, CLIENTS, SERVERS};
pub use run::{Host, HostPlan, run_host};

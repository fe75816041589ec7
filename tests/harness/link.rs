//! Wires between namespaces: veth pairs, bridges, addresses.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};

use crate::namespace::Namespace;

/// A prefix length and the address in it, as `ip addr add` wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Interface {
    pub address: Ipv4Addr,
    pub prefix_len: u8,
}

/// Whether the kernel may glue small segments into big frames on this interface (generic receive offload).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gro {
    On,
    Off,
}

/// A veth pair, both ends up, with the offloads off that would show the mirror frames that never were on a wire.
///
/// # Errors
/// When an interface of that name exists, or ethtool is missing.
pub fn connect(near: (&Namespace, &str), far: (&Namespace, &str)) -> Result<()> {
    connect_with_queues(near, far, 1)
}

/// The same with several queues at both ends; a frame that leaves by one arrives at the queue of the same number.
///
/// # Errors
/// When an interface of that name exists, or ethtool is missing.
pub fn connect_with_queues(near: (&Namespace, &str), far: (&Namespace, &str), queues: u32) -> Result<()> {
    let queues = queues.to_string();
    let counts = ["numtxqueues", &queues, "numrxqueues", &queues];
    let mut add = vec!["link", "add", near.1];
    add.extend(counts);
    add.extend(["type", "veth", "peer", "name", far.1, "netns", far.0.name()]);
    add.extend(counts);
    near.0.run("ip", &add)?;
    for (namespace, interface) in [near, far] {
        set_offloads(namespace, interface, Gro::Off)?;
        namespace.run("ip", &["link", "set", interface, "up"])?;
    }
    Ok(())
}

/// # Errors
/// When the interface does not exist, or ethtool is missing.
pub fn set_offloads(namespace: &Namespace, interface: &str, gro: Gro) -> Result<()> {
    let gro = if gro == Gro::On { "on" } else { "off" };
    namespace.run("ethtool", &["-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", gro]).map(|_| ())
}

/// # Errors
/// When the interface does not exist.
pub fn set_mac(namespace: &Namespace, interface: &str, mac: &str) -> Result<()> {
    namespace.run("ip", &["link", "set", interface, "address", mac]).map(|_| ())
}

/// # Errors
/// When the interface does not exist.
pub fn add_address(namespace: &Namespace, interface: &str, at: Ipv4Interface) -> Result<()> {
    namespace.run("ip", &["addr", "add", &format!("{}/{}", at.address, at.prefix_len), "dev", interface]).map(|_| ())
}

/// # Errors
/// When the gateway is not on a connected prefix.
pub fn add_default_route(namespace: &Namespace, gateway: Ipv4Addr) -> Result<()> {
    namespace.run("ip", &["route", "add", "default", "via", &gateway.to_string()]).map(|_| ())
}

/// A learning bridge over ports that exist already.
///
/// # Errors
/// When the kernel has no bridge, or a port is missing.
pub fn add_bridge(namespace: &Namespace, bridge: &str, ports: &[&str]) -> Result<()> {
    namespace
        .run("ip", &["link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"])?;
    for port in ports {
        namespace.run("ip", &["link", "set", port, "master", bridge])?;
    }
    namespace.run("ip", &["link", "set", bridge, "up"]).map(|_| ())
}

/// Frames an interface sent and received so far, as the kernel counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCount {
    pub received: u64,
    pub sent: u64,
}

/// # Errors
/// When the interface does not exist.
pub fn frame_count(namespace: &Namespace, interface: &str) -> Result<FrameCount> {
    let text = namespace.run("cat", &["/proc/net/dev"])?;
    // man 5 proc: bytes, packets and six more columns for reception, then the same for transmission.
    let columns = text.lines().find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'));
    let columns: Vec<u64> =
        columns.context("no such interface")?.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let column = |at: usize| columns.get(at).copied().context("short line in /proc/net/dev");
    Ok(FrameCount { received: column(1)?, sent: column(9)? })
}

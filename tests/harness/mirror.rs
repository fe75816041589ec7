//! A SPAN port: every frame that enters one of the mirrored ports is copied once to the sensor's port, and nothing comes back.
//!
//! Ingress only, on every port of the router: a routed frame enters once and leaves once, so mirroring both directions would show
//! it twice. It also shows denied frames, which never leave. `tc` u32 is the filter because the kernel of small machines lacks
//! flower and matchall.

use anyhow::Result;

use crate::link::{self, FrameCount};
use crate::namespace::Namespace;

/// The wire between a mirroring namespace and a listening one.
#[derive(Debug)]
pub struct Mirror<'a> {
    listener: &'a Namespace,
    /// The sensor's port.
    pub interface: String,
}

impl<'a> Mirror<'a> {
    /// Copies what enters `ports` of `source` to a new port `interface` of `listener`.
    ///
    /// # Errors
    /// When the kernel has no clsact, u32 or mirred, or a port is missing.
    pub fn attach(source: &Namespace, ports: &[&str], listener: &'a Namespace, interface: &str) -> Result<Self> {
        link::connect((source, "span"), (listener, interface))?;
        // A mute port: no ARP here, no IPv6 in the namespace, no address.
        listener.run("ip", &["link", "set", interface, "arp", "off", "multicast", "off"])?;
        source.run("ip", &["link", "set", "span", "arp", "off", "multicast", "off"])?;
        for port in ports {
            source.run("tc", &["qdisc", "add", "dev", port, "clsact"])?;
            let filter =
                ["filter", "add", "dev", port, "ingress", "protocol", "all", "prio", "1", "u32", "match", "u32", "0", "0"];
            let action = ["action", "mirred", "egress", "mirror", "dev", "span"];
            source.run("tc", &[&filter[..], &action[..]].concat())?;
        }
        Ok(Self { listener, interface: interface.to_owned() })
    }

    /// What the sensor's port received, and (this must stay 0) sent.
    ///
    /// # Errors
    /// When the port is gone.
    pub fn frame_count(&self) -> Result<FrameCount> {
        link::frame_count(self.listener, &self.interface)
    }
}

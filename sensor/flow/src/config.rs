//! What a table is told once: limits, timeouts, and what it makes of VLANs.

use std::time::Duration;

use crate::realm::VlanKey;

/// Limits and timeouts. Every field has its default in `config/sensor.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Hard limit of tracked flows in this table.
    pub capacity: usize,
    pub tcp_idle_timeout: Duration,
    /// For TCP that never finished its handshake, or has been closed or reset.
    pub tcp_attempt_timeout: Duration,
    pub udp_idle_timeout: Duration,
    pub icmp_idle_timeout: Duration,
    /// A flow that is still alive is reported with its counts so far this often.
    pub interim_interval: Duration,
    pub reports: Reports,
    pub vlan_key: VlanKey,
}

/// Which events a table makes. Records of ended flows say the same either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reports {
    /// Openings, first answers, interim intervals and ends: what a living map needs.
    #[default]
    All,
    /// Only ends: for whoever reads nothing before the last packet was seen.
    EndsOnly,
}

//! One observation about a host, and how far it can be trusted.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{MacAddr, Timestamp};

/// How well something is known, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// A port number or an address range suggests it.
    Port,
    /// Bytes on the wire suggest it; another reading is possible.
    Probable,
    /// The host itself said it, in a protocol's own field.
    Confirmed,
}

/// Whom a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Mac(MacAddr),
    Ip(IpAddr),
}

/// What a fact says; `Fact::value` holds the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// `value` is the MAC address that answered for the IP subject (ARP, NDP, DHCP ack).
    MacOfAddress,
    /// `value` is an IP address leased to the MAC subject (DHCP).
    LeasedAddress,
    /// A name that the host gives itself (DHCP option 12, mDNS, NBNS).
    Hostname,
    /// A name that DNS gave for the subject.
    DnsName,
    /// A name that clients ask the subject for (TLS SNI, HTTP Host).
    ServerName,
    Vendor,
    Model,
    Serial,
    Firmware,
    OperatingSystem,
    /// `value` is a `Role` in its text form.
    Role,
    /// DHCP option 60.
    DhcpVendorClass,
    /// DHCP option 55 as comma-separated numbers.
    DhcpFingerprint,
    /// JA4 of the subject's TLS client.
    Ja4,
    /// The subject serves `value` (an application protocol).
    Serves,
    /// The subject is a client of `value`.
    Uses,
    /// The subject forwards packets of others.
    Routes,
}

impl FactKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MacOfAddress => "mac_of_address",
            Self::LeasedAddress => "leased_address",
            Self::Hostname => "hostname",
            Self::DnsName => "dns_name",
            Self::ServerName => "server_name",
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::Serial => "serial",
            Self::Firmware => "firmware",
            Self::OperatingSystem => "operating_system",
            Self::Role => "role",
            Self::DhcpVendorClass => "dhcp_vendor_class",
            Self::DhcpFingerprint => "dhcp_fingerprint",
            Self::Ja4 => "ja4",
            Self::Serves => "serves",
            Self::Uses => "uses",
            Self::Routes => "routes",
        }
    }
}

impl fmt::Display for FactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One observation, at one time, from one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub subject: Subject,
    pub kind: FactKind,
    pub value: String,
    pub strength: Strength,
    /// Who said it: a protocol or method in lower case (`dhcp`, `arp`, `oui`, `modbus`).
    pub source: String,
    pub seen_at: Timestamp,
}

/// Why we believe something about an asset: the same fact, as often as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub kind: FactKind,
    pub value: String,
    pub strength: Strength,
    pub source: String,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub times: u64,
}

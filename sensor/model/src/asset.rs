//! A thing with identity on the network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Coverage, Evidence, MacAddr, Strength, Timestamp};

/// Stable name of an asset: `mac-<12 hex>` where its own MAC is known, `ip-<address>` otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AssetId(pub String);

impl AssetId {
    #[must_use]
    pub fn of_mac(mac: MacAddr) -> Self {
        Self(format!("mac-{}", mac.to_string().replace(':', "")))
    }

    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Self {
        Self(format!("ip-{ip}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an asset is for, as far as its traffic tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Plc,
    Hmi,
    Historian,
    EngineeringWorkstation,
    FileServer,
    BackupServer,
    Monitoring,
    Printer,
    Camera,
    MedicalDevice,
    DomainController,
    DnsServer,
    DhcpServer,
    TimeServer,
    WebServer,
    DatabaseServer,
    MailServer,
    MqttBroker,
    Router,
    Workstation,
    Server,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Plc,
        Self::Hmi,
        Self::Historian,
        Self::EngineeringWorkstation,
        Self::FileServer,
        Self::BackupServer,
        Self::Monitoring,
        Self::Printer,
        Self::Camera,
        Self::MedicalDevice,
        Self::DomainController,
        Self::DnsServer,
        Self::DhcpServer,
        Self::TimeServer,
        Self::WebServer,
        Self::DatabaseServer,
        Self::MailServer,
        Self::MqttBroker,
        Self::Router,
        Self::Workstation,
        Self::Server,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plc => "plc",
            Self::Hmi => "hmi",
            Self::Historian => "historian",
            Self::EngineeringWorkstation => "engineering-workstation",
            Self::FileServer => "file-server",
            Self::BackupServer => "backup-server",
            Self::Monitoring => "monitoring",
            Self::Printer => "printer",
            Self::Camera => "camera",
            Self::MedicalDevice => "medical-device",
            Self::DomainController => "domain-controller",
            Self::DnsServer => "dns-server",
            Self::DhcpServer => "dhcp-server",
            Self::TimeServer => "time-server",
            Self::WebServer => "web-server",
            Self::DatabaseServer => "database-server",
            Self::MailServer => "mail-server",
            Self::MqttBroker => "mqtt-broker",
            Self::Router => "router",
            Self::Workstation => "workstation",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or_else(|| format!("unknown role `{text}`"))
    }
}

/// Where an asset lives, seen from the tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Private, link-local or configured as ours.
    Internal,
    /// Any other unicast address.
    External,
    /// A group address: not a host, kept because policy must name it.
    Group,
}

/// A statement about an asset, with its strength and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub value: String,
    pub strength: Strength,
    /// `source` of the evidence that decided.
    pub source: String,
}

/// An IP address and when the asset used it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressUse {
    pub address: IpAddr,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

/// A host as far as the tap can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    pub id: AssetId,
    /// What people call it: best name, else its first address. Unique within a flow map.
    pub label: String,
    pub scope: Scope,
    /// MACs that are its own. Empty when it was only seen behind a router.
    pub macs: Vec<MacAddr>,
    pub addresses: Vec<AddressUse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Claim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Claim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Claim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<Claim>,
    /// Best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Claim>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    pub coverage: Coverage,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

//! What a conversation is about: protocol, port, and the application when somebody heard it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Strength;

/// The transport of a flow, named as Zeek names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpProtocol {
    Tcp,
    Udp,
    /// ICMP and ICMPv6; ports carry type and code.
    Icmp,
    Sctp,
    /// Any other IP protocol by its IANA number.
    #[serde(untagged)]
    Other(u8),
}

impl IpProtocol {
    /// From the IANA protocol number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            1 | 58 => Self::Icmp,
            132 => Self::Sctp,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("tcp"),
            Self::Udp => f.write_str("udp"),
            Self::Icmp => f.write_str("icmp"),
            Self::Sctp => f.write_str("sctp"),
            Self::Other(number) => write!(f, "ip-{number}"),
        }
    }
}

/// The responder's side of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Service {
    pub protocol: IpProtocol,
    /// Responder port; for ICMP the request type; 0 where the protocol has none.
    pub port: u16,
    /// Application protocol in Zeek's words (`modbus`, `dns`, `ssl`), when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How well `name` is known: `port` from the number alone, `confirmed` from the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_strength: Option<Strength>,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{} {name}", self.port, self.protocol),
            None => write!(f, "{}/{}", self.port, self.protocol),
        }
    }
}

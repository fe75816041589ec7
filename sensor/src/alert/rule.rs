//! What a rule sees, and what it may say.

use std::net::IpAddr;

use sensor_model::{AlertKind, AssetId, MacAddr, Scope, Service, Severity, Timestamp};

use crate::service_ports::Weight;

/// An asset in a happening.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    pub asset: &'a AssetId,
    pub label: &'a str,
    pub ip: IpAddr,
    pub scope: Scope,
}

/// Something that was not so before.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// An asset sent its first packet.
    AssetAppeared { party: Party<'a>, mac: Option<MacAddr>, at: Timestamp },
    /// A client asked a server for a service for the first time.
    ConversationAppeared {
        client: Party<'a>,
        server: Party<'a>,
        service: &'a Service,
        weight: Weight,
        answered: bool,
        /// The pair used this port before, for another application.
        replaces_application: bool,
        at: Timestamp,
    },
}

impl<'a> Happening<'a> {
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::AssetAppeared { at, .. } | Self::ConversationAppeared { at, .. } => *at,
        }
    }

    /// Who acted, upon whom, for what.
    #[must_use]
    pub const fn parties(&self) -> (Party<'a>, Option<Party<'a>>, Option<&'a Service>) {
        match self {
            Self::AssetAppeared { party, .. } => (*party, None, None),
            Self::ConversationAppeared { client, server, service, .. } => (*client, Some(*server), Some(*service)),
        }
    }
}

/// An alert before it has an id and a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: AlertKind,
    pub severity: Severity,
    pub summary: String,
    pub reason: String,
}

/// One kind of alert. Pure: the same happening gives the same draft.
pub trait Rule: Sync {
    fn judge(&self, happening: &Happening<'_>) -> Option<Draft>;
}

//! Where in the kernel a table looks at packets, and what its family of words can say there. Value types: renderer and parser share them.

/// The tables that are written and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Routed packets of both IP versions.
    Inet,
    /// Frames from one port of a bridge to another.
    Bridge { follows: bool },
    /// Frames as they come in at interfaces.
    Netdev,
}

impl Family {
    /// Name of the dialect.
    pub(super) const fn target(self) -> &'static str {
        match self {
            Self::Inet => "nftables",
            Self::Bridge { follows: true } => "nftables-bridge",
            Self::Bridge { follows: false } => "nftables-bridge-stateless",
            Self::Netdev => "nftables-netdev",
        }
    }

    /// As it stands after `table`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Bridge { .. } => "bridge",
            Self::Netdev => "netdev",
        }
    }

    /// Other families whose rules mean the same, read where they come.
    pub(super) fn reads(self, word: &str) -> bool {
        word == self.word() || (self == Self::Inet && ["ip", "ip6"].contains(&word))
    }

    pub(super) const fn hook(self) -> &'static str {
        match self {
            Self::Netdev => "ingress",
            _ => "forward",
        }
    }

    /// Packets have frames around them here, and some are no IP packets.
    pub(super) const fn has_frames(self) -> bool {
        !matches!(self, Self::Inet)
    }

    /// Connections are known.
    pub(super) const fn follows(self) -> bool {
        matches!(self, Self::Inet | Self::Bridge { follows: true })
    }
}

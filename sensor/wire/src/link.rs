//! Link layer header types (tcpdump.org, "Link-layer header types").

/// How the first bytes of a frame are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// DLT 1.
    #[default]
    Ethernet,
}

impl LinkType {
    /// From the LINKTYPE_ number of a capture file; None where we cannot read it.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Ethernet),
            _ => None,
        }
    }
}

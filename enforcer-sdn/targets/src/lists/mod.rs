//! How lists of `permit` and `deny` lines are read that look like Cisco's: what these dialects share. Whatever one of them says
//! differently is in its own folder. Nothing here renders.

pub(crate) mod address;
pub(crate) mod beside;
pub(crate) mod bound;
pub(crate) mod chain;
pub(crate) mod clock;
pub(crate) mod counters;
pub(crate) mod entry;
pub(crate) mod flags;
pub(crate) mod groups;
pub(crate) mod icmp;
pub(crate) mod ordinary;
pub(crate) mod ports;
pub(crate) mod protocol;
pub(crate) mod text;

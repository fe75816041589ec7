//! Receive offloads that hide from a tap what was on the wire: they are switched off while it listens, and put back afterwards.

use std::io;
use std::sync::Arc;

use crate::interface::Interface;

/// Something the port or the kernel does to frames before we see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offload {
    /// The port takes the VLAN tag off and keeps it beside the frame, where XDP does not see it.
    VlanStripping,
    /// The port joins segments of a TCP connection.
    LargeReceive,
    /// The kernel joins segments of a TCP connection, before the generic hook and libpcap.
    GenericReceive,
}

/// What was switched off. Dropping it switches it on again.
#[derive(Debug)]
pub(crate) struct Offloads {
    interface: Arc<Interface>,
    switched_off: Vec<Offload>,
    warnings: Vec<String>,
}

/// linux/ethtool.h: `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    value: u32,
}

const GET_FLAGS: u32 = 0x25;
const SET_FLAGS: u32 = 0x26;
const GET_GENERIC_RECEIVE: u32 = 0x2b;
const SET_GENERIC_RECEIVE: u32 = 0x2c;
const FLAG_VLAN_STRIPPING: u32 = 1 << 8;
const FLAG_LARGE_RECEIVE: u32 = 1 << 15;

impl Offloads {
    pub const fn of(interface: Arc<Interface>) -> Self {
        Self { interface, switched_off: Vec::new(), warnings: Vec::new() }
    }

    /// What stays on although it should not, one line each.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    pub fn switch_off(&mut self, offload: Offload) {
        // A driver that cannot tell has nothing to switch.
        let Ok(value) = offload.read(&self.interface) else { return };
        if value & offload.mask() == 0 {
            return;
        }
        match offload.write(&self.interface, value & !offload.mask()) {
            Ok(()) => self.switched_off.push(offload),
            Err(error) => {
                let (name, word, harm) = (self.interface.name(), offload.word(), offload.harm());
                self.warnings
                    .push(format!("`{word}` stays on at `{name}` ({error}): {harm}; as root: ethtool -K {name} {word} off"));
            }
        }
    }
}

impl Drop for Offloads {
    fn drop(&mut self) {
        for offload in self.switched_off.iter().rev() {
            // The port may be gone, and then there is nothing to put back.
            let _restored =
                offload.read(&self.interface).and_then(|value| offload.write(&self.interface, value | offload.mask()));
        }
    }
}

impl Offload {
    const fn mask(self) -> u32 {
        match self {
            Self::VlanStripping => FLAG_VLAN_STRIPPING,
            Self::LargeReceive => FLAG_LARGE_RECEIVE,
            Self::GenericReceive => 1,
        }
    }

    /// As `ethtool -K` calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::VlanStripping => "rxvlan",
            Self::LargeReceive => "lro",
            Self::GenericReceive => "gro",
        }
    }

    const fn harm(self) -> &'static str {
        match self {
            Self::VlanStripping => "VLAN tags may be missing",
            Self::LargeReceive | Self::GenericReceive => "several packets may count as one",
        }
    }

    fn read(self, interface: &Interface) -> io::Result<u32> {
        let command = if self == Self::GenericReceive { GET_GENERIC_RECEIVE } else { GET_FLAGS };
        let mut answer = Value { command, value: 0 };
        interface.ethtool(&mut answer)?;
        Ok(answer.value)
    }

    fn write(self, interface: &Interface, value: u32) -> io::Result<()> {
        let command = if self == Self::GenericReceive { SET_GENERIC_RECEIVE } else { SET_FLAGS };
        interface.ethtool(&mut Value { command, value })
    }
}

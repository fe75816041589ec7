//! Assets by number, for whoever counts per asset; ids are text and only for documents.

/// An asset of one inventory. What leaves the inventory is announced by `Inventory::take_renamed` before its number is given out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetNumber(u32);

impl AssetNumber {
    /// All internal addresses that found no room.
    pub const OTHER_INTERNAL: Self = Self(0);
    /// All external addresses that found no room.
    pub const OTHER_EXTERNAL: Self = Self(1);

    /// The asset that an address is when no MAC owns it.
    pub(crate) const fn of_address(slot: u32) -> Self {
        Self(slot << 1)
    }

    pub(crate) const fn of_mac(slot: u32) -> Self {
        Self(slot << 1 | 1)
    }

    /// Stands for whatever found no room.
    #[must_use]
    pub const fn is_other(self) -> bool {
        self.0 < 2
    }

    /// Small: good as the place in a list.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) const fn kind(self) -> Kind {
        match self.0 {
            0 => Kind::OtherInternal,
            1 => Kind::OtherExternal,
            number if number & 1 == 0 => Kind::Address(number >> 1),
            number => Kind::Mac(number >> 1),
        }
    }
}

/// What an asset is known by: the slot of an address or of a MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    OtherInternal,
    OtherExternal,
    Address(u32),
    Mac(u32),
}

/// Where an address stands in the inventory, so that it need not be searched again. Checked at each use; at first it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(pub(crate) u32);

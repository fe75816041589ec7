//! The memory frames arrive in: chunks of equal size, each either with the kernel (in the fill ring or under way) or with us.

use std::io;

use super::mapping::Mapping;

/// One area of chunks for one receive queue. An area a queue keeps the threads apart: nothing is shared, and a bind of its own
/// chooses copy mode and multi-buffer for itself, which XDP_SHARED_UMEM does not allow. It costs the same memory.
#[derive(Debug)]
pub(super) struct Umem {
    mapping: Mapping,
    chunks: u32,
}

/// A page: holds a frame of the usual MTU, and jumbo frames in three.
pub(super) const CHUNK_BYTES: u32 = 4_096;
/// What the kernel keeps free in front of a frame (XDP_PACKET_HEADROOM).
pub(super) const HEADROOM_BYTES: u32 = 256;

impl Umem {
    pub fn new(chunks: u32) -> io::Result<Self> {
        let len = (chunks as usize).saturating_mul(CHUNK_BYTES as usize);
        Ok(Self { mapping: Mapping::anonymous(len)?, chunks })
    }

    /// Addresses of all chunks, as the rings name them.
    pub fn chunk_addresses(&self) -> impl Iterator<Item = u64> + use<> {
        (0..self.chunks).map(|chunk| u64::from(chunk).saturating_mul(CHUNK_BYTES.into()))
    }

    /// For XDP_UMEM_REG.
    pub fn registration(&self) -> libc::xdp_umem_reg {
        libc::xdp_umem_reg {
            addr: self.mapping.at::<u8>(0, 0).map_or(0, |start| start.as_ptr() as u64),
            len: self.mapping.len() as u64,
            chunk_size: CHUNK_BYTES,
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        }
    }

    /// The bytes a descriptor names; None if they were not inside one chunk's reach.
    ///
    /// # Safety
    /// The chunk must have come from the receive ring, and not have gone back to the fill ring while the slice lives.
    pub unsafe fn bytes(&self, address: u64, len: u32) -> Option<&[u8]> {
        let start = self.mapping.at::<u8>(usize::try_from(address).ok()?, len as usize)?;
        // SAFETY: upheld by the caller, who owns the chunk so that the kernel does not write, and by `at`, which checked the bounds.
        Some(unsafe { std::slice::from_raw_parts(start.as_ptr(), len as usize) })
    }
}

/// The start of the chunk an address lies in, which is what goes back into the fill ring.
pub(super) const fn chunk_of(address: u64) -> u64 {
    address & !(CHUNK_BYTES as u64 - 1)
}

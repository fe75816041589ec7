//! The memory frames arrive in: chunks of equal size, each either with the kernel (in the fill ring or under way) or with us.

use std::io;

use super::mapping::Mapping;

/// One area of chunks for all receive queues. Each queue has its own share of the chunks, which go round between its fill ring
/// and its receive ring: threads share the registration, never a chunk.
#[derive(Debug)]
pub(super) struct Umem {
    mapping: Mapping,
    chunks_a_queue: u32,
}

/// A page: holds a frame of the usual MTU, and jumbo frames in three.
pub(super) const CHUNK_BYTES: u32 = 4_096;
/// What the kernel keeps free in front of a frame (XDP_PACKET_HEADROOM).
pub(super) const HEADROOM_BYTES: u32 = 256;

impl Umem {
    pub fn new(queues: u32, chunks_a_queue: u32) -> io::Result<Self> {
        let chunks = (queues as usize).saturating_mul(chunks_a_queue as usize);
        Ok(Self { mapping: Mapping::anonymous(chunks.saturating_mul(CHUNK_BYTES as usize))?, chunks_a_queue })
    }

    /// Addresses of the chunks that belong to one queue, as the rings name them.
    pub fn chunks_of(&self, queue: u32) -> impl Iterator<Item = u64> + use<> {
        let first = u64::from(queue).saturating_mul(self.chunks_a_queue.into());
        (first..first.saturating_add(self.chunks_a_queue.into())).map(|chunk| chunk.saturating_mul(CHUNK_BYTES.into()))
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

/// `struct stamp` of the program, in front of a frame.
const STAMP_BYTES: u64 = 16;
/// `MARK` of the program.
const STAMP_MARK: u64 = 0x636f_7264_6f6e_7461;

impl Umem {
    /// When the frame at this address arrived, by CLOCK_MONOTONIC. Wipes the mark out, so that a later frame in the same chunk that has
    /// no stamp does not inherit this one.
    ///
    /// # Safety
    /// As for [`bytes`](Self::bytes), and nobody else may look at what is in front of the frame.
    pub unsafe fn take_stamp(&self, address: u64) -> Option<i64> {
        // In front of the frame, and in the same chunk.
        if address.wrapping_sub(chunk_of(address)) < STAMP_BYTES {
            return None;
        }
        let arrived_at = self.mapping.at::<[u8; 8]>(usize::try_from(address.wrapping_sub(STAMP_BYTES)).ok()?, 1)?.cast::<u64>();
        let mark = self.mapping.at::<[u8; 8]>(usize::try_from(address.wrapping_sub(STAMP_BYTES / 2)).ok()?, 1)?.cast::<u64>();
        // SAFETY: upheld by the caller, who owns the chunk, and by `at`, which checked the bounds.
        let found = unsafe { mark.read_unaligned() };
        if found != STAMP_MARK {
            return None;
        }
        // SAFETY: as above; the bytes are ours to write too.
        unsafe { mark.write_unaligned(0) };
        // SAFETY: as above.
        i64::try_from(unsafe { arrived_at.read_unaligned() }).ok()
    }
}

/// The start of the chunk an address lies in, which is what goes back into the fill ring.
pub(super) const fn chunk_of(address: u64) -> u64 {
    address & !(CHUNK_BYTES as u64 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chunk_belongs_to_two_queues_and_all_lie_inside_the_area() {
        let umem = Umem::new(3, 64).expect("memory");
        let mut all: Vec<u64> = (0..3).flat_map(|queue| umem.chunks_of(queue)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3 * 64);
        assert_eq!(umem.registration().len, 3 * 64 * 4_096);
        assert!(all.iter().all(|chunk| chunk + 4_096 <= umem.registration().len));
    }

    #[test]
    fn a_stamp_is_taken_once_and_none_is_read_from_another_chunk() {
        let umem = Umem::new(1, 64).expect("memory");
        let place = umem.mapping.at::<u64>(4_096 + 256 - 16, 2).expect("inside");
        // SAFETY: two numbers inside the mapping, which only this test knows.
        unsafe { place.write(77) };
        // SAFETY: as above.
        unsafe { place.as_ptr().wrapping_add(1).write(STAMP_MARK) };
        let take = |address| {
            // SAFETY: the kernel does not know this memory.
            unsafe { umem.take_stamp(address) }
        };
        assert_eq!([take(4_096 + 256), take(4_096 + 256), take(4_096 + 8), take(0)], [Some(77), None, None, None]);
    }
}

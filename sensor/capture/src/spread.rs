//! Which receive queue a frame comes to. Both directions of a flow must reach one worker, so the device is asked to hash them alike;
//! what it did before is put back when the guard is dropped.

use std::io;
use std::sync::Arc;

use crate::interface::Interface;

/// How a device with several queues spreads the directions of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spreading {
    /// There is one queue.
    OneQueue,
    /// The device agreed to hash both directions alike. It is to be verified: tunnels and fragments may be hashed otherwise.
    Symmetric,
    /// Nobody knows: the directions of a flow may come to different queues.
    Unknown,
}

/// A device that hashes both directions alike until this is dropped.
#[derive(Debug)]
pub(crate) struct Symmetric {
    interface: Arc<Interface>,
    before: Before,
}

#[derive(Debug)]
enum Before {
    /// It was symmetric already.
    Same,
    Transformation(u8),
    Key(Box<Hashing>),
}

/// linux/ethtool.h: `struct ethtool_rxfh`, with room for a key behind it. The kernel puts the indirection table before the key; none
/// is asked for here.
#[repr(C)]
#[derive(Clone, Debug)]
struct Hashing {
    command: u32,
    context: u32,
    table_len: u32,
    key_len: u32,
    function: u8,
    transformation: u8,
    reserved: [u8; 2],
    reserved_words: u32,
    room: [u8; ROOM_BYTES],
}

const GET_HASHING: u32 = 0x46;
const SET_HASHING: u32 = 0x47;
/// Leaves the indirection table as it is.
const SAME_TABLE: u32 = u32::MAX;
/// `ETH_RSS_HASH_TOP`.
const TOEPLITZ: u8 = 1;
/// `RXH_XFRM_SYM_XOR`: source and destination are combined before the hash (Linux 6.8).
const XOR: u8 = 1;
/// `RXH_XFRM_SYM_OR_XOR` (Linux 6.14).
const OR_XOR: u8 = 2;
/// `RXH_XFRM_NO_CHANGE`.
const SAME_TRANSFORMATION: u8 = 0xff;
/// A table of 2,048 entries of four bytes, and the longest key.
const ROOM_BYTES: usize = 2_048 * 4 + LONGEST_KEY;
const LONGEST_KEY: usize = 256;
/// Repeated, it makes the Toeplitz hash of swapped addresses and ports the same (Woo and Park, "Scalable TCP session monitoring with
/// symmetric receive-side scaling", 2012).
const SYMMETRIC_KEY: [u8; 2] = [0x6d, 0x5a];

impl Hashing {
    const fn empty(command: u32) -> Self {
        Self {
            command,
            context: 0,
            table_len: 0,
            key_len: 0,
            function: 0,
            transformation: 0,
            reserved: [0; 2],
            reserved_words: 0,
            room: [0; ROOM_BYTES],
        }
    }

    /// What the device does now: first its sizes, then its key.
    fn of(interface: &Interface) -> io::Result<Box<Self>> {
        let mut sizes = Box::new(Self::empty(GET_HASHING));
        interface.ethtool(sizes.as_mut())?;
        let (table_len, key_len) = (sizes.table_len as usize, sizes.key_len as usize);
        if table_len.saturating_mul(4).saturating_add(key_len) > ROOM_BYTES || key_len > LONGEST_KEY {
            return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
        }
        sizes.command = GET_HASHING;
        interface.ethtool(sizes.as_mut())?;
        Ok(sizes)
    }

    fn key(&self) -> &[u8] {
        let start = (self.table_len as usize).saturating_mul(4);
        self.room.get(start..start.saturating_add(self.key_len as usize)).unwrap_or_default()
    }

    fn is_symmetric(&self) -> bool {
        let pairs = self.key().chunks_exact(2);
        let by_key = self.function == TOEPLITZ && pairs.len() > 0 && pairs.clone().all(|pair| pair == SYMMETRIC_KEY);
        by_key || (self.transformation != SAME_TRANSFORMATION && self.transformation & (XOR | OR_XOR) != 0)
    }
}

impl Symmetric {
    /// The transformation where the kernel knows it, else the key.
    pub fn ask(interface: &Arc<Interface>) -> io::Result<Self> {
        let now = Hashing::of(interface)?;
        let made = |before| Ok(Self { interface: Arc::clone(interface), before });
        if now.is_symmetric() {
            return made(Before::Same);
        }
        if write_transformation(interface, XOR).is_ok() {
            return made(Before::Transformation(now.transformation));
        }
        if now.function != TOEPLITZ || now.key().is_empty() {
            return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
        }
        let key: Vec<u8> = SYMMETRIC_KEY.into_iter().cycle().take(now.key().len()).collect();
        write_key(interface, &key)?;
        made(Before::Key(now))
    }
}

impl Drop for Symmetric {
    fn drop(&mut self) {
        // The port may be gone, and then there is nothing to put back.
        let _restored = match &self.before {
            Before::Same => Ok(()),
            Before::Transformation(before) => write_transformation(&self.interface, *before),
            Before::Key(before) => write_key(&self.interface, before.key()),
        };
    }
}

fn write_transformation(interface: &Interface, transformation: u8) -> io::Result<()> {
    let mut wanted = Box::new(Hashing { table_len: SAME_TABLE, transformation, ..Hashing::empty(SET_HASHING) });
    interface.ethtool(wanted.as_mut())
}

fn write_key(interface: &Interface, key: &[u8]) -> io::Result<()> {
    let mut wanted = Box::new(Hashing {
        table_len: SAME_TABLE,
        key_len: u32::try_from(key.len()).unwrap_or(0),
        transformation: SAME_TRANSFORMATION,
        ..Hashing::empty(SET_HASHING)
    });
    for (to, from) in wanted.room.iter_mut().zip(key) {
        *to = *from;
    }
    interface.ethtool(wanted.as_mut())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashing(key: &[u8], function: u8, transformation: u8) -> Hashing {
        let mut hashing = Hashing::empty(GET_HASHING);
        (hashing.table_len, hashing.key_len, hashing.function, hashing.transformation) =
            (4, key.len() as u32, function, transformation);
        hashing.room[16..16 + key.len()].copy_from_slice(key);
        hashing
    }

    #[test]
    fn hashing_is_symmetric_by_its_key_or_by_its_transformation_and_else_not() {
        let (symmetric, usual) = ([0x6d, 0x5a].repeat(20), vec![0x42; 40]);
        assert!(hashing(&symmetric, TOEPLITZ, 0).is_symmetric());
        assert!(hashing(&usual, TOEPLITZ, XOR).is_symmetric());
        assert!(hashing(&usual, TOEPLITZ, OR_XOR).is_symmetric());
        assert!(!hashing(&usual, TOEPLITZ, 0).is_symmetric());
        assert!(!hashing(&symmetric, 2, 0).is_symmetric(), "the key counts for Toeplitz only");
        assert!(!hashing(&[], TOEPLITZ, 0).is_symmetric());
        assert!(!hashing(&usual, TOEPLITZ, SAME_TRANSFORMATION).is_symmetric());
    }

    #[test]
    fn the_structure_is_laid_out_as_the_kernel_reads_it() {
        assert_eq!(std::mem::offset_of!(Hashing, room), 24);
        assert_eq!(std::mem::offset_of!(Hashing, function), 16);
    }

    #[test]
    fn a_device_without_hashing_is_left_alone() {
        let loopback = Arc::new(Interface::find("lo").expect("every machine has a loopback"));
        assert!(Symmetric::ask(&loopback).is_err());
    }
}

//! Vendor of a MAC address by the longest of the IEEE's 36, 28 and 24-bit assignments.

use sensor_model::MacAddr;

/// Rows of `ROW` bytes, ascending: a prefix, left-aligned in 40 bits, and the number of its name in 24 (see `build.rs`).
const TABLES: &[(u32, &[u8])] = &[
    (36, include_bytes!(concat!(env!("OUT_DIR"), "/oui_36.bin"))),
    (28, include_bytes!(concat!(env!("OUT_DIR"), "/oui_28.bin"))),
    (24, include_bytes!(concat!(env!("OUT_DIR"), "/oui_24.bin"))),
];
const ROW: usize = 8;
const PREFIX: usize = 5;

const NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/oui_names.txt"));
/// Where each name ends in `NAMES`, as 32 bits.
const NAME_ENDS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/oui_name_ends.bin"));

/// The registered organisation; None for group, locally administered and unassigned addresses.
#[must_use]
pub fn vendor_of(mac: MacAddr) -> Option<&'static str> {
    if mac.is_group() || mac.is_local() || mac.is_zero() {
        return None;
    }
    let [a, b, c, d, e, _] = mac.0;
    let address = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    TABLES.iter().find_map(|(bits, table)| {
        let prefix = address >> (40 - bits) << (40 - bits);
        name(search(table, &prefix.to_be_bytes()[3..])?)
    })
}

fn search(table: &[u8], prefix: &[u8]) -> Option<usize> {
    let (mut low, mut high) = (0, table.len() / ROW);
    while low < high {
        let middle = low.midpoint(high);
        let (found, number) = table.get(middle * ROW..(middle + 1) * ROW)?.split_at(PREFIX);
        match found.cmp(prefix) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(number.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))),
        }
    }
    None
}

fn name(number: usize) -> Option<&'static str> {
    let start = if number == 0 { 0 } else { name_end(number - 1)? };
    NAMES.get(start..name_end(number)?)
}

fn name_end(number: usize) -> Option<usize> {
    let bytes = NAME_ENDS.get(number * 4..number * 4 + 4)?;
    bytes.try_into().ok().map(|bytes| u32::from_be_bytes(bytes) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(text: &str) -> Option<&'static str> {
        vendor_of(text.parse().unwrap())
    }

    #[test]
    fn a_block_of_24_bits_is_found() {
        assert_eq!(vendor("00:1b:1b:00:00:01"), Some("Siemens AG,"));
        assert_eq!(vendor("b8:27:eb:b8:53:c8"), Some("Raspberry Pi Foundation"));
        assert_eq!(vendor("00:00:00:12:34:56"), Some("XEROX CORPORATION"));
    }

    #[test]
    fn longer_assignments_win_within_a_shared_block() {
        // 8c:1f:64 is a block of the IEEE that is handed out 36 bits at a time, c8:5c:e2 at 28.
        assert_eq!(vendor("8c:1f:64:af:a0:00"), Some("DATA ELECTRONIC DEVICES, INC"));
        assert_eq!(vendor("8c:1f:64:9b:90:00"), Some("QUERCUS TECHNOLOGIES, S.L."));
        assert_eq!(vendor("c8:5c:e2:7f:ff:ff"), Some("SYNERGY SYSTEMS AND SOLUTIONS"));
    }

    #[test]
    fn group_local_and_private_addresses_have_no_vendor() {
        for nobody in ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "02:42:ac:11:00:02", "74:1a:e0:90:00:00"] {
            assert_eq!(vendor(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn the_tables_are_sorted_whole_and_small() {
        let mut size = NAMES.len() + NAME_ENDS.len();
        for (_, table) in TABLES {
            let prefixes: Vec<_> = table.chunks(ROW).map(|row| &row[..PREFIX]).collect();
            assert!(table.len().is_multiple_of(ROW) && prefixes.is_sorted());
            size += table.len();
        }
        assert!(size < 2_000_000, "{size} bytes");
    }
}

//! Packs the IEEE's assignments into sorted tables that `src/oui.rs` searches: a prefix and the number of a name, fixed width, big endian.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use oui_data::{OUI_ENTRIES, Registry};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    // Hexadecimal digits of the prefix -> name. Company identifiers (CID) are no addresses of hosts, "Private" names nobody, and the
    // IEEE's own entries stand for blocks that are assigned in parts.
    let mut assignments: BTreeMap<&str, String> = BTreeMap::new();
    for (prefix, entry) in OUI_ENTRIES.entries() {
        let name = entry.organization().split_whitespace().collect::<Vec<_>>().join(" ");
        if matches!(entry.registry(), Registry::Cid) || matches!(name.as_str(), "" | "Private" | "IEEE Registration Authority") {
            continue;
        }
        assignments.insert(prefix, name);
    }

    let mut numbers: BTreeMap<&str, u32> = assignments.values().map(|name| (name.as_str(), 0)).collect();
    let (mut names, mut ends) = (String::new(), Vec::new());
    for (number, (name, slot)) in numbers.iter_mut().enumerate() {
        *slot = u32::try_from(number)?;
        names.push_str(name);
        ends.extend(u32::try_from(names.len())?.to_be_bytes());
    }
    fs::write(out.join("oui_names.txt"), &names)?;
    fs::write(out.join("oui_name_ends.bin"), &ends)?;

    for digits in [6, 7, 9] {
        let mut table = Vec::new();
        for (prefix, name) in assignments.iter().filter(|(prefix, _)| prefix.len() == digits) {
            // Left-aligned in 40 bits, so that a prefix of any length is five bytes.
            let prefix = u64::from_str_radix(prefix, 16)? << (40 - 4 * digits);
            table.extend(&prefix.to_be_bytes()[3..]);
            let number = numbers.get(name.as_str()).ok_or("a name without a number")?;
            table.extend(&number.to_be_bytes()[1..]);
        }
        fs::write(out.join(format!("oui_{}.bin", digits * 4)), table)?;
    }
    Ok(())
}

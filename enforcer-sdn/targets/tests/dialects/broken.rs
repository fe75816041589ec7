//! Damaged texts: every parser answers with steps or with an error that has a place, and never panics.

use std::path::PathBuf;

use crate::rulesets::{Random, SHARES, cases, targets};

pub fn damaged(random: &mut Random, text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(4) {
        if characters.is_empty() {
            break;
        }
        let at = random.below(characters.len() as u64) as usize;
        let odd = random
            .pick(&['"', '{', '}', '[', ']', ':', ',', '0', '9', '-', '/', ' ', '\n', '\t', '\\', '\0', 'é', '#', '!', '*', '&']);
        match random.below(5) {
            0 => drop(characters.remove(at)),
            1 => characters[at] = odd,
            2 => characters.insert(at, odd),
            3 => characters.truncate(at),
            _ => {
                let end = (at + random.below(60) as usize).min(characters.len());
                let piece: Vec<char> = characters.drain(at..end).collect();
                let to = random.below(characters.len() as u64 + 1) as usize;
                characters.splice(to..to, piece);
            }
        }
    }
    characters.into_iter().collect()
}

#[test]
fn a_damaged_text_is_read_or_refused_with_a_place() {
    let wanted = cases("CORDON_DAMAGES", 100);
    for target in (0..SHARES).flat_map(targets) {
        let extension = if target.name == "nftables" { "nft" } else { target.name };
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/goldens/plant.{extension}"));
        let whole = std::fs::read_to_string(path).unwrap();
        let mut random = Random(41);
        let mut refused = 0;
        for _ in 0..wanted {
            let text = damaged(&mut random, &whole);
            if let Err(error) = (target.parse)(&text) {
                refused += 1;
                assert!(error.line >= 1 && error.line <= text.lines().count() + 1, "{}: {error}\n{text}", target.name);
                assert!(error.column >= 1 && !error.what.is_empty() && !error.advice.is_empty(), "{}: {error}", target.name);
            }
        }
        assert!(refused * 3 > wanted, "{}: only {refused} of {wanted} damaged texts were refused", target.name);
    }
}

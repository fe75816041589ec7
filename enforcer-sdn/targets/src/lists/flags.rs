//! TCP flags of an entry. Which bits `established` looks at is said in every vendor's document; what several flags in a row mean is not.

use enforcer_packetset::FlagSet;

use crate::target::ParseError;
use crate::words::Words;

/// `established`, one flag, or a signed list; the full set where nothing of it stands.
pub(super) fn flags(words: &mut Words<'_>) -> Result<FlagSet, ParseError> {
    let word = words.peek();
    let set = match word {
        "established" => FlagSet::ack_or_rst(),
        "match-all" | "match-any" => {
            words.next();
            return signed(words, word == "match-all");
        }
        _ => match bit(word) {
            Some(bit) => FlagSet::any_bit(bit),
            None => return Ok(FlagSet::full()),
        },
    };
    words.next();
    if bit(words.peek()).is_some() || words.peek() == "established" {
        return Err(
            words.error_ahead("a second TCP flag", "write one flag, `established`, or a list after `match-all` or `match-any`")
        );
    }
    Ok(set)
}

/// IOS: `match-all +syn -ack`; a sign says set or clear.
fn signed(words: &mut Words<'_>, is_all: bool) -> Result<FlagSet, ParseError> {
    let mut set: Option<FlagSet> = None;
    while let Some((name, is_set)) = signed_word(words.peek()) {
        words.next();
        let bit =
            bit(name).ok_or_else(|| words.error(format!("`{name}` is no TCP flag"), "name ack, fin, psh, rst, syn or urg"))?;
        let one = FlagSet::masked(if is_set { bit } else { 0 }, bit);
        set = Some(match set {
            None => one,
            Some(set) if is_all => set.intersection(one),
            Some(set) => set.union(one),
        });
    }
    let set = set.ok_or_else(|| words.error("a list of flags without a flag", "name flags with `+` or `-`"))?;
    if set.is_empty() || set.is_full() {
        return Err(words.error("a list of flags that selects no packet, or every one", "leave the entry or its flags out"));
    }
    Ok(set)
}

fn signed_word(word: &str) -> Option<(&str, bool)> {
    word.strip_prefix('+').map(|name| (name, true)).or_else(|| word.strip_prefix('-').map(|name| (name, false)))
}

fn bit(word: &str) -> Option<u8> {
    Some(match word {
        "ack" => FlagSet::ACK,
        "fin" => FlagSet::FIN,
        "psh" => FlagSet::PSH,
        "rst" => FlagSet::RST,
        "syn" => FlagSet::SYN,
        "urg" => FlagSet::URG,
        _ => return None,
    })
}

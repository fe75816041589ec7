//! What may stand behind the addresses of a rule. For the parser only.

use enforcer_packetset::{FlagSet, RangeSet};

use crate::target::ParseError;
use crate::words::{Words, number};

/// The options of a rule.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) flags: Option<FlagSet>,
    pub(super) types: Option<RangeSet<u8>>,
}

pub(super) fn read(words: &mut Words<'_>) -> Result<Options, ParseError> {
    let mut options = Options { flags: None, types: None };
    while !words.peek().is_empty() {
        let word = words.next();
        match word {
            "established" | "setup" | "tcpflags" => {
                let set = match word {
                    "established" => FlagSet::ack_or_rst(),
                    "setup" => FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK),
                    _ => tcpflags(words)?,
                };
                options.flags = Some(options.flags.map_or(set, |flags| flags.intersection(set)));
            }
            "icmptypes" if options.types.is_none() => options.types = Some(icmptypes(words)?),
            "frag" | "ipoptions" | "tcpoptions" => {
                return Err(
                    words.error(format!("the option `{word}`"), "fragments and options have no place in a policy: leave it out")
                );
            }
            _ => {
                return Err(words
                    .error(format!("`{word}` is not understood here"), "options are established, setup, tcpflags, icmptypes"));
            }
        }
    }
    Ok(options)
}

fn tcpflags(words: &mut Words<'_>) -> Result<FlagSet, ParseError> {
    let (mut value, mut mask) = (0, 0);
    for flag in words.some("a list of flags")?.split(',') {
        let (name, is_set) = flag.strip_prefix('!').map_or((flag, true), |name| (name, false));
        // RFC 6733 knows the first six.
        let Some(bit) = FlagSet::NAMES.iter().take(6).position(|known| *known == name) else {
            return Err(
                words.error(format!("`{flag}` is no TCP flag"), "write fin, syn, rst, psh, ack or urg, with `!` for not set")
            );
        };
        if mask >> bit & 1 == 1 {
            return Err(words.error(format!("`{name}` stands twice"), "say it once"));
        }
        mask |= 1u8 << bit;
        value |= u8::from(is_set) << bit;
    }
    Ok(FlagSet::masked(value, mask))
}

/// Names of RFC 6733 are of several words and are not read; numbers are.
fn icmptypes(words: &mut Words<'_>) -> Result<RangeSet<u8>, ParseError> {
    let text = words.some("ICMP types")?;
    list(text)
        .ok_or_else(|| words.error(format!("`{text}` is no list of ICMP types"), "write numbers and ranges with commas between"))
}

/// Numbers and ascending ranges with commas between.
pub(super) fn list<T: enforcer_packetset::Number + std::str::FromStr>(text: &str) -> Option<RangeSet<T>> {
    let ranges = text.split(',').map(|part| match part.split_once('-') {
        Some((first, last)) => Some((number::<T>(first)?, number::<T>(last)?)).filter(|(first, last)| first <= last),
        None => number::<T>(part).map(|one| (one, one)),
    });
    ranges.collect::<Option<Vec<_>>>().map(RangeSet::from_ranges)
}

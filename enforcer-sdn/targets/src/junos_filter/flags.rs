//! What stands behind `tcp-flags`: bits by name or in hexadecimal, with `!`, `&` or `+`, `|` or `,`, and parentheses. `!` binds closest, `|`
//! least ("Firewall Filter Match Conditions Based on Bit-Field Values").

use enforcer_packetset::FlagSet;

use crate::reading::Word;
use crate::target::ParseError;

/// Parentheses in parentheses: nobody needs many.
const DEEPEST: usize = 16;

pub(super) fn read(word: Word<'_>) -> Result<FlagSet, ParseError> {
    let mut reader = Reader { rest: word.text, depth: 0 };
    let set = reader.either().filter(|_| reader.rest.trim().is_empty());
    let set = set.filter(|set| !set.is_empty() && !set.is_full());
    set.ok_or_else(|| word.unknown("TCP flags", "write them as \"(syn & !ack)\" or \"(ack | rst)\""))
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, signs: &[char]) -> bool {
        self.rest = self.rest.trim_start();
        let after = self.rest.strip_prefix(signs);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn either(&mut self) -> Option<FlagSet> {
        let mut set = self.both()?;
        while self.take(&['|', ',']) {
            set = set.union(self.both()?);
        }
        Some(set)
    }

    fn both(&mut self) -> Option<FlagSet> {
        let mut set = self.one()?;
        while self.take(&['&', '+']) {
            set = set.intersection(self.one()?);
        }
        Some(set)
    }

    fn one(&mut self) -> Option<FlagSet> {
        self.depth += 1;
        let set = if self.depth > DEEPEST {
            None
        } else if self.take(&['!']) {
            self.one().map(FlagSet::complement)
        } else if self.take(&['(']) {
            let set = self.either();
            set.filter(|_| self.take(&[')']))
        } else {
            let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest;
            bit(name).map(|bit| FlagSet::masked(bit, bit))
        };
        self.depth -= 1;
        set
    }
}

fn bit(name: &str) -> Option<u8> {
    Some(match name {
        "fin" | "0x1" | "0x01" => FlagSet::FIN,
        "syn" | "0x2" | "0x02" => FlagSet::SYN,
        "rst" | "0x4" | "0x04" => FlagSet::RST,
        "push" | "0x8" | "0x08" => FlagSet::PSH,
        "ack" | "0x10" => FlagSet::ACK,
        "urgent" | "0x20" => FlagSet::URG,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Option<FlagSet> {
        read(Word { text, line: 1, column: 1, is_quoted: true }).ok()
    }

    #[test]
    fn expressions_are_sets_of_flag_bytes() {
        let syn = FlagSet::masked(2, 0x12);
        for text in ["syn & !ack", "(syn & !ack)", "!ack+syn", "0x02&!(0x10)", "syn & !(ack | ack)"] {
            assert_eq!(flags(text), Some(syn), "{text}");
        }
        for text in ["ack | rst", "(ack|rst)", "ack,rst", "!(!ack & !rst)"] {
            assert_eq!(flags(text), Some(FlagSet::ack_or_rst()), "{text}");
        }
        assert_eq!(flags("ack | rst & fin"), Some(FlagSet::masked(16, 16).union(FlagSet::masked(5, 5))));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = "(".repeat(1000);
        for text in ["", "ack |", "ack rst", "(ack", "ack)", "psh", "ack & !ack", "ack | !ack", "0x3", "&", deep.as_str()] {
            assert_eq!(flags(text), None, "{text}");
        }
    }
}

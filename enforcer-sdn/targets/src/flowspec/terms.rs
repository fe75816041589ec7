//! Lists of operators and values (RFC 8955 4.2.1) in ExaBGP's words, for the parser: the values that they hold for, and their bytes.

use enforcer_packetset::{FlagSet, RangeSet};

use super::order::Component;
use crate::reading::{Cursor, Word};
use crate::target::ParseError;
use crate::words::number;

// RFC 8955 4.2.1.1 and 4.2.1.2.
const END: u8 = 0x80;
const AND: u8 = 0x40;
const TWO_BYTES: u8 = 0x10;
const LESS: u8 = 4;
const GREATER: u8 = 2;
const EQUAL: u8 = 1;
const NOT: u8 = 2;
const MATCH: u8 = 1;

/// The flags' names; the value of `push` is PSH (RFC 9293 3.1).
const FLAGS: [(&str, u8); 9] = [
    ("fin", FlagSet::FIN),
    ("syn", FlagSet::SYN),
    ("rst", FlagSet::RST),
    ("push", FlagSet::PSH),
    ("ack", FlagSet::ACK),
    ("urg", FlagSet::URG),
    ("urgent", FlagSet::URG),
    ("ece", FlagSet::ECE),
    ("cwr", FlagSet::CWR),
];

/// What values a number can have, and its names.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) meaning: &'static str,
    pub(super) largest: u16,
    pub(super) names: &'static [(&'static str, u16)],
}

/// One comparison, and whether it belongs to the one before it.
struct Term<V> {
    is_and: bool,
    operator: u8,
    value: V,
}

/// `=80`, or `[ =80 >=8080&<=8090 ]`: the numbers that the list holds for.
pub(super) fn numbers(cursor: &mut Cursor<'_, '_>, kind: Kind) -> Result<(RangeSet<u16>, Component), ParseError> {
    let terms = list(cursor, |word, text| {
        let (operator, value) = numeric_operator(text);
        let named = kind.names.iter().find(|(name, _)| *name == value).map(|(_, number)| *number);
        let read = named.or_else(|| number(value)).or_else(|| hexadecimal(value)).filter(|number| *number <= kind.largest);
        let advice = format!("write a number up to {}, with one of = != > >= < <= before it, and & between two", kind.largest);
        Ok((operator, read.ok_or_else(|| word.unknown(kind.meaning, advice))?))
    })?;
    let set = |term: &Term<u16>| {
        let below = term.value.checked_sub(1).map_or_else(RangeSet::empty, |last| RangeSet::range(0, last));
        let above = term.value.checked_add(1).map_or_else(RangeSet::empty, |first| RangeSet::range(first, u16::MAX));
        let parts = [(LESS, below), (GREATER, above), (EQUAL, RangeSet::of(term.value))];
        parts.iter().filter(|(bit, _)| term.operator & bit != 0).fold(RangeSet::empty(), |all, (_, part)| all.union(part))
    };
    let mut all = RangeSet::empty();
    for group in groups(&terms) {
        let both = group.iter().fold(RangeSet::range(0, kind.largest), |all, term| all.intersection(&set(term)));
        all = all.union(&both);
    }
    Ok((all, bytes(&terms)))
}

/// `ack+rst`, or `[ =syn&!ack =rst ]`: the flag bytes that the list holds for.
pub(super) fn flags(cursor: &mut Cursor<'_, '_>) -> Result<(FlagSet, Component), ParseError> {
    let terms = list(cursor, |word, text| {
        let (operator, value) = match (text.strip_prefix("!="), text.strip_prefix('!'), text.strip_prefix('=')) {
            (Some(value), ..) => (NOT | MATCH, value),
            (_, Some(value), _) => (NOT, value),
            (.., Some(value)) => (MATCH, value),
            _ => (0, text),
        };
        Ok((operator, flag_bits(word, value)?))
    })?;
    let set = |term: &Term<u16>| {
        // `bits` are below 256.
        let bits = term.value as u8;
        let holds = if term.operator & MATCH == 0 { FlagSet::any_bit(bits) } else { FlagSet::masked(bits, bits) };
        if term.operator & NOT == 0 { holds } else { holds.complement() }
    };
    let mut all = FlagSet::empty();
    for group in groups(&terms) {
        all = all.union(group.iter().fold(FlagSet::full(), |all, term| all.intersection(set(term))));
    }
    Ok((all, bytes(&terms)))
}

fn flag_bits(word: Word<'_>, text: &str) -> Result<u16, ParseError> {
    let mut bits: u16 = 0;
    for name in text.split('+') {
        let named = FLAGS.iter().find(|(known, _)| *known == name).map(|(_, bit)| u16::from(*bit));
        let value = named.or_else(|| number(name)).or_else(|| hexadecimal(name)).filter(|value| (1..=255).contains(value));
        let advice = "write fin, syn, rst, push, ack, urg, ece and cwr, with + between them";
        let value = value.ok_or_else(|| word.error(format!("`{name}` is not understood as TCP flags"), advice))?;
        // ExaBGP adds the numbers, so a flag twice would be another flag.
        if bits & value != 0 {
            return Err(word.error(format!("`{name}` repeats a flag"), "name each flag once"));
        }
        bits |= value;
    }
    Ok(bits)
}

fn numeric_operator(text: &str) -> (u8, &str) {
    const OPERATORS: [(&str, u8); 6] =
        [("!=", LESS | GREATER), (">=", GREATER | EQUAL), ("<=", LESS | EQUAL), (">", GREATER), ("<", LESS), ("=", EQUAL)];
    let found = OPERATORS.iter().find_map(|(sign, bits)| Some((*bits, text.strip_prefix(sign)?)));
    found.unwrap_or((EQUAL, text))
}

fn hexadecimal(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

fn list<'a>(
    cursor: &mut Cursor<'_, 'a>,
    read: impl Fn(Word<'a>, &'a str) -> Result<(u8, u16), ParseError>,
) -> Result<Vec<Term<u16>>, ParseError> {
    let mut terms = Vec::new();
    let mut add = |word: Word<'a>| -> Result<(), ParseError> {
        for (at, text) in word.text.split('&').enumerate() {
            let (operator, value) = read(word, text)?;
            terms.push(Term { is_and: at > 0, operator, value });
        }
        Ok(())
    };
    if cursor.take("[") {
        while !cursor.take("]") {
            add(cursor.some("a value or `]`")?)?;
        }
    } else {
        add(cursor.some("a value")?)?;
    }
    if terms.is_empty() {
        return Err(cursor.peek().error("a list without values", "leave the line out, or list values"));
    }
    Ok(terms)
}

/// AND binds closer than OR.
fn groups(terms: &[Term<u16>]) -> impl Iterator<Item = &[Term<u16>]> {
    terms.chunk_by(|_, next| next.is_and)
}

/// ExaBGP takes two bytes for values that need them.
fn bytes(terms: &[Term<u16>]) -> Component {
    let mut all = Vec::with_capacity(terms.len() * 2);
    for (at, term) in terms.iter().enumerate() {
        let end = if at + 1 == terms.len() { END } else { 0 };
        let operator = end | if term.is_and { AND } else { 0 } | term.operator;
        match u8::try_from(term.value) {
            Ok(short) => all.extend([operator, short]),
            Err(_) => {
                all.push(operator | TWO_BYTES);
                all.extend(term.value.to_be_bytes());
            }
        }
    }
    Component::Terms(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Comments, Lexing, words};

    const LEXING: Lexing =
        Lexing { marks: "[]", has_block_comments: false, comments: Comments::Anywhere, has_continuation: false };
    const PORTS: Kind = Kind { meaning: "a port", largest: u16::MAX, names: &[("http", 80)] };

    fn ports(text: &str) -> Result<(RangeSet<u16>, Component), ParseError> {
        numbers(&mut Cursor::new(&words(text, LEXING).unwrap()), PORTS)
    }

    /// The examples of RFC 8955 4.3.
    #[test]
    fn lists_are_the_bytes_of_the_standard() {
        assert_eq!(ports("=25").unwrap(), (RangeSet::of(25), Component::Terms(vec![0x81, 0x19])));
        let (set, bytes) = ports("[ >=137&<=139 =8080 ]").unwrap();
        assert_eq!(set, RangeSet::from_ranges([(137, 139), (8080, 8080)]));
        assert_eq!(bytes, Component::Terms(vec![0x03, 0x89, 0x45, 0x8b, 0x91, 0x1f, 0x90]));
    }

    #[test]
    fn operators_mean_what_they_say() {
        for (text, ranges) in [
            ("http", vec![(80, 80)]),
            ("!=80", vec![(0, 79), (81, 65535)]),
            ("[ <3 >65533 ]", vec![(0, 2), (65534, 65535)]),
            (">=65535", vec![(65535, 65535)]),
            ("<0", vec![]),
            (">5&<9&!=7", vec![(6, 6), (8, 8)]),
            ("0x50", vec![(80, 80)]),
        ] {
            assert_eq!(ports(text).unwrap().0, RangeSet::from_ranges(ranges), "{text}");
        }
        for text in ["=", "65536", "tcp+udp", "80&", "&80", "[ ]", "[ 80", "==80", "080", "0x", "=>80", "!80", "true", "-1"] {
            assert!(ports(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_are_any_all_none_or_not_all() {
        let read = |text: &str| flags(&mut Cursor::new(&words(text, LEXING).unwrap()));
        for (text, set) in [
            ("ack+rst", FlagSet::ack_or_rst()),
            ("=syn", FlagSet::masked(2, 2)),
            ("=syn&!ack", FlagSet::masked(2, 0x12)),
            ("[ =ack =rst&!ack ]", FlagSet::ack_or_rst()),
            ("!=0x12", FlagSet::masked(0x12, 0x12).complement()),
            ("!fin+urgent", FlagSet::masked(0, 0x21)),
        ] {
            assert_eq!(read(text).unwrap().0, set, "{text}");
        }
        for text in ["psh", "ack+ack", "0x03+syn", "0", "=0x100", "ns", "!", "ack+", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

//! What stands behind `tcp flags`, for the parser. nft means five things by five ways to write them: a plain list is "one of these bits",
//! `==` is the whole byte, `&` and `/` have a mask, `!` is "none of these", and braces hold whole bytes.

use enforcer_packetset::FlagSet;

use super::lex::{Kind, Lexer, describe};
use crate::target::ParseError;

/// As nft(8) names the bits.
const NAMES: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];

/// The bytes that the match selects; `tcp flags` is taken.
pub(super) fn read(lexer: &mut Lexer<'_>) -> Result<FlagSet, ParseError> {
    if lexer.take_sign("!")? {
        return Ok(FlagSet::any_bit(bits(lexer)?).complement());
    }
    if lexer.take_sign("&")? {
        let mask = mask(lexer)?;
        let negated = comparison(lexer)?;
        let values = if lexer.peek().kind == Kind::Sign("{") { listed(lexer)? } else { vec![bits(lexer)?] };
        let set = values.into_iter().fold(FlagSet::empty(), |all, value| all.union(FlagSet::masked(value, mask)));
        return Ok(if negated { set.complement() } else { set });
    }
    let is_compared = matches!(lexer.peek().kind, Kind::Sign("==" | "!="));
    let negated = is_compared && comparison(lexer)?;
    let set = if lexer.peek().kind == Kind::Sign("{") {
        listed(lexer)?.into_iter().fold(FlagSet::empty(), |all, byte| all.union(FlagSet::of(byte)))
    } else {
        let value = bits(lexer)?;
        if lexer.take_word("/")? {
            FlagSet::masked(value, bits(lexer)?)
        } else if is_compared {
            FlagSet::of(value)
        } else {
            FlagSet::any_bit(value)
        }
    };
    Ok(if negated { set.complement() } else { set })
}

/// Whether it is `!=`.
fn comparison(lexer: &mut Lexer<'_>) -> Result<bool, ParseError> {
    let token = lexer.next()?;
    match token.kind {
        Kind::Sign("==") => Ok(false),
        Kind::Sign("!=") => Ok(true),
        other => {
            let what = format!("{} where `==` or `!=` belongs", describe(other));
            Err(lexer.error(token.at, what, "write `tcp flags & (syn | ack) == syn`"))
        }
    }
}

/// One flag, or several in parentheses: without them, `&` and `|` would compete.
fn mask(lexer: &mut Lexer<'_>) -> Result<u8, ParseError> {
    if !lexer.take_sign("(")? {
        return flag(lexer);
    }
    let mask = bits(lexer)?;
    lexer.expect_sign(")")?;
    Ok(mask)
}

/// Flags with `,` or `|` between them.
fn bits(lexer: &mut Lexer<'_>) -> Result<u8, ParseError> {
    let mut bits = flag(lexer)?;
    while lexer.take_sign(",")? || lexer.take_sign("|")? {
        bits |= flag(lexer)?;
    }
    Ok(bits)
}

/// `{ syn, syn | ack }`
fn listed(lexer: &mut Lexer<'_>) -> Result<Vec<u8>, ParseError> {
    lexer.expect_sign("{")?;
    let mut values = Vec::new();
    loop {
        lexer.skip_breaks()?;
        let mut byte = flag(lexer)?;
        while lexer.take_sign("|")? {
            byte |= flag(lexer)?;
        }
        values.push(byte);
        lexer.skip_breaks()?;
        if lexer.take_sign("}")? {
            return Ok(values);
        }
        lexer.expect_sign(",")?;
    }
}

fn flag(lexer: &mut Lexer<'_>) -> Result<u8, ParseError> {
    let (word, at) = lexer.expect_word("a TCP flag")?;
    let named = NAMES.iter().position(|name| *name == word).map(|bit| 1 << bit);
    let hex = || word.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let number = || {
        let is_clean = word.bytes().all(|digit| digit.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
        if is_clean { word.parse().ok() } else { None }
    };
    named
        .or_else(|| u8::from_str_radix(hex()?, 16).ok())
        .or_else(number)
        .ok_or_else(|| lexer.error(at, format!("`{word}` is no TCP flag"), "flags are fin, syn, rst, psh, ack, urg, ecn and cwr"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> FlagSet {
        read(&mut Lexer::new(text).unwrap()).unwrap()
    }

    /// What the kernel was told for each by nft 1.0.6 (`--debug=netlink`).
    #[test]
    fn every_way_to_write_flags_means_what_nft_loads() {
        for (text, wanted) in [
            ("& (fin|syn|rst|ack) == syn", FlagSet::masked(0x02, 0x17)),
            ("0x2 / 0x1,0x2,0x4,0x10", FlagSet::masked(0x02, 0x17)),
            ("!= syn / syn,ack", FlagSet::masked(0x02, 0x12).complement()),
            ("& (rst|ack) != 0", FlagSet::ack_or_rst()),
            ("0x4,0x10", FlagSet::ack_or_rst()),
            ("syn", FlagSet::any_bit(0x02)),
            ("fin|syn", FlagSet::any_bit(0x03)),
            ("0x0", FlagSet::empty()),
            ("== syn", FlagSet::of(0x02)),
            ("!= syn,ack", FlagSet::of(0x12).complement()),
            ("== 0x12", FlagSet::of(0x12)),
            ("! syn,ack", FlagSet::masked(0, 0x12)),
            ("{ 0x2 | 0x10, 0x2 }", FlagSet::of(0x12).union(FlagSet::of(0x02))),
            ("!= { 0x10, 0x11 }", FlagSet::from_ranges([(0x10, 0x11)]).complement()),
            ("& syn == syn", FlagSet::any_bit(0x02)),
            ("& (fin | syn) == { syn, fin }", FlagSet::masked(2, 3).union(FlagSet::masked(1, 3))),
            ("ecn,cwr", FlagSet::any_bit(0xc0)),
        ] {
            assert_eq!(set(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_flag_is_refused_at_its_place() {
        for (text, column) in [
            ("sny", 1),
            ("& syn", 6),
            ("& (syn|ack == syn", 12),
            ("{ syn ack }", 7),
            ("0x100", 1),
            ("& syn > 0", 7),
            ("+5", 1),
            ("010", 1),
        ] {
            let error = read(&mut Lexer::new(text).unwrap()).unwrap_err();
            assert_eq!((error.line, error.column), (1, column), "{text}: {error}");
        }
    }
}

//! The dialect's text as steps. Shares nothing with the renderer. An unknown line is an error, not a skip.

use enforcer_packetset::{AddressSet, Prefix, Selector, Step};

use crate::target::{ParseError, Parsed};

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::default();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split(' ');
        let mut column = 1;
        let mut next = |what: &str| {
            let word = words.next().unwrap_or("");
            let at = column;
            column += word.chars().count() + 1;
            (
                word,
                ParseError {
                    line: number,
                    column: at,
                    what: format!("`{word}` is no {what}"),
                    advice: "correct the line".into(),
                },
            )
        };
        let (verb, no_verb) = next("verb");
        let mut address = || {
            let (word, no_address) = next("prefix");
            word.parse::<Prefix>().map(AddressSet::from).map_err(|_| no_address)
        };
        let selector = Selector { source: address()?, destination: address()?, ..Selector::any() };
        parsed.steps.push(match verb {
            "allow" => Step::allow(selector),
            "deny" => Step::deny(selector),
            _ => return Err(no_verb),
        });
        let (word, no_end) = next("end of a line");
        if !word.is_empty() {
            return Err(no_end);
        }
        parsed.lines.push(number);
    }
    Ok(parsed)
}

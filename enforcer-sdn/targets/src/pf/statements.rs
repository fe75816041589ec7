//! The text as statements of words: macros are put in, lists stay.

use std::collections::BTreeMap;

use crate::reading::{Comments, Lexing, Word, words};
use crate::target::ParseError;

const LEXING: Lexing =
    Lexing { marks: "{}(),=<>!\n", has_block_comments: false, comments: Comments::Continued, has_continuation: true };

/// Macros in macros could be as long as you like.
const MOST_WORDS: usize = 1_000_000;

/// Each with at least one word. A list goes on behind the end of a line.
pub(super) fn statements(text: &str) -> Result<Vec<Vec<Word<'_>>>, ParseError> {
    let mut macros: BTreeMap<&str, Vec<Word<'_>>> = BTreeMap::new();
    let mut statements = Vec::new();
    let mut statement: Vec<Word<'_>> = Vec::new();
    let (mut depth, mut total) = (0usize, 0usize);
    let end = Word { text: "\n", line: 0, column: 0, is_quoted: false };
    for word in words(text, LEXING)?.into_iter().chain([end]) {
        if word.is("\n") {
            if depth > 0 && word.line > 0 {
                continue;
            }
            match statement.as_slice() {
                [] => {}
                [name, equals, value @ ..] if equals.is("=") && !name.is_quoted => {
                    if macros.insert(name.text, definition(*name, value)?).is_some() {
                        return Err(name.error(format!("a second macro `{}`", name.text), "give each name once"));
                    }
                }
                [first, ..] if depth > 0 => return Err(first.error("a list that is not closed", "close it with `}`")),
                _ => statements.push(std::mem::take(&mut statement)),
            }
            statement.clear();
            continue;
        }
        depth = if word.is("{") { depth + 1 } else { depth.saturating_sub(usize::from(word.is("}"))) };
        let Some(name) = word.text.strip_prefix('$').filter(|_| !word.is_quoted) else {
            statement.push(word);
            continue;
        };
        let value = macros.get(name).ok_or_else(|| word.error(format!("macro `{name}` is not defined"), "define it first"))?;
        total += value.len();
        if total > MOST_WORDS {
            return Err(word.error("macros that are too long", "use tables"));
        }
        // An error is shown where the macro is used.
        statement.extend(value.iter().map(|part| Word { line: word.line, column: word.column, ..*part }));
    }
    Ok(statements)
}

fn definition<'a>(name: Word<'a>, value: &[Word<'a>]) -> Result<Vec<Word<'a>>, ParseError> {
    let mut parts = Vec::new();
    for word in value {
        if word.is_quoted {
            let lexing = Lexing { has_continuation: false, ..LEXING };
            parts.extend(words(word.text, lexing)?.iter().map(|part| Word { line: word.line, column: word.column, ..*part }));
        } else {
            parts.push(*word);
        }
    }
    if parts.is_empty() {
        return Err(name.error(format!("macro `{}` is empty", name.text), "give it a value"));
    }
    if let Some(word) = parts.iter().find(|word| word.text.starts_with('$')) {
        return Err(word.error("a macro in quotes", "write it outside of them"));
    }
    Ok(parts)
}

//! `config`, `edit`, `set`, `next`, `end` as sections of entries.

use crate::reading::{Comments, Cursor, Lexing, Word, words};
use crate::target::ParseError;

const LEXING: Lexing = Lexing { marks: "\n", has_block_comments: false, comments: Comments::First, has_continuation: false };

/// One `config` block.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// What follows `config`.
    pub name: Vec<Word<'a>>,
    pub entries: Vec<Entry<'a>>,
}

/// One `edit` block.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub name: Word<'a>,
    pub settings: Vec<Setting<'a>>,
}

/// One `set` line; `unset` leaves no values.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub key: Word<'a>,
    pub values: Vec<Word<'a>>,
}

impl<'a> Setting<'a> {
    /// The only value.
    pub fn value(&self, meaning: &str) -> Result<Word<'a>, ParseError> {
        match self.values.as_slice() {
            [value] => Ok(*value),
            [] => Err(self.key.error(format!("`{}` without {meaning}", self.key.text), "complete it")),
            [_, other, ..] => Err(other.error(format!("a second value of `{}`", self.key.text), "give one")),
        }
    }

    pub fn is_enabled(&self) -> Result<bool, ParseError> {
        let value = self.value("`enable` or `disable`")?;
        match value.text {
            "enable" => Ok(true),
            "disable" => Ok(false),
            _ => Err(value.unknown("`enable` or `disable`", "write one of them")),
        }
    }
}

pub(super) fn sections(text: &str) -> Result<Vec<Section<'_>>, ParseError> {
    let words = words(text, LEXING)?;
    let mut sections = Vec::new();
    let mut section: Option<Section<'_>> = None;
    let mut entry: Option<Entry<'_>> = None;
    for line in words.split(|word| word.is("\n")).filter(|line| !line.is_empty()) {
        let mut cursor = Cursor::new(line);
        let verb = cursor.next();
        match (verb.text, &mut section, &mut entry) {
            ("config", None, None) => {
                cursor.some("a section")?;
                section = Some(Section { name: line.get(1..).unwrap_or(&[]).to_vec(), entries: Vec::new() });
                continue;
            }
            ("config", ..) => {
                let advice = "give the policies and objects of one virtual domain, without blocks in blocks";
                return Err(verb.error("a block in a block", advice));
            }
            ("edit", Some(_), None) => entry = Some(Entry { name: cursor.some("a name")?, settings: Vec::new() }),
            ("set", Some(_), Some(entry)) => {
                let key = cursor.some("a setting")?;
                cursor.some("a value")?;
                let values = line.get(2..).unwrap_or(&[]).to_vec();
                if entry.settings.iter().any(|before| before.key.text == key.text) {
                    return Err(key.error(format!("a second `{}`", key.text), "give each setting once"));
                }
                entry.settings.push(Setting { key, values });
                continue;
            }
            ("unset", Some(_), Some(entry)) => {
                entry.settings.push(Setting { key: cursor.some("a setting")?, values: Vec::new() });
            }
            ("next", Some(section), Some(_)) => section.entries.extend(entry.take()),
            // Takes away what was there before the text.
            ("purge", Some(section), None) if section.entries.is_empty() => {}
            ("end", Some(_), None) => sections.extend(section.take()),
            _ => return Err(verb.unknown("a part of a configuration", "blocks are `config`, `edit`, `set`, `next`, `end`")),
        }
        cursor.end()?;
    }
    match section {
        None => Ok(sections),
        Some(section) => {
            let place = section.name.first().copied().unwrap_or(Word { text: "", line: 1, column: 1, is_quoted: false });
            Err(place.error("a block without `end`", "complete the text"))
        }
    }
}

//! `config`, `edit`, `set`, `next`, `end` as blocks of entries, blocks in blocks up to a depth.

use crate::reading::{Comments, Cursor, Lexing, Word, words};
use crate::target::ParseError;

const LEXING: Lexing = Lexing { marks: "\n", has_block_comments: false, comments: Comments::First, has_continuation: false };

/// Blocks in blocks: a device has five or so.
const DEEPEST: usize = 16;

/// One `config` block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// What follows `config`.
    pub name: Vec<Word<'a>>,
    /// Those that stand in no entry.
    pub settings: Vec<Setting<'a>>,
    pub entries: Vec<Entry<'a>>,
    /// Those that stand in no entry.
    pub blocks: Vec<Block<'a>>,
    pub purge: Option<Word<'a>>,
}

/// One `edit` block.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub name: Word<'a>,
    pub settings: Vec<Setting<'a>>,
    pub blocks: Vec<Block<'a>>,
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

    /// Its values in one text: empty where it is unset, or set to nothing, which a full listing writes as `''`.
    pub fn joined(&self) -> String {
        let texts = self.values.iter().map(|value| if value.is("''") { "" } else { value.text });
        texts.collect::<Vec<_>>().join(" ")
    }
}

impl<'a> Entry<'a> {
    /// That it says each thing once and has no blocks in it beside tags for people.
    pub fn check(&self) -> Result<(), ParseError> {
        if let Some(word) = self.blocks.iter().filter_map(|block| block.name.first()).find(|word| word.text != "tagging") {
            return Err(word.error("a block in an entry that has none", "give policies and objects as `show` lists them"));
        }
        for (at, setting) in self.settings.iter().enumerate() {
            let is_before = |before: &Setting<'_>| before.key.text == setting.key.text;
            if self.settings.iter().take(at).any(is_before) {
                let what = format!("a second `{}`", setting.key.text);
                return Err(setting.key.error(what, "give each setting once"));
            }
        }
        Ok(())
    }
}

impl<'a> Block<'a> {
    /// Its name in one text.
    pub fn title(&self) -> String {
        self.name.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
    }

    /// Where it stands.
    pub fn place(&self) -> Word<'a> {
        self.name.last().copied().unwrap_or(Word { text: "", line: 1, column: 1, is_quoted: false })
    }

    pub const fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.entries.is_empty() && self.blocks.is_empty()
    }
}

/// A block that has not ended, with the entry of it that has not ended.
struct Open<'a> {
    block: Block<'a>,
    entry: Option<Entry<'a>>,
}

/// The blocks of a text that stand in no other.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, ParseError> {
    let words = words(text, LEXING)?;
    check_quotes(&words)?;
    let mut blocks = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    for line in words.split(|word| word.is("\n")).filter(|line| !line.is_empty()) {
        let mut cursor = Cursor::new(line);
        let verb = cursor.next();
        let depth = open.len();
        match (verb.text, open.last_mut()) {
            ("config", _) if depth < DEEPEST => {
                cursor.some("a section")?;
                let name = line.get(1..).unwrap_or(&[]).to_vec();
                let block = Block { name, settings: Vec::new(), entries: Vec::new(), blocks: Vec::new(), purge: None };
                open.push(Open { block, entry: None });
                continue;
            }
            ("config", _) => return Err(verb.error("blocks in blocks, too deep", "no device writes that: correct the text")),
            ("edit", Some(Open { entry, .. })) if entry.is_none() => {
                *entry = Some(Entry { name: cursor.some("a name")?, settings: Vec::new(), blocks: Vec::new() });
            }
            ("set", Some(Open { block, entry })) => {
                let key = cursor.some("a setting")?;
                cursor.some("a value")?;
                let values = line.get(2..).unwrap_or(&[]).to_vec();
                let settings = entry.as_mut().map_or(&mut block.settings, |entry| &mut entry.settings);
                settings.push(Setting { key, values });
                continue;
            }
            ("unset", Some(Open { block, entry })) => {
                let settings = entry.as_mut().map_or(&mut block.settings, |entry| &mut entry.settings);
                settings.push(Setting { key: cursor.some("a setting")?, values: Vec::new() });
            }
            ("next", Some(Open { block, entry })) if entry.is_some() => block.entries.extend(entry.take()),
            // Takes away what was there before the text.
            ("purge", Some(Open { block, entry: None })) if block.is_empty() => block.purge = Some(verb),
            // What is in a virtual domain ends with the domain, without `next`.
            ("end", Some(Open { block, entry })) if entry.is_none() || (depth == 1 && block.title() == "vdom") => {
                block.entries.extend(entry.take());
                let ended = open.pop().map(|open| open.block);
                match open.last_mut() {
                    None => blocks.extend(ended),
                    Some(Open { entry: Some(entry), .. }) => entry.blocks.extend(ended),
                    Some(Open { block, .. }) => block.blocks.extend(ended),
                }
            }
            _ => return Err(verb.unknown("a part of a configuration", "blocks are `config`, `edit`, `set`, `next`, `end`")),
        }
        cursor.end()?;
    }
    match open.last() {
        None => Ok(blocks),
        Some(Open { block, .. }) => {
            let place = block.name.first().copied().unwrap_or(block.place());
            Err(place.error("a block without `end`", "complete the text"))
        }
    }
}

/// That quotes begin and end where words do. A device writes them so; elsewhere what it takes for quoted is not what we would, and quotes
/// out of step hide lines.
fn check_quotes(words: &[Word<'_>]) -> Result<(), ParseError> {
    for (word, next) in words.iter().zip(words.iter().skip(1).map(Some).chain([None])) {
        let is_strange = !word.is_quoted && word.text != "''" && word.text.contains(['\'', '\\']);
        let end = word.text.as_ptr().addr() + word.text.len() + usize::from(word.is_quoted);
        let touches = |next: &Word<'_>| {
            let begin = next.text.as_ptr().addr() - usize::from(next.is_quoted);
            begin == end && next.text != "\n" && word.text != "\n"
        };
        if is_strange || next.is_some_and(touches) {
            let advice = "write texts in double quotes, with blanks around them";
            return Err(word.error(format!("quotes around a part of `{}`", word.text.lines().next().unwrap_or("")), advice));
        }
    }
    Ok(())
}

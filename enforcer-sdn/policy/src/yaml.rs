//! YAML text to a tree in which every value knows its bytes. Every scalar stays text; what it means is the reader's to say.
//!
//! Refuses what a policy never needs and an attacker does: tags, unbounded aliases, deep nesting, endless documents.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle};

use crate::diagnostic::Diagnostic;
use crate::source::{Sources, Span};

/// Bytes of one file: a policy of 100 000 rules is about 20 MB.
const MAX_BYTES: usize = 128 << 20;
/// Values that aliases may repeat in one file; the rest of the tree is bounded by the text itself.
const MAX_ALIASED: usize = 100_000;
/// A policy is 6 deep.
const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// Also `null`, `~` and nothing at all, as the empty text with `quoted: false`.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What it is, for a message.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Scalar { .. } => "a value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Nothing was written.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, quoted: false } if text.is_empty() || text == "~" || text == "null")
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
        }
    }
}

/// A list or mapping whose end has not come yet.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

/// The documents of one file of `sources`.
pub fn parse(sources: &Sources, file: usize) -> Result<Vec<Node>, Box<Diagnostic>> {
    let text = sources.files().get(file).map_or("", |source| source.text.as_str());
    let fail = |code, message: String, bytes, help: &str| {
        Box::new(Diagnostic::error(code, message).at(sources, &Span { file, bytes }).help(help))
    };
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; the limit is {MAX_BYTES}", text.len());
        return Err(fail("too-large", message, 0..1, "split it: a policy may be many files"));
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut aliased = 0;
    for step in Parser::new_from_str_with_options(text, options) {
        let (event, span) = step.map_err(|error| {
            let at = error.marker().byte_offset().unwrap_or(text.len());
            let message = format!("this is not YAML: {}", error.info());
            fail("yaml", message, at..at + 1, "look for a missing colon, quote or bracket, or for wrong indentation")
        })?;
        let bytes = span.byte_range().unwrap_or(0..0);
        let place = Span { file, bytes: bytes.clone() };
        if event.tag().is_some() {
            let help = "take out the word that begins with `!`";
            return Err(fail("yaml-tag", "a policy has no YAML tags".into(), bytes, help));
        }
        let done = match event {
            Event::Scalar(text, style, anchor, _) => {
                let node =
                    Node { span: place, value: Value::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain } };
                remember(&mut anchors, anchor, &node);
                Some(node)
            }
            Event::Alias(anchor) => {
                let Some(target) = anchors.get(&anchor) else {
                    return Err(fail("yaml-alias", "an alias inside its own value".into(), bytes, "write the value out"));
                };
                aliased += target.size();
                if aliased > MAX_ALIASED {
                    let message = format!("aliases repeat more than {MAX_ALIASED} values");
                    return Err(fail("yaml-alias", message, bytes, "write the values out"));
                }
                Some(Node { span: place, value: target.value.clone() })
            }
            Event::SequenceStart(_, anchor, _) => {
                open.push(Open { node: Node { span: place, value: Value::List(Vec::new()) }, anchor, key: None });
                None
            }
            Event::MappingStart(_, anchor, _) => {
                open.push(Open { node: Node { span: place, value: Value::Map(Vec::new()) }, anchor, key: None });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|mut closed| {
                closed.node.span.bytes.end = bytes.end.max(closed.node.span.bytes.start);
                remember(&mut anchors, closed.anchor, &closed.node);
                closed.node
            }),
            Event::DocumentStart(..) => {
                anchors.clear();
                None
            }
            _ => None,
        };
        if open.len() > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(fail("yaml-depth", message, span.byte_range().unwrap_or(0..0), "a policy is 6 levels deep"));
        }
        if let Some(node) = done {
            place_in(&mut open, &mut documents, node);
        }
    }
    Ok(documents)
}

fn remember(anchors: &mut HashMap<usize, Node>, anchor: usize, node: &Node) {
    // The parser numbers anchors from 1; 0 says that there is none.
    if anchor != 0 {
        anchors.insert(anchor, node.clone());
    }
}

fn place_in(open: &mut [Open], documents: &mut Vec<Node>, node: Node) {
    let Some(parent) = open.last_mut() else { return documents.push(node) };
    match &mut parent.node.value {
        Value::List(items) => items.push(node),
        Value::Map(entries) => match parent.key.take() {
            Some(key) => entries.push((key, node)),
            None => parent.key = Some(node),
        },
        Value::Scalar { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn read(text: &str) -> Result<Vec<Node>, Box<Diagnostic>> {
        parse(&Sources::new(&[SourceFile { name: "t".into(), text: text.into() }]), 0)
    }

    #[test]
    fn scalars_keep_their_text_and_bytes() {
        let text = "# é\nport: 010\nlist: ['no', on]\n";
        let documents = read(text).unwrap();
        let Value::Map(entries) = &documents[0].value else { panic!() };
        assert!(matches!(&entries[0].1.value, Value::Scalar { text, quoted: false } if text == "010"));
        assert_eq!(&text[entries[0].1.span.bytes.clone()], "010");
        let Value::List(items) = &entries[1].1.value else { panic!() };
        assert_eq!(&text[items[0].span.bytes.clone()], "'no'");
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let last = n - 1;
            text += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{last}"); 10].join(", "));
        }
        assert_eq!(read(&text).unwrap_err().code, "yaml-alias");
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert_eq!(read(&("[".repeat(40) + &"]".repeat(40))).unwrap_err().code, "yaml-depth");
    }

    #[test]
    fn a_hundred_comment_lines_are_no_error() {
        assert_eq!(read(&format!("a:\n{}  - b\n", "  # words\n".repeat(300))).unwrap().len(), 1);
    }
}

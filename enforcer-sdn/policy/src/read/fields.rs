//! The keys of one YAML mapping, checked against the known ones, and the log that collects what is wrong.

use crate::diagnostic::{Diagnostic, nearest};
use crate::source::{Sources, Span, Spanned};
use crate::yaml::{Node, Value};

use super::keys::{self, Key};

/// Findings so far.
pub struct Log<'a> {
    sources: &'a Sources,
    findings: Vec<Diagnostic>,
}

impl<'a> Log<'a> {
    pub const fn new(sources: &'a Sources) -> Self {
        Self { sources, findings: Vec::new() }
    }

    pub fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    pub fn error(&mut self, code: &'static str, message: impl Into<String>, span: &Span, help: &str) {
        self.findings.push(Diagnostic::error(code, message).at(self.sources, span).help(help));
    }

    /// `file:line` of a span.
    pub fn place(&self, span: &Span) -> String {
        self.sources.locate(span).map_or_else(String::new, |at| format!("{}:{}", at.file, at.line))
    }

    /// In the order of the text, cut at `limit` with a word about the rest.
    pub fn into_findings(mut self, limit: usize) -> Vec<Diagnostic> {
        self.findings.sort_by_key(|finding| finding.span.as_ref().map(|span| (span.file, span.bytes.start)));
        if let Some(more) = self.findings.len().checked_sub(limit).filter(|more| *more > 0) {
            self.findings.truncate(limit);
            self.findings.push(Diagnostic::error("too-many", format!("{more} more errors are not shown")));
        }
        self.findings
    }
}

/// A mapping with only known keys, each once.
pub struct Fields<'a> {
    what: &'static str,
    span: Span,
    entries: Vec<(&'a str, &'a Node)>,
}

impl<'a> Fields<'a> {
    /// Reports what is not a mapping (then None), unknown keys and repeated keys (then those are left out).
    pub fn of(node: &'a Node, what: &'static str, known: &[Key], log: &mut Log) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            let message = format!("expected {what} as a mapping, found {}", node.kind());
            log.error("wrong-type", message, &node.span, &format!("write `key: value` lines; keys are {}", keys::names(known)));
            return None;
        };
        let mut entries: Vec<(&str, &Node)> = Vec::new();
        for (key, value) in map {
            let Value::Scalar { text, .. } = &key.value else {
                log.error("wrong-type", format!("a key of {what} is {}", key.kind()), &key.span, "write one word and a colon");
                continue;
            };
            if !known.iter().any(|key| key.name == text) {
                let message = match nearest(text, known.iter().map(|key| key.name)) {
                    Some(meant) => format!("unknown key `{text}` in {what}; did you mean `{meant}`?"),
                    None => format!("unknown key `{text}` in {what}"),
                };
                log.error("unknown-key", message, &key.span, &format!("known keys are {}", keys::names(known)));
            } else if entries.iter().any(|(name, _)| name == text) {
                log.error("duplicate-key", format!("`{text}` is given twice in {what}"), &key.span, "keep one of them");
            } else {
                entries.push((text, value));
            }
        }
        Some(Self { what, span: node.span.clone(), entries })
    }

    /// Where the mapping begins: its first line, for what is missing from it.
    pub fn start(&self) -> Span {
        self.span.clone()
    }

    /// Known keys that are there.
    pub const fn count(&self) -> usize {
        self.entries.len()
    }

    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)
    }

    /// The text of a key; a key with nothing after it is an error.
    pub fn text(&self, key: &str, log: &mut Log) -> Option<Spanned<String>> {
        self.get(key).and_then(|node| text_of(node, key, log))
    }

    pub fn required_text(&self, key: &str, help: &str, log: &mut Log) -> Option<Spanned<String>> {
        self.required(key, help, log).and_then(|node| text_of(node, key, log))
    }

    fn required(&self, key: &str, help: &str, log: &mut Log) -> Option<&'a Node> {
        let node = self.get(key);
        if node.is_none() {
            log.error("missing-key", format!("{} has no `{key}`", self.what.trim_start_matches("a ")), &self.start(), help);
        }
        node
    }

    /// The items of a list; a key with nothing after it is an empty list.
    pub fn list(&self, key: &str, log: &mut Log) -> Option<&'a [Node]> {
        let node = self.get(key)?;
        match &node.value {
            Value::List(items) => Some(items),
            _ if node.is_null() => None,
            _ => {
                let message = format!("`{key}` is {}, not a list", node.kind());
                log.error("wrong-type", message, &node.span, "write each entry on its own line after `- `");
                None
            }
        }
    }

    /// One text or a list of texts.
    pub fn texts(&self, key: &str, log: &mut Log) -> Option<Vec<Spanned<String>>> {
        let node = self.get(key)?;
        match &node.value {
            Value::List(items) if items.is_empty() => {
                log.error("empty", format!("`{key}` is an empty list"), &node.span, "name at least one, or take the key out");
                None
            }
            Value::List(items) => Some(items.iter().filter_map(|item| text_of(item, key, log)).collect()),
            _ => text_of(node, key, log).map(|text| vec![text]),
        }
    }

    pub fn required_texts(&self, key: &str, help: &str, log: &mut Log) -> Option<Vec<Spanned<String>>> {
        self.required(key, help, log)?;
        self.texts(key, log)
    }

    /// One of a closed set of words.
    pub fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)], log: &mut Log) -> Option<T> {
        let text = self.text(key, log)?;
        let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let message = match nearest(&text, words.iter().map(|(word, _)| *word)) {
                Some(meant) => format!("unknown {key} `{}`; did you mean `{meant}`?", text.value),
                None => format!("unknown {key} `{}`", text.value),
            };
            let known = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            log.error("bad-value", message, &text.span, &format!("write one of {known}"));
        }
        found
    }

    /// A value that has its own parser.
    pub fn parsed<T, E: std::fmt::Display>(
        &self,
        key: &str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, E>,
        log: &mut Log,
    ) -> Option<Spanned<T>> {
        let text = self.text(key, log)?;
        match parse(&text) {
            Ok(value) => Some(Spanned { value, span: text.span }),
            Err(error) => {
                log.error("bad-value", error.to_string(), &text.span, help);
                None
            }
        }
    }
}

fn text_of(node: &Node, key: &str, log: &mut Log) -> Option<Spanned<String>> {
    match &node.value {
        Value::Scalar { .. } if node.is_null() => {
            log.error("missing-value", format!("`{key}` has no value"), &node.span, "write a value, or take the key out");
            None
        }
        Value::Scalar { text, .. } => Some(Spanned { value: text.clone(), span: node.span.clone() }),
        _ => {
            let message = format!("`{key}` is {}, not one value", node.kind());
            log.error("wrong-type", message, &node.span, "write one value");
            None
        }
    }
}

/// Names go into log prefixes and device objects: `[a-z0-9-]`, bounded.
pub fn check_name(name: &Spanned<String>, longest: usize, what: &str, log: &mut Log) {
    let wrong = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'));
    let message = match wrong {
        Some(c) => format!("{what} name `{}` has `{c}` in it", name.value.escape_debug()),
        None if name.is_empty() || name.starts_with('-') || name.ends_with('-') => {
            format!("{what} name `{}` does not begin and end with a letter or digit", name.value)
        }
        None if name.chars().count() > longest => {
            format!("{what} name `{}` has {} characters", name.value, name.chars().count())
        }
        None => return,
    };
    log.error("bad-name", message, &name.span, &format!("use small letters, digits and `-`, at most {longest} characters"));
}

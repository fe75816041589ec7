//! A configuration in XML, as the device exports it and its API takes it, as the words of `set` lines: the same paths, so that one reading
//! says what they mean.

use roxmltree::{Document, Node, ParsingOptions};

use super::beside::is_unrelated;
use crate::reading::Word;
use crate::target::ParseError;

/// No configuration is nested deeper.
const MOST_LEVELS: usize = 24;

/// Attributes that say who changed an element, and when.
const IDLE: &[&str] = &[
    "uuid",
    "loc",
    "src",
    "ver",
    "version",
    "detail-version",
    "urldb",
    "dirtyId",
    "admin",
    "time",
    "status",
    "code",
    "cmd",
    "total-count",
    "count",
];

/// Parts that rules and their objects are in.
const OF_POLICIES: &[&str] =
    &["address", "address-group", "post-rulebase", "pre-rulebase", "rulebase", "service", "service-group"];

/// # Errors
/// Where the text is no XML. Entities of its own are refused: a small text could be a very long one.
pub(super) fn document(text: &str) -> Result<Document<'_>, ParseError> {
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        let (line, column) = (at.row as usize, at.col as usize);
        ParseError { line, column, what: format!("not XML: {error}"), advice: "give the text as the device exports it".into() }
    })
}

/// The words of one `set` line for each value.
pub(super) fn lines<'a>(document: &'a Document<'_>) -> Result<Vec<Vec<Word<'a>>>, ParseError> {
    let text = document.input_text();
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut walk = Walk { text, starts, lines: Vec::new(), places: Vec::new() };
    walk.outer(document.root_element(), 0, &[])?;
    Ok(walk.lines)
}

struct Walk<'a> {
    text: &'a str,
    /// Where each line begins, in bytes.
    starts: Vec<usize>,
    lines: Vec<Vec<Word<'a>>>,
    /// The device and the virtual system that the text is about.
    places: Vec<(&'a str, &'a str)>,
}

impl<'a> Walk<'a> {
    fn word(&self, text: &'a str, node: Node<'_, '_>) -> Word<'a> {
        let at = node.range().start;
        let line = self.starts.partition_point(|&start| start <= at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        Word { text, line, column, is_quoted: false }
    }

    /// What is around the parts of a policy; `shared` is the element of that name, where the node is in it.
    fn outer(&mut self, node: Node<'a, '_>, level: usize, shared: &[Word<'a>]) -> Result<(), ParseError> {
        let name = self.name(node)?;
        self.attributes(node, name, false)?;
        match name.text {
            "config" | "response" | "result" | "shared" => {
                self.no_text(node, name)?;
                let own = [name];
                let shared = if name.is("shared") { own.as_slice() } else { shared };
                for child in node.children().filter(Node::is_element) {
                    self.level(level, name)?;
                    self.outer(child, level + 1, shared)?;
                }
                Ok(())
            }
            "devices" | "vsys" => {
                self.no_text(node, name)?;
                for entry in node.children().filter(Node::is_element) {
                    let place = self.entry(entry)?;
                    if self.places.iter().any(|(kind, known)| *kind == name.text && *known != place.text) {
                        return Err(place.error("a second device or virtual system", "give the policy of one"));
                    }
                    self.places.push((name.text, place.text));
                    self.no_text(entry, place)?;
                    for child in entry.children().filter(Node::is_element) {
                        self.level(level, name)?;
                        self.outer(child, level + 1, shared)?;
                    }
                }
                Ok(())
            }
            _ => self.inner(node, shared),
        }
    }

    /// A value and the way to it.
    fn inner(&mut self, node: Node<'a, '_>, path: &[Word<'a>]) -> Result<(), ParseError> {
        let mut path = path.to_vec();
        let name = self.name(node)?;
        self.level(path.len(), name)?;
        match name.text {
            "entry" => path.push(self.entry(node)?),
            "member" => self.attributes(node, name, false)?,
            _ => {
                self.attributes(node, name, false)?;
                path.push(name);
            }
        }
        if is_unrelated(path.get(usize::from(path.first().is_some_and(|first| first.text == "shared"))..).unwrap_or_default()) {
            return Ok(());
        }
        let mut children = node.children().filter(Node::is_element).peekable();
        if children.peek().is_none() {
            let text = node.text().unwrap_or_default().trim();
            if text.is_empty() && name.text == "member" {
                return Err(name.error("a member without a value", "name it, or leave it out"));
            }
            // A list without entries, and a comment without words.
            let own = || path.iter().map(|word| word.text).skip_while(|text| *text == "shared");
            let is_idle = ["tag", "group-tag", "description"].contains(&name.text)
                || (own().count() == 1 && OF_POLICIES.contains(&name.text));
            let is_idle = is_idle || own().skip(2).eq(["rules"]);
            if text.is_empty() && is_idle {
                return Ok(());
            }
            if !text.is_empty() {
                // In `set` lines brackets are marks.
                path.push(Word { is_quoted: text == "[" || text == "]", ..self.word(text, node) });
            }
            self.lines.push(path);
            return Ok(());
        }
        self.no_text(node, name)?;
        let mut known: Vec<(&str, Option<&str>)> = Vec::new();
        for child in children {
            let key = (child.tag_name().name(), child.attribute("name"));
            if key.0 != "member" && known.contains(&key) {
                return Err(self
                    .name(child)?
                    .error(format!("`{}` for the second time", key.1.unwrap_or(key.0)), "give each once"));
            }
            // Entries are many, and found by their names; the others are few.
            if key.0 != "member" && key.0 != "entry" {
                known.push(key);
            }
            self.inner(child, &path)?;
        }
        self.once(node)
    }

    /// Two entries of one name would be one rule.
    fn once(&self, node: Node<'a, '_>) -> Result<(), ParseError> {
        let mut names = std::collections::BTreeSet::new();
        for entry in node.children().filter(|child| child.has_tag_name("entry")) {
            let name = self.entry(entry)?;
            if !names.insert(name.text) {
                return Err(name.error(format!("a second entry `{}`", name.text), "give each name once"));
            }
        }
        Ok(())
    }

    fn name(&self, node: Node<'a, '_>) -> Result<Word<'a>, ParseError> {
        let name = self.word(node.tag_name().name(), node);
        match node.tag_name().namespace() {
            Some(_) => Err(name.error("an element of a namespace", "configurations have none")),
            None => Ok(name),
        }
    }

    fn entry(&self, node: Node<'a, '_>) -> Result<Word<'a>, ParseError> {
        let element = self.name(node)?;
        if element.text != "entry" {
            return Err(element.unknown("`entry`", "give the text as the device exports it"));
        }
        self.attributes(node, element, true)?;
        match node.attribute("name").map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => Ok(self.word(name, node)),
            None => Err(element.error("an entry without a name", "name it")),
        }
    }

    fn attributes(&self, node: Node<'a, '_>, name: Word<'a>, has_name: bool) -> Result<(), ParseError> {
        let is_known = |attribute: &str| (has_name && attribute == "name") || IDLE.contains(&attribute);
        match node.attributes().find(|attribute| !is_known(attribute.name())) {
            Some(other) => Err(name.error(format!("the attribute `{}`", other.name()), "leave it out")),
            None => Ok(()),
        }
    }

    fn no_text(&self, node: Node<'a, '_>, name: Word<'a>) -> Result<(), ParseError> {
        let text = node.children().filter(Node::is_text).filter_map(|text| text.text()).find(|text| !text.trim().is_empty());
        text.map_or(Ok(()), |text| Err(name.error(format!("the text `{}` between elements", text.trim()), "leave it out")))
    }

    fn level(&self, level: usize, name: Word<'a>) -> Result<(), ParseError> {
        if level < MOST_LEVELS {
            return Ok(());
        }
        Err(name.error(format!("more than {MOST_LEVELS} levels"), "give the text as the device exports it"))
    }
}

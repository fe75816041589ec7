//! Documents of members and lists, as JSON or YAML, in which every value knows its place. A reader takes the members that it knows; one
//! that is left over is an error, never a skip.

mod json;
mod yaml;

use std::str::FromStr;

use crate::target::ParseError;

/// A value and where it begins.
#[derive(Debug)]
pub(crate) struct Node {
    /// Byte of the text.
    at: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    Truth(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// A text and its one document.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    text: &'a str,
    /// First byte of each line.
    line_starts: Vec<usize>,
    root: Node,
    /// Member names may begin with such a module's name and a colon, as RFC 7951 section 4 allows.
    modules: &'static [&'static str],
}

impl<'a> Tree<'a> {
    /// One JSON document.
    pub(crate) fn of_json(text: &'a str, modules: &'static [&'static str]) -> Result<Self, ParseError> {
        Ok(Self::new(text, json::parse(text)?, modules))
    }

    /// The YAML documents of a text; JSON is YAML too. Names stand alone there.
    pub(crate) fn of_yaml(text: &'a str) -> Result<Vec<Self>, ParseError> {
        Ok(yaml::parse(text)?.into_iter().map(|root| Self::new(text, root, &[])).collect())
    }

    fn new(text: &'a str, root: Node, modules: &'static [&'static str]) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, line_starts: std::iter::once(0).chain(after_breaks).collect(), root, modules }
    }

    pub(crate) const fn root(&self) -> Field<'_> {
        Field { tree: self, node: &self.root }
    }

    fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= at)
    }

    /// Members and places in lists on the way to the value; None when it is not in the tree.
    fn path(&self, wanted: &Node) -> Option<String> {
        fn find(node: &Node, wanted: &Node) -> Option<String> {
            if std::ptr::eq(node, wanted) {
                return Some(String::new());
            }
            match &node.value {
                Value::List(items) => {
                    items.iter().enumerate().find_map(|(number, item)| Some(format!("[{number}]{}", find(item, wanted)?)))
                }
                Value::Object(members) => {
                    members.iter().find_map(|(name, value)| Some(format!("/{name}{}", find(value, wanted)?)))
                }
                _ => None,
            }
        }
        find(&self.root, wanted)
    }
}

/// Line and column of a byte.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).map_or(0, |line| line.chars().count()) + 1)
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    tree: &'a Tree<'a>,
    node: &'a Node,
}

impl<'a> Field<'a> {
    /// Counted from 1.
    pub(crate) fn line(self) -> usize {
        self.tree.line(self.node.at)
    }

    pub(crate) fn error(self, what: impl AsRef<str>, advice: impl Into<String>) -> ParseError {
        let (line, column) = place(self.tree.text, self.node.at);
        let path = self.tree.path(self.node).filter(|path| !path.is_empty()).unwrap_or_else(|| "the document".into());
        ParseError { line, column, what: format!("{path}: {}", what.as_ref()), advice: advice.into() }
    }

    fn kind(self) -> &'static str {
        match self.node.value {
            Value::Null => "nothing",
            Value::Truth(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }

    fn unlike(self, wanted: &str) -> ParseError {
        self.error(format!("{} where {wanted} belongs", self.kind()), "write it as the standard does")
    }

    pub(crate) fn members(self) -> Result<Members<'a>, ParseError> {
        match &self.node.value {
            Value::Object(members) => {
                Ok(Members { of: self, left: members.iter().map(|(name, node)| (name.as_str(), node)).collect() })
            }
            _ => Err(self.unlike("an object")),
        }
    }

    pub(crate) fn items(self) -> Result<impl Iterator<Item = Self>, ParseError> {
        match &self.node.value {
            Value::List(items) => Ok(items.iter().map(move |node| Self { node, ..self })),
            _ => Err(self.unlike("a list")),
        }
    }

    pub(crate) fn text(self) -> Result<&'a str, ParseError> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.unlike("a text")),
        }
    }

    /// A whole number, in digits alone.
    pub(crate) fn number<T: FromStr>(self) -> Result<T, ParseError> {
        match &self.node.value {
            Value::Number(digits) => {
                digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit())).ok_or_else(|| {
                    self.error(format!("{digits} is out of range"), "write a whole number that the field can hold")
                })
            }
            _ => Err(self.unlike("a number")),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self.node.value, Value::Number(_))
    }

    /// Whether two values say the same, whatever the order of members.
    pub(crate) fn says_the_same(self, other: Self) -> bool {
        fn same(a: &Node, b: &Node) -> bool {
            match (&a.value, &b.value) {
                (Value::Null, Value::Null) => true,
                (Value::Truth(a), Value::Truth(b)) => a == b,
                (Value::Number(a), Value::Number(b)) | (Value::Text(a), Value::Text(b)) => a == b,
                (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
                (Value::Object(a), Value::Object(b)) => {
                    a.len() == b.len() && a.iter().all(|(name, a)| b.iter().any(|(other, b)| name == other && same(a, b)))
                }
                _ => false,
            }
        }
        same(self.node, other.node)
    }
}

/// The members of an object that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    pub(crate) of: Field<'a>,
    left: Vec<(&'a str, &'a Node)>,
}

impl<'a> Members<'a> {
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<Field<'a>>, ParseError> {
        let modules = self.of.tree.modules;
        let is_named = |given: &str| {
            given == name || given.split_once(':').is_some_and(|(module, bare)| bare == name && modules.contains(&module))
        };
        let Some(at) = self.left.iter().position(|(given, _)| is_named(given)) else { return Ok(None) };
        let (_, node) = self.left.swap_remove(at);
        let found = Field { node, ..self.of };
        if self.left.iter().any(|(given, _)| is_named(given)) {
            return Err(found.error(format!("`{name}` stands twice"), "say it once"));
        }
        Ok(Some(found))
    }

    pub(crate) fn need(&mut self, name: &str) -> Result<Field<'a>, ParseError> {
        self.take(name)?.ok_or_else(|| self.of.error(format!("`{name}` is missing"), "add it"))
    }

    /// What nobody has taken yet, by name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.left.iter().map(|&(name, node)| (name, Field { node, ..self.of }))
    }

    /// An error when something is left: what is not understood may change what the text does.
    pub(crate) fn done(self, advice: &str) -> Result<(), ParseError> {
        match self.left.first() {
            None => Ok(()),
            Some((name, node)) => {
                let found = Field { node, ..self.of };
                Err(found.error(format!("`{name}` is not understood here"), advice))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"m:a\": [{\"b\": 1}, {\"é\": \"x\", \"b\": 70000}],\n  \"c\": null\n}\n";

    #[test]
    fn members_are_taken_with_or_without_their_module() {
        let tree = Tree::of_json(TEXT, &["m"]).unwrap();
        let mut members = tree.root().members().unwrap();
        let items: Vec<Field<'_>> = members.need("a").unwrap().items().unwrap().collect();
        assert_eq!(items[0].members().unwrap().need("b").unwrap().number::<u16>(), Ok(1));
        assert_eq!(members.take("d").unwrap().map(Field::line), None);
        let error = members.done("read the standard").unwrap_err();
        assert_eq!(error.to_string(), "3:8: /c: `c` is not understood here; read the standard");
    }

    #[test]
    fn an_error_names_path_line_and_column() {
        let tree = Tree::of_json(TEXT, &["m"]).unwrap();
        let second = tree.root().members().unwrap().need("a").unwrap().items().unwrap().nth(1).unwrap();
        let error = second.members().unwrap().need("b").unwrap().number::<u16>().unwrap_err();
        assert_eq!((error.line, error.column), (2, 37));
        assert!(error.what.starts_with("/m:a[1]/b: 70000"), "{error}");
        assert!(second.members().unwrap().need("é").unwrap().number::<u16>().is_err());
    }
}

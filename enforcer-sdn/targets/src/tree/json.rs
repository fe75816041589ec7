//! JSON text to a tree. The syntax is serde_json's to judge; values stay slices of the text, and so keep their places.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Node, Value, place};
use crate::target::ParseError;

/// Bytes of one document: 100 000 entries are about 30 MB.
const MAX_BYTES: usize = 128 << 20;
/// The deepest of the formats is 12 deep; each level reads the text below it once more.
const MAX_DEPTH: usize = 24;

pub(super) fn parse(text: &str) -> Result<Node, ParseError> {
    let at_start = |what: String, advice: &str| ParseError { line: 1, column: 1, what, advice: advice.into() };
    if text.len() > MAX_BYTES {
        let what = format!("the document has {} bytes; the limit is {MAX_BYTES}", text.len());
        return Err(at_start(what, "split it"));
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        // Its columns are bytes; 0 is the end of the line before.
        let line_text = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or("");
        let before = line_text.get(..error.column().saturating_sub(1)).unwrap_or(line_text);
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or(&what);
        ParseError {
            line: error.line().max(1),
            column: before.chars().count() + 1,
            what: format!("this is not JSON: {what}"),
            advice: "look for a missing comma, quote or bracket".into(),
        }
    })?;
    let whole = serde_json::from_str::<&RawValue>(text).map_err(|error| at_start(error.to_string(), "write a JSON document"))?;
    node(text, whole, 0)
}

fn node(text: &str, raw: &RawValue, depth: usize) -> Result<Node, ParseError> {
    let slice = raw.get();
    let at = slice.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let error = |what: String| {
        let (line, column) = place(text, at);
        ParseError { line, column, what, advice: "correct the value".into() }
    };
    if depth > MAX_DEPTH {
        return Err(error(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    let unreadable = |cause: serde_json::Error| error(format!("this value cannot be read: {cause}"));
    let value = match slice.as_bytes().first() {
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(slice).map_err(unreadable)?;
            let mut members = Vec::with_capacity(entries.len());
            for (name, raw) in entries {
                members.push((name, node(text, raw, depth + 1)?));
            }
            if let Some(twice) = repeated(&members) {
                return Err(error(format!("the member `{twice}` stands twice in one object")));
            }
            Value::Object(members)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(slice).map_err(unreadable)?;
            Value::List(items.into_iter().map(|raw| node(text, raw, depth + 1)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Value::Text(serde_json::from_str(slice).map_err(unreadable)?),
        Some(b't') => Value::Truth(true),
        Some(b'f') => Value::Truth(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(slice.to_owned()),
    };
    Ok(Node { at, value })
}

fn repeated(members: &[(String, Node)]) -> Option<&str> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(*a),
        _ => None,
    })
}

/// The members of an object, in the order of the text.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_an_error_with_its_place() {
        for (text, line, column) in
            [("", 1, 1), ("{\n  \"é\": }", 2, 8), ("{} x", 1, 4), ("{\"a\": 1, \"a\": 2}", 1, 1), ("[1,\n2", 2, 1)]
        {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        }
    }

    #[test]
    fn deep_nesting_and_broken_escapes_are_refused() {
        assert!(parse(&("[".repeat(40) + &"]".repeat(40))).is_err());
        assert!(parse("[\"\\ud800\"]").is_err());
        assert!(parse("[\"\\ud83d\\ude00\"]").is_ok());
    }
}

//! YAML documents to trees. The syntax is the policy reader's to judge; what a plain word means is said here.

use enforcer_policy::yaml as words;
use enforcer_policy::{SourceFile, Sources};

use super::{Node, Value, place};
use crate::target::ParseError;

pub(super) fn parse(text: &str) -> Result<Vec<Node>, ParseError> {
    let sources = Sources::new(&[SourceFile { name: String::new(), text: text.to_owned() }]);
    let documents = words::parse(&sources, 0).map_err(|diagnostic| {
        let advice = diagnostic.help.clone().unwrap_or_else(|| "correct the YAML".into());
        ParseError { line: diagnostic.line(), column: diagnostic.column(), what: diagnostic.message, advice }
    })?;
    // `---` alone gives an empty document.
    documents.iter().filter(|document| !document.is_null()).map(|document| node(text, document)).collect()
}

fn node(text: &str, from: &words::Node) -> Result<Node, ParseError> {
    let at = from.span.bytes.start;
    let error = |what: String, advice: &str| {
        let (line, column) = place(text, at);
        ParseError { line, column, what, advice: advice.into() }
    };
    let value = match &from.value {
        words::Value::List(items) => Value::List(items.iter().map(|item| node(text, item)).collect::<Result<_, _>>()?),
        words::Value::Map(entries) => {
            let mut members: Vec<(String, Node)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let words::Value::Scalar { text: name, .. } = &key.value else {
                    return Err(error("a key that is no word".into(), "write a plain key"));
                };
                if members.iter().any(|(known, _)| known == name) {
                    return Err(error(format!("the key `{name}` stands twice in one mapping"), "say it once"));
                }
                members.push((name.clone(), node(text, value)?));
            }
            Value::Object(members)
        }
        words::Value::Scalar { text: word, quoted: true } => Value::Text(word.clone()),
        words::Value::Scalar { text: word, quoted: false } => match word.as_str() {
            "" | "~" | "null" => Value::Null,
            "true" => Value::Truth(true),
            "false" => Value::Truth(false),
            _ if is_clean_number(word) => Value::Number(word.clone()),
            _ if is_ambiguous(word) => {
                return Err(error(
                    format!("`{word}` is a text to some readers of YAML and none to others"),
                    "write it in quotes",
                ));
            }
            _ => Value::Text(word.clone()),
        },
    };
    Ok(Node { at, value })
}

fn is_clean_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'))
}

/// YAML 1.1, which many tools still read, has more words for truth, and octal, hexadecimal, sexagesimal and broken numbers.
fn is_ambiguous(word: &str) -> bool {
    let is_truth =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].iter().any(|known| word.eq_ignore_ascii_case(known));
    let unsigned = word.trim_start_matches(['+', '-']);
    let is_numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (word.replace('_', "").parse::<f64>().is_ok()
            || unsigned.starts_with("0x")
            || unsigned.starts_with("0o")
            || unsigned.starts_with("0b")
            || unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'_'));
    is_truth || is_numeric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_what_every_reader_takes_them_for() {
        let read = |word: &str| parse(word).map(|documents| format!("{:?}", documents[0].value));
        assert_eq!(read("502").unwrap(), "Number(\"502\")");
        assert_eq!(read("'502'").unwrap(), "Text(\"502\")");
        assert_eq!(read("10.0.0.0/8").unwrap(), "Text(\"10.0.0.0/8\")");
        assert_eq!(read("2001:db8::/32").unwrap(), "Text(\"2001:db8::/32\")");
        assert_eq!(read("true").unwrap(), "Truth(true)");
        for word in ["010", "0x1f", "yes", "On", "1_000", "12:30", "1e3", "1.5", "-1", "NULL"] {
            assert!(read(word).unwrap_err().what.contains("some readers"), "{word}");
        }
    }

    #[test]
    fn a_key_that_stands_twice_and_broken_yaml_are_errors_with_their_place() {
        assert_eq!(parse("a:\n  b: 1\n  b: 2\n").unwrap_err().line, 2);
        assert!(parse("a: 1\nb: [\n").unwrap_err().line >= 2);
    }
}

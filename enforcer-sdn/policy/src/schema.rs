//! The JSON schema of policy documents (draft 7, which editors know best), made from the tables that the reader checks keys with.

use serde_json::{Map, Value, json};

use crate::read::keys::{self, Key, Shape};

/// The schema as text, the same on every run.
#[must_use]
pub fn schema() -> String {
    let mut root = object(keys::POLICY);
    if let Value::Object(root) = &mut root {
        root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("title".into(), json!("Cordon policy"));
    }
    // Alternate form: two spaces, keys sorted.
    format!("{root:#}\n")
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut object = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if let (false, Value::Object(map)) = (required.is_empty(), &mut object) {
        map.insert("required".into(), json!(required));
    }
    object
}

fn property(key: &Key) -> Value {
    let mut value = of(&key.shape);
    if let Value::Object(map) = &mut value {
        map.insert("description".into(), json!(key.about));
    }
    value
}

/// YAML gives an unquoted number as a number; here it is text like any other.
fn text() -> Value {
    json!({"type": ["string", "number", "boolean"], "not": {"const": ""}})
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text => text(),
        Shape::Name(longest) => {
            json!({"type": ["string", "integer"], "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "maxLength": longest})
        }
        Shape::Word(words) => json!({"enum": words()}),
        Shape::Flag => json!({"enum": [true, false, "true", "false"]}),
        Shape::Whole => json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
        Shape::Texts(words) => {
            let words = words();
            // A word of the list is offered by an editor, and any other text is right too.
            let one = if words.is_empty() { text() } else { json!({"anyOf": [{"enum": words}, text()]}) };
            json!({"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
        }
        Shape::Day => json!({"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}),
        Shape::Moment => json!({"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}([Tt ].+)?$"}),
        Shape::Clock => json!({"type": "string", "pattern": "^\\d{1,2}:\\d{2}$"}),
        Shape::Object(keys) => object(keys),
        Shape::Objects(keys) => json!({"type": ["array", "null"], "items": object(keys)}),
    }
}

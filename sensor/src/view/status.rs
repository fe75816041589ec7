//! `sensor status`: how a running sensor is doing.

use anyhow::{Context, Result};
use serde_json::Value;

use super::source::get;
use super::{Format, Source, print_json, print_table};

pub fn show(source: &Source, format: Format) -> Result<()> {
    let status: Value = match source {
        Source::Url(url) => {
            serde_json::from_str(&get(url, "/v1/status")?).with_context(|| format!("`{url}` does not answer as a sensor does"))?
        }
        // A file has no running sensor behind it: what it says of itself is its accounting.
        Source::File(_) => {
            let map = source.flow_map()?;
            let mut status = serde_json::to_value(map.accounting)?;
            if let Value::Object(fields) = &mut status {
                fields.insert("sensor".to_owned(), map.sensor.into());
                fields.insert("first_seen".to_owned(), map.first_seen.to_string().into());
                fields.insert("last_seen".to_owned(), map.last_seen.to_string().into());
                fields.insert("assets".to_owned(), map.assets.len().into());
                fields.insert("conversations".to_owned(), map.conversations.len().into());
            }
            status
        }
    };
    if format == Format::Json {
        return print_json(&status);
    }
    let Value::Object(fields) = status else { return print_json(&status) };
    print_table(
        &["what", "now"],
        fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            vec![name.replace('_', " "), text]
        }),
    )
}

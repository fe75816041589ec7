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
    let Value::Object(mut fields) = status else { return print_json(&status) };
    let stages = fields.remove("stages");
    print_table(
        &["what", "now"],
        fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            vec![name.replace('_', " "), text]
        }),
    )?;
    match stages.as_ref().and_then(Value::as_array) {
        Some(stages) => print_table(&STAGE_COLUMNS, stages.iter().map(stage_row)),
        None => Ok(()),
    }
}

/// From the wire to the broker.
const STAGE_COLUMNS: [&str; 7] = ["stage.", "counts.", "entered.", "lost, and why", "set aside", "waiting.", "passed on."];

fn stage_row(stage: &Value) -> Vec<String> {
    let text = |name: &str| {
        stage.get(name).map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let parts = |name: &str| {
        let parts = stage.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let count = |part: &Value| part.get("count").and_then(Value::as_u64).unwrap_or(0);
        let named = parts.iter().filter(|part| count(part) > 0);
        let named: Vec<_> = named
            .map(|part| format!("{} {}", count(part), part.get("why").and_then(Value::as_str).unwrap_or_default()))
            .collect();
        if named.is_empty() { "0".to_owned() } else { named.join(", ") }
    };
    vec![text("stage"), text("unit"), text("entered"), parts("lost"), parts("set_aside"), text("waiting"), text("passed")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_names_each_loss_and_leaves_out_what_lost_nothing() {
        let stage = serde_json::json!({
            "stage": "ring", "unit": "frames", "entered": 10, "waiting": 1, "passed": 6, "set_aside": [],
            "lost": [{"why": "ring full", "count": 2}, {"why": "no free buffer", "count": 0}, {"why": "other", "count": 1}],
        });
        assert_eq!(stage_row(&stage), ["ring", "frames", "10", "2 ring full, 1 other", "0", "1", "6"]);
    }
}

//! Rows to text: tables that fit a terminal, or JSON.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use sensor_model::Timestamp;
use serde::Serialize;

/// Columns that a table takes at most where the terminal's width is not known.
const WIDTH: u16 = 120;

/// What `-o` chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// Columns whose name ends in `.` keep their words whole while there is room; the others are folded first.
pub fn print_table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    let mut table = Table::new();
    let (names, whole): (Vec<&str>, Vec<bool>) =
        header.iter().map(|name| (name.trim_end_matches('.'), name.ends_with('.'))).unzip();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(names);
    if !io::stdout().is_terminal() || table.width().is_none_or(|width| width > WIDTH) {
        table.set_width(WIDTH);
    }
    for row in rows {
        table.add_row(row);
    }
    for (column, _) in table.column_iter_mut().zip(whole).filter(|(_, whole)| *whole) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    print(&format!("{table}\n"))
}

pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// A reader that went away (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// To the minute: tables have no room for more.
pub fn short_time(at: Timestamp) -> String {
    at.to_string().chars().take("2026-01-31T13:05".len()).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// `12.3 MB`: three digits and a unit.
pub fn short_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_enough_for_a_column() {
        let texts: Vec<_> = [0, 999, 1_000, 12_345_678, 5_000_000_000_000].map(short_bytes).into();
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "12.3 MB", "5.0 TB"]);
        assert_eq!(short_time(Timestamp::from_nanos(1_500_000_000)), "1970-01-01 00:00");
    }
}

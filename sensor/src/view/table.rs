//! Rows to text: tables that fit a terminal, or JSON.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
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

/// A column that is folded keeps at least so many characters, where it has them.
const LEAST: usize = 12;

/// Columns whose name ends in `.` keep their words whole while there is room; the others are folded first.
pub fn print_table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    let mut table = Table::new();
    let (names, whole): (Vec<&str>, Vec<bool>) =
        header.iter().map(|name| (name.trim_end_matches('.'), name.ends_with('.'))).unzip();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(names);
    let width = table.width().filter(|_| io::stdout().is_terminal()).map_or(WIDTH, |width| width.min(WIDTH));
    table.set_width(width).add_rows(rows);
    let natural: Vec<usize> = table.column_max_content_widths().into_iter().map(usize::from).collect();
    // A column between cells and at both ends, and a space on each side of a cell.
    let room = usize::from(width).saturating_sub(3 * natural.len() + 1);
    for (column, width) in table.column_iter_mut().zip(column_widths(&natural, &whole, room)) {
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(u16::try_from(width + 2).unwrap_or(u16::MAX))));
    }
    print(&format!("{table}\n"))
}

/// What each column gets of the room.
fn column_widths(natural: &[usize], whole: &[bool], room: usize) -> Vec<usize> {
    let of_kind = |kind: bool, width: fn(usize) -> usize| -> Vec<usize> {
        natural.iter().zip(whole).filter(|(_, whole)| **whole == kind).map(|(natural, _)| width(*natural)).collect()
    };
    let (kept, folded) = (of_kind(true, |width| width), of_kind(false, |width| width));
    let least: usize = of_kind(false, |width| width.min(LEAST)).iter().sum();
    let kept_cap = cap(&kept, room.saturating_sub(least));
    let taken: usize = kept.iter().map(|width| *width.min(&kept_cap)).sum();
    let folded_cap = cap(&folded, room.saturating_sub(taken));
    natural.iter().zip(whole).map(|(natural, whole)| *natural.min(if *whole { &kept_cap } else { &folded_cap })).collect()
}

/// The widest that a column may be so that all fit: the narrow ones keep their width.
fn cap(natural: &[usize], room: usize) -> usize {
    let mut ascending = natural.to_vec();
    ascending.sort_unstable();
    let mut left = room;
    for (at, width) in ascending.iter().enumerate() {
        let share = left.checked_div(ascending.len() - at).unwrap_or_default();
        if *width > share {
            return share.max(1);
        }
        left -= width;
    }
    usize::MAX
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
    fn wide_cells_leave_room_for_the_columns_beside_them() {
        let whole = [true, true, false, false];
        assert_eq!(column_widths(&[10, 20, 30, 5], &whole, 100), [10, 20, 30, 5], "there is room for all");
        assert_eq!(column_widths(&[10, 20, 30, 5], &whole, 50), [10, 20, 15, 5], "what may be folded is folded first");
        assert_eq!(column_widths(&[10, 80, 30, 5], &whole, 60), [10, 33, 12, 5], "then the widest of the others");
        assert_eq!(column_widths(&[9, 9], &[true, false], 0), [1, 1]);
    }

    #[test]
    fn figures_are_short_enough_for_a_column() {
        let texts: Vec<_> = [0, 999, 1_000, 12_345_678, 5_000_000_000_000].map(short_bytes).into();
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "12.3 MB", "5.0 TB"]);
        assert_eq!(short_time(Timestamp::from_nanos(1_500_000_000)), "1970-01-01 00:00");
    }
}

//! What a flow does with a packet, for the parser.

use super::flow::Piece;
use crate::target::ParseError;

/// Where the packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Drop,
    /// As a switch that learns addresses would.
    Normal,
    Table(u8),
    /// Through connection tracking, and then to that table.
    Track(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actions {
    pub end: End,
    pub logs: bool,
    /// The connection is known from now on.
    pub commits: bool,
    /// Of every `ct` in it.
    pub zone: Option<u16>,
}

const ADVICE: &str = "only NORMAL, drop, goto_table, resubmit, ct without NAT, and sample of every packet are understood";

pub(super) fn read(text: Piece<'_>) -> Result<Actions, ParseError> {
    let mut actions = Actions { end: End::Drop, logs: false, commits: false, zone: None };
    let pieces = text.split(false);
    if pieces.is_empty() {
        return Err(text.error("no action", "write `drop` for none"));
    }
    for piece in &pieces {
        if actions.end != End::Drop {
            return Err(piece.error(format!("`{}` behind the packet's last way", piece.text), ADVICE));
        }
        let (name, arguments) = call(piece.text);
        match (name, arguments) {
            ("drop", None) if pieces.len() == 1 => {}
            ("NORMAL" | "normal", None) => actions.end = End::Normal,
            ("resubmit", Some(arguments)) => {
                let table = arguments.strip_prefix(',').and_then(|table| table.parse().ok());
                actions.end = End::Table(table.ok_or_else(|| refused(piece))?);
            }
            ("sample", Some(arguments)) if arguments.split(',').any(|word| word == "probability=65535") => actions.logs = true,
            ("ct", arguments) => track(&mut actions, piece, arguments.unwrap_or(""))?,
            _ => {
                let table = piece.text.strip_prefix("goto_table:").and_then(|table| table.parse().ok());
                actions.end = End::Table(table.ok_or_else(|| refused(piece))?);
            }
        }
    }
    Ok(actions)
}

fn track(actions: &mut Actions, piece: &Piece<'_>, arguments: &str) -> Result<(), ParseError> {
    let mut zone = 0;
    for argument in arguments.split(',').filter(|argument| !argument.is_empty()) {
        match argument.split_once('=').unwrap_or((argument, "")) {
            ("commit", "") => actions.commits = true,
            ("zone", value) => zone = value.parse().map_err(|_| refused(piece))?,
            ("table", value) => actions.end = End::Track(value.parse().map_err(|_| refused(piece))?),
            _ => return Err(refused(piece)),
        }
    }
    if actions.zone.is_some_and(|other| other != zone) {
        return Err(piece.error("two zones of connection tracking", "use one"));
    }
    actions.zone = Some(zone);
    Ok(())
}

fn refused(piece: &Piece<'_>) -> ParseError {
    piece.error(format!("action `{}` is not understood", piece.text), ADVICE)
}

/// `name(arguments)` or `name`.
fn call(text: &str) -> (&str, Option<&str>) {
    match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((name, arguments)) => (name, Some(arguments)),
        None => (text, None),
    }
}

//! What people read: a flow map, from a file or a running sensor, as tables or JSON.

pub mod assets;
pub mod conversations;
mod copies;
pub mod coverage;
pub mod export;
mod source;
pub mod status;
mod table;
pub mod why;

pub use source::{Source, SourceArgs};
pub use table::{Format, print, print_json, print_table, short_bytes};

//! Capture files: formats built by hand, bytes from anywhere, and the collection of captures.
#![expect(clippy::expect_used, reason = "a test that cannot make its input must fail")]

mod any_bytes;
mod corpus;
mod cut;
mod formats;
mod made;

//! Bytes in, value out: one header or tunnel a test, packets built by hand.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its material is not as described"
)]

mod build;
mod fragments;
mod headers;
mod tunnels;

//! The sensor daemon: wiring only.
fn main() {}

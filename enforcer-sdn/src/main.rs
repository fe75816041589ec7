//! The enforcer.
fn main() {}

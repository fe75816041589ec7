//! The sensor daemon: wiring only.

mod alert;
mod conversations;
mod counts;
mod event;
mod export;
#[cfg(test)]
mod fixtures;
mod hub;
mod orientation;
mod recent;
mod service_ports;
mod sessions;
mod sort;
mod worker;

fn main() {}

//! A port on which nothing happens costs next to nothing.

use std::time::Duration;

use harness::measure::Footprint;
use harness::scratch::Scratch;
use harness::sensor::Sensor;

use super::accounting::{config, wire};
use crate::on_wires;

const WATCHED: Duration = Duration::from_secs(10);

fn measured(queues: u32) -> (f64, u64) {
    let (_talker, listener) = wire(queues);
    let scratch = Scratch::create("idle").unwrap();
    let store = format!("[store]\npath = \"{}\"", scratch.file("memory").display());
    let sensor = Sensor::start_configured(&listener, &scratch, &config("path = \"af-xdp\"", &store)).unwrap();
    // The start itself is no idling.
    std::thread::sleep(Duration::from_secs(1));
    let before = Footprint::of(sensor.running.id()).unwrap();
    std::thread::sleep(WATCHED);
    let after = Footprint::of(sensor.running.id()).unwrap();
    let cores = (after.cpu - before.cpu).as_secs_f64() / WATCHED.as_secs_f64();
    eprintln!("{queues} queues idle: {:.2} % of a core, {} KiB resident", cores * 100.0, after.resident_kib);
    (cores, after.resident_kib)
}

#[test]
fn an_idle_port_takes_less_than_a_hundredth_of_a_core_and_48_mib_and_16_a_queue() {
    if !on_wires() {
        return;
    }
    for queues in [1, 4] {
        let (cores, resident_kib) = measured(queues);
        assert!(resident_kib <= (48 + 16 * u64::from(queues)) * 1024, "{queues} queues: {resident_kib} KiB");
        // An unoptimised build is given three times as much: it is the loops that must be idle, not the compiler.
        let limit = if cfg!(debug_assertions) { 0.03 } else { 0.01 };
        assert!(cores < limit, "{queues} queues: {:.2} % of a core", cores * 100.0);
    }
}

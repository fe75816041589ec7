//! The harness itself: what the other tests lean on.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::time::Duration;

use harness::deadline::wait_for;
use harness::link;
use harness::namespace::{Namespace, run};
use harness::plant::{FILES, INTRUDER, PLC, Plant, Staff};
use harness::threat::{self, Outcome};

use crate::on_wires;

#[test]
fn a_panic_leaves_no_namespace_behind() {
    if !on_wires() {
        return;
    }
    let name = OnceLock::new();

    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let namespace = Namespace::create("panicking").unwrap();
        name.set(namespace.name().to_owned()).unwrap();
        panic!("as a failed assertion would");
    }));

    assert!(ended.is_err());
    let name = name.get().unwrap();
    let listed = run(std::process::Command::new("ip").args(["netns", "list"])).unwrap();
    assert!(!listed.contains(name), "{listed}");
}

#[test]
fn the_mirror_copies_every_frame_that_enters_the_router_exactly_once() {
    if !on_wires() {
        return;
    }
    let plant = Plant::build().unwrap();
    let mirror = plant.mirror().unwrap();
    {
        let mut staff = Staff::hire(&plant, Duration::from_millis(400)).unwrap();
        wait_for("some work", Duration::from_secs(10), || Ok((staff.monitor.count("snmp get")?.times > 200).then_some(())))
            .unwrap();
    }

    // The hosts have ended; what is on its way arrives.
    let entered = || Plant::ports().iter().map(|port| link::frame_count(&plant.router, port).unwrap().received).sum::<u64>();
    let settled = wait_for("equal counts", Duration::from_secs(2), || {
        let (in_router, at_tap) = (entered(), mirror.frame_count()?);
        Ok((in_router == at_tap.received).then_some(at_tap))
    });

    let at_tap = settled.unwrap_or_else(|_| panic!("{} entered, the mirror shows {:?}", entered(), mirror.frame_count()));
    assert!(at_tap.received > 1000);
    assert_eq!(at_tap.sent, 0);
}

#[test]
fn every_door_of_the_plant_is_open_before_any_rule() {
    if !on_wires() {
        return;
    }
    let plant = Plant::build().unwrap();
    let _staff = Staff::hire(&plant, Duration::from_secs(1)).unwrap();

    for attempt in threat::attempts(FILES.into(), PLC.into()) {
        assert_eq!(threat::attempt(plant.at(INTRUDER).unwrap(), &attempt).unwrap(), Outcome::GotIn, "{attempt:?}");
    }
}

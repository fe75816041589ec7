use harness::{deadline::wait_for, plant::*, threat};
use std::time::Duration;
#[test]
fn smoke() {
    let t = std::time::Instant::now();
    let plant = Plant::build().unwrap();
    let mirror = plant.mirror().unwrap();
    println!("T built {:?}", t.elapsed());
    let mut staff = Staff::hire(&plant, Duration::from_secs(2)).unwrap();
    println!("T staff {:?}", t.elapsed());
    let mut intruder = start_intruder(&plant).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    for (n, h) in staff.clients() {
        println!("{n}: {:#?}", h.counts().unwrap());
    }
    println!("files: {:#?}", staff.files.counts().unwrap());
    println!("plc: {:#?}", staff.plc.counts().unwrap());
    println!("printer: {:#?}", staff.printer.counts().unwrap());
    println!("intr: {:#?}", intruder.counts().unwrap());
    for a in threat::attempts(FILES.into(), PLC.into()) {
        println!("{a:?} {:?}", threat::attempt(plant.at(INTRUDER).unwrap(), &a));
    }
    println!("{:?}", mirror.frame_count());
    let sum: u64 = Plant::ports().iter().map(|p| harness::link::frame_count(&plant.router, p).unwrap().received).sum();
    println!("{sum} {:?}", mirror.frame_count());
    println!("T end {:?}", t.elapsed());
    drop(intruder);
    drop(staff);
    println!("T staffgone {:?}", t.elapsed());
    println!("T gone {:?}", t.elapsed());
}

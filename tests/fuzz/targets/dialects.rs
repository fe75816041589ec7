//! Any text in any dialect: parsed or refused, never a panic; also with names of the device's own, `a`, `b` and two labels.
//! `CORDON_DIALECT=NAME` gives all the time to one dialect.
#![no_main]

use std::sync::LazyLock;

use enforcer_packetset::{AddressSet, Prefix};
use enforcer_targets::{DeviceZones, OwnNames, TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static WANTED: LazyLock<Vec<&'static Target>> = LazyLock::new(|| {
    let name = std::env::var("CORDON_DIALECT").ok();
    let wanted: Vec<_> = TARGETS.iter().filter(|target| name.as_deref().is_none_or(|name| name == target.name)).collect();
    assert!(!wanted.is_empty(), "no dialect is called {name:?}");
    wanted
});

static PLACES: LazyLock<DeviceZones> = LazyLock::new(|| {
    let plant: AddressSet = ["10.0.0.0/8"].iter().filter_map(|text| text.parse::<Prefix>().ok()).collect();
    let rest = AddressSet::full().difference(&plant);
    DeviceZones::new([("a".to_owned(), plant), ("b".to_owned(), rest)].into())
});

static LABELS: LazyLock<DeviceZones> = LazyLock::new(|| {
    let (web, rest) = (PLACES.get("a").cloned().unwrap_or_default(), AddressSet::full());
    DeviceZones::new([("app=web".to_owned(), web), ("{}".to_owned(), rest)].into())
});

fuzz_target!(|text: &str| {
    for target in WANTED.iter() {
        let _ = (target.parse)(text);
        let _ = match target.own_names {
            OwnNames::Places(_) => target.read(text, &PLACES).map(drop),
            OwnNames::Labels(_) => target.read(text, &LABELS).map(drop),
            OwnNames::None => Ok(()),
        };
    }
});

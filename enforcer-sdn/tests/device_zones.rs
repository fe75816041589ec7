//! A running configuration that speaks of the device's own zones is proven against the policy, once it is said what is behind them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cells;

use std::fs;

use cells::{POLICY, run};

/// As `show configuration security | display set` has it. Whatever is in neither zone may talk among itself.
const RUNNING: &str = "set security zones security-zone cell interfaces ge-0/0/1.0
set security zones security-zone control interfaces ge-0/0/2.0
set security zones security-zone plant interfaces ge-0/0/3.0
set security zones security-zone control address-book address hmis 10.2.0.0/24
set security policies from-zone control to-zone cell policy poll match source-address hmis
set security policies from-zone control to-zone cell policy poll match destination-address any
set security policies from-zone control to-zone cell policy poll match application modbus
set security policies from-zone control to-zone cell policy poll then permit
set security policies from-zone plant to-zone plant policy all match source-address any
set security policies from-zone plant to-zone plant policy all match destination-address any
set security policies from-zone plant to-zone plant policy all match application any
set security policies from-zone plant to-zone plant policy all then permit
set security policies global policy rest match source-address any
set security policies global policy rest match destination-address any
set security policies global policy rest match application any
set security policies global policy rest then deny
set security policies global policy rest then log session-init
set applications application modbus protocol tcp destination-port 502
";

const NAMES: &str = "--device-zone cell=plcs --device-zone control=scada --device-zone plant=*";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.yaml"), POLICY).unwrap();
    fs::write(folder.path().join("running"), RUNNING).unwrap();
    folder
}

#[test]
fn a_running_configuration_is_proven_by_the_names_of_its_zones() {
    let folder = folder();
    let prove = |names: &str, text: &str| run(folder.path(), &format!("prove --policy p.yaml --target junos-srx {names} {text}"));
    let (code, out, told) = prove(NAMES, "running");
    // Inside each of the two zones of the policy nothing is forbidden, and on this device it is: an interface has one zone.
    assert!(code == 3 && told.contains("denies what the policy allows"), "{out}{told}");
    let open: String = ["cell", "control"]
        .iter()
        .map(|zone| RUNNING.replace("plant", zone).replace("policy all", "policy inside"))
        .flat_map(|text| text.lines().filter(|line| line.contains("inside")).map(|line| format!("{line}\n")).collect::<Vec<_>>())
        .collect();
    fs::write(folder.path().join("open"), format!("{RUNNING}{open}")).unwrap();
    let (code, out, told) = prove(NAMES, "open");
    assert!(code == 0 && out.starts_with("proven"), "{out}{told}");
    // The zones the other way round.
    let (code, out, told) = prove("--device-zone cell=scada --device-zone control=plcs --device-zone plant=*", "open");
    assert!(code == 3, "{out}{told}");
    // Without a word on what is behind them nothing is known.
    let (code, _, told) = prove("", "open");
    assert!(code == 3 && told.contains("second pair of zones") && told.contains("device_zones"), "{told}");
}

#[test]
fn a_point_says_in_the_configuration_what_is_behind_its_names_and_what_never_crosses_it() {
    let folder = folder();
    let write = |names: &str| {
        let config = format!(
            "[[point]]\nname = \"fw\"\ntarget = \"junos-srx\"\ndriver = \"none\"\n[point.sides]\na = [\"10.1.0.0/24\"]\nb = [\"10.2.0.0/24\"]\n\
             [point.device_zones]\n{names}"
        );
        fs::write(folder.path().join("e.toml"), config).unwrap();
    };
    write("cell = [\"plcs\"]\ncontrol = [\"scada\"]\nplant = [\"*\"]\n");
    let prove = |text: &str| run(folder.path(), &format!("--config e.toml prove --policy p.yaml --point fw {text}"));
    // What stays inside a zone never crosses the device, so it may say what it likes about it.
    let (code, out, told) = prove("running");
    assert!(code == 0 && out.starts_with("proven") && out.contains("never cross it"), "{out}{told}");
    fs::write(folder.path().join("wide"), RUNNING.replace("destination-port 502", "destination-port 500-502")).unwrap();
    assert_eq!(prove("wide").0, 3);
    let (code, text, told) = run(folder.path(), "--config e.toml render --policy p.yaml --point fw");
    assert!(code == 0 && text.contains("match from-zone control") && text.contains("match to-zone cell"), "{text}{told}");
    fs::write(folder.path().join("text"), text).unwrap();
    assert_eq!(prove("text").0, 0);
    for (names, said) in [
        ("cell = [\"plcs\"]\ncontrol = [\"scada\"]\n", "is behind none of the device's names"),
        ("cell = [\"plcs\"]\ncontrol = [\"10.1.0.0/16\", \"scada\"]\nplant = [\"*\"]\n", "is behind `cell` and behind `control`"),
        ("cell = [\"plc\"]\ncontrol = [\"scada\"]\nplant = [\"*\"]\n", "did you mean `plcs`?"),
        (
            "sell = [\"plcs\"]\ncontrol = [\"scada\"]\nplant = [\"*\"]\n",
            "`cell` is not in `device_zones` of the point; did you mean `sell`?",
        ),
    ] {
        write(names);
        let (code, _, told) = prove("running");
        assert!(code != 0 && told.contains(said), "{told}");
    }
}

#[test]
fn a_dialect_without_names_takes_none() {
    let folder = folder();
    let (code, _, told) = run(folder.path(), &format!("render --policy p.yaml --target nftables {NAMES}"));
    assert!(code == 1 && told.contains("`nftables` has no names of its own"), "{told}");
    let (code, _, told) = run(folder.path(), "render --policy p.yaml --target panos --device-zone =plcs");
    assert!(code != 0 && told.contains("trust=plcs,hmis"), "{told}");
}

//! Other people's captures, against what independent tools say about them.

use std::process::Command;

use harness::binary;

const BAR_PERCENT: f64 = 98.0;
const CATEGORIES: [&str; 9] = ["flows", "ics", "discovery", "windows", "scans", "tls-ja4", "iot-enterprise", "medical", "mixed"];

#[test]
fn at_least_98_of_100_foreign_captures_have_every_flow_exact() {
    let (Some(captures), Some(check)) = (binary::shared("captures"), binary::shared("tools/check_flows.py")) else { return };
    let mut command = Command::new("python3");
    command.arg(check).arg(binary::path("sensor").unwrap()).arg(&captures).arg(captures.join("truth")).arg("--simple");
    command.args(CATEGORIES.iter().flat_map(|category| ["--category", category]));

    let Ok(output) = command.output() else {
        eprintln!("NOT CHECKED: no python3");
        return;
    };

    // Its last line: `N of M files exact (P %), ...`. It exits 1 for a single file.
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    let percent = said.lines().last().and_then(|line| line.split_once('(')?.1.split_once(' ')?.0.parse::<f64>().ok());
    let percent = percent.unwrap_or_else(|| panic!("no figure: {said}{}", String::from_utf8_lossy(&output.stderr)));
    assert!(percent >= BAR_PERCENT, "{percent} %");
}

//! Every capture of the Zeek set through decode and table, judged by the set's own comparison.

#[path = "common/replay.rs"]
mod replay;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use replay::{conn_line, replay as run, shared};
use sensor_wire::Options;
use serde_json::Value;

/// Least agreement by cases of Zeek's own tests, in per cent, by field.
const BARS: [(&str, f64); 5] =
    [("conn_state", 98.0), ("history no ^ x", 95.0), ("orientation", 99.0), ("pkts", 99.0), ("ip_bytes", 99.0)];

#[test]
fn states_histories_and_counts_agree_with_zeek() {
    let Some(set) = shared().map(|shared| shared.join("zeek-conn")) else { return };
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("zeek-conn");
    let _ = fs::remove_dir_all(&out);
    let mut skipped = Vec::new();
    for trace in fs::read_dir(set.join("traces")).unwrap() {
        let trace = trace.unwrap().path();
        let name = trace.file_stem().unwrap().to_string_lossy().into_owned();
        let truth: Value = serde_json::from_slice(&fs::read(set.join(format!("truth/{name}.json"))).unwrap()).unwrap();
        let options = Options { verify_checksums: truth["checksums"] == "check", ..Options::default() };
        let Some(replayed) = run(&trace, options) else {
            skipped.push(name);
            continue;
        };
        let counted: u64 = replayed.records.iter().map(|record| record.sent.packets + record.received.packets).sum();
        assert_eq!(counted + replayed.outside, replayed.frames, "{name}: every frame is in a flow or outside");
        assert_eq!(replayed.stats.packets_refused, 0, "{name}");
        let folder = out.join(&name);
        fs::create_dir_all(&folder).unwrap();
        let lines: Vec<String> = replayed.records.iter().map(|record| conn_line(record).to_string() + "\n").collect();
        fs::write(folder.join("conn.log"), lines.concat()).unwrap();
    }
    eprintln!("link types not read yet: {skipped:?}");
    let agreement = compare(&set, &out);
    for (field, bar) in BARS {
        let row = &agreement["fields"][field];
        let share = 100.0 * row["cases_agree"].as_f64().unwrap() / row["cases"].as_f64().unwrap();
        eprintln!("{field}: {share:.2} % of cases");
        assert!(share >= bar, "{field}: {share:.2} % of cases, want {bar} %");
    }
}

fn compare(set: &Path, out: &Path) -> Value {
    let result = out.join("result.json");
    let output = Command::new("python3")
        .arg(set.join("check_conn.py"))
        .args(["--group", "zeek", "--truth"])
        .arg(set.join("truth"))
        .arg("--out")
        .arg(out)
        .arg("--json")
        .arg(&result)
        .output()
        .unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&fs::read(result).unwrap()).unwrap()
}

//! A capture to `conn.log`, with nothing but decode and table: `conn_log replay FILE --out DIR [--no-decap]`. It takes the sensor's
//! arguments, so that what compares the sensor with other tools can look at these two rooms alone.

#[path = "../tests/common/replay.rs"]
mod replay;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use sensor_wire::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).map(PathBuf::from);
    let (Some(file), Some(out)) = (after("replay"), after("--out")) else {
        eprintln!("usage: conn_log replay FILE --out DIR [--no-decap]");
        return ExitCode::from(2);
    };
    let options = Options { decap: !arguments.iter().any(|argument| argument == "--no-decap"), ..Options::default() };
    let Some(replayed) = replay::replay(&file, options) else {
        eprintln!("{}: format or link type not read here", file.display());
        return ExitCode::FAILURE;
    };
    let lines: Vec<String> = replayed.records.iter().map(|record| replay::conn_line(record).to_string() + "\n").collect();
    match fs::create_dir_all(&out).and_then(|()| fs::write(out.join("conn.log"), lines.concat())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}

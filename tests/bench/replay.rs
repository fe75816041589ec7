//! `make bench`, second part: `sensor replay` beside softflowd, nfpcapd and argus on the same captures in the same run. CPU seconds of
//! the whole process, user and system. The bars are what we ask of ourselves; what is printed is what was measured.

#[path = "cost.rs"]
mod cost;
#[path = "real.rs"]
mod real;
#[path = "spent.rs"]
mod spent;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use harness::generate::generate;
use harness::scratch::Scratch;
use harness::sensor::replay_command;

struct Capture {
    name: &'static str,
    about: &'static str,
    /// Recipe and count; None for the third-party captures.
    recipe: Option<(&'static str, u64)>,
    /// So many times softflowd's packets a CPU-second we want with `--no-map`.
    bar: f64,
}

const CAPTURES: [Capture; 5] = [
    Capture { name: "small", about: "64 B, 1 M biflows in random order", recipe: Some(("small", 1_000_000)), bar: 25.0 },
    Capture {
        name: "imix-long",
        about: "internet mix, 50 k biflows at once, 100 packets each",
        recipe: Some(("imix-long", 50_000)),
        bar: 6.0,
    },
    Capture { name: "imix", about: "the same, 20 packets each", recipe: Some(("imix", 50_000)), bar: 6.0 },
    Capture { name: "elephants", about: "1514 B, eight flows", recipe: Some(("elephants", 500_000)), bar: 1.3 },
    Capture { name: "real", about: "third-party captures one after the other", recipe: None, bar: 2.0 },
];

/// The best of so many runs counts: the machine is not ours alone. A program that takes long runs once.
const RUNS: usize = 3;
const LONG_SECONDS: f64 = 20.0;

/// A tool, and its command for a capture and a folder to write to.
struct Peer {
    name: &'static str,
    command: fn(&Path, &Path) -> Command,
    /// It would take many minutes.
    leaves_out: Option<&'static str>,
}

const PEERS: [Peer; 3] = [
    Peer { name: "softflowd", command: softflowd, leaves_out: None },
    Peer { name: "nfpcapd", command: nfpcapd, leaves_out: None },
    Peer { name: "argus", command: argus, leaves_out: Some("small") },
];

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this too; it then only has to work.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    for capture in &CAPTURES {
        let scratch = Scratch::create("bench")?;
        let path = scratch.file("capture.pcap");
        let Some(packets) = make(capture, is_bench, &path)? else {
            println!("\n{}: no captures beside the repository, not measured", capture.name);
            continue;
        };
        println!("\n{} ({}): {packets} packets", capture.name, capture.about);
        measure(capture, packets, &path, &scratch)?;
    }
    Ok(())
}

/// Writes the capture and gives its packets.
fn make(capture: &Capture, is_bench: bool, path: &Path) -> anyhow::Result<Option<u64>> {
    match capture.recipe {
        Some((recipe, count)) => Ok(Some(generate(recipe, Some(if is_bench { count } else { 200 }), 1, path, None)?.packets)),
        None if is_bench => real::concatenate(path),
        None => Ok(None),
    }
}

fn measure(capture: &Capture, packets: u64, path: &Path, scratch: &Scratch) -> anyhow::Result<()> {
    let ours = |workers: &'static str, more: &'static [&'static str]| {
        move |folder: &Path| {
            let mut command = replay_command(&[path], folder)?;
            command.args(["--workers", workers]).args(more);
            Ok(command)
        }
    };
    // The first program to read a capture would pay for what the disk still holds of it.
    std::io::copy(&mut std::fs::File::open(path)?, &mut std::io::sink())?;
    let flows = best(scratch, ours("1", &["--no-map"]))?;
    let whole = best(scratch, ours("1", &[]))?;
    let (Some(flows), Some(whole)) = (flows, whole) else { anyhow::bail!("sensor replay failed") };
    report("sensor replay --no-map", packets, flows.cpu);
    report("sensor replay", packets, whole.cpu);
    for peer in &PEERS {
        if peer.leaves_out == Some(capture.name) {
            println!("  {:<24} not measured: it takes many minutes", peer.name);
            continue;
        }
        match best(scratch, |folder| Ok((peer.command)(path, folder)))? {
            Some(theirs) => {
                report(peer.name, packets, theirs.cpu);
                let (without_map, with_map) = (theirs.cpu / flows.cpu.max(0.01), theirs.cpu / whole.cpu.max(0.01));
                let bar = if peer.name == "softflowd" { format!(" (bar {})", capture.bar) } else { String::new() };
                println!("  {:<24} ours is {without_map:.1}x without the map{bar}, {with_map:.1}x with it", "");
            }
            None => println!("  {:<24} not measured", peer.name),
        }
    }
    if let Some(two) = best(scratch, ours("2", &["--no-map"]))? {
        let gain = flows.wall / two.wall.max(0.001);
        println!("  --no-map takes {:.2} s with one worker, {:.2} s with two: {gain:.2}x (bar 1.8)", flows.wall, two.wall);
    }
    Ok(())
}

/// Seconds of one run.
#[derive(Clone, Copy)]
struct Spent {
    cpu: f64,
    wall: f64,
}

fn best(scratch: &Scratch, command: impl Fn(&Path) -> anyhow::Result<Command>) -> anyhow::Result<Option<Spent>> {
    let mut best: Option<Spent> = None;
    for _ in 0..RUNS {
        let folder = scratch.file("out");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let begun = Instant::now();
        let Some(cpu) = cost::of_program(command(&folder)?) else { return Ok(None) };
        let wall = begun.elapsed().as_secs_f64();
        best = Some(best.map_or(Spent { cpu, wall }, |so_far| Spent { cpu: so_far.cpu.min(cpu), wall: so_far.wall.min(wall) }));
        if wall > LONG_SECONDS {
            break;
        }
    }
    Ok(best)
}

fn report(name: &str, packets: u64, seconds: f64) {
    // Hundredths of a second is what the kernel counts in: shorter runs say little.
    let rate = packets as f64 / seconds.max(0.01) / 1e6;
    println!("  {name:<24} {seconds:>7.2} CPU s  {rate:>6.2} M packets a CPU-second");
}

/// Without export it would stop early, so it exports to a port where nobody listens.
fn softflowd(capture: &Path, folder: &Path) -> Command {
    let mut command = Command::new("softflowd");
    command.args(["-d", "-6", "-v", "9", "-T", "vlan", "-m", "2000000", "-n", "127.0.0.1:9"]).arg("-r").arg(capture);
    // With a control socket it waits there for somebody to connect, and never ends.
    command.arg("-p").arg(folder.join("pid")).args(["-c", "none"]);
    command
}

fn nfpcapd(capture: &Path, folder: &Path) -> Command {
    let mut command = Command::new("nfpcapd");
    command.args(["-B", "2000000"]).arg("-r").arg(capture).arg("-w").arg(folder);
    command
}

fn argus(capture: &Path, folder: &Path) -> Command {
    let mut command = Command::new("argus");
    command.arg("-X").arg("-r").arg(capture).arg("-w").arg(folder.join("argus.out"));
    command
}

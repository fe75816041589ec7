//! `make bench`, second part: `sensor replay` beside softflowd, nfpcapd and argus on the same captures in the same run. CPU seconds of
//! the whole process, user and system. No bar: what it says is what it is.

#[path = "cost.rs"]
mod cost;

use std::path::Path;
use std::process::Command;

use harness::generate::generate;
use harness::scratch::Scratch;
use harness::sensor::replay_command;

/// Recipe, count, and what it is.
const CAPTURES: [(&str, u64, &str); 3] =
    [("small", 200_000, "64 B, random order"), ("imix", 50_000, "internet mix"), ("elephants", 200_000, "1514 B, eight flows")];

/// The best of so many runs counts: the machine is not ours alone.
const RUNS: usize = 3;

/// A tool, and its command for a capture and a folder to write to.
struct Peer {
    name: &'static str,
    command: fn(&Path, &Path) -> Command,
}

const PEERS: [Peer; 3] = [
    Peer { name: "softflowd", command: softflowd },
    Peer { name: "nfpcapd", command: nfpcapd },
    Peer { name: "argus", command: argus },
];

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` runs this too; it then only has to work.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    for (recipe, count, about) in CAPTURES {
        let scratch = Scratch::create("bench")?;
        let capture = scratch.file("capture.pcap");
        let truth = generate(recipe, Some(if is_bench { count } else { 200 }), 1, &capture, None)?;
        println!("\n{recipe} ({about}): {} packets, {} flows", truth.packets, truth.flows.len());
        let ours = best(&scratch, |folder| {
            let mut command = replay_command(&[&capture], folder)?;
            command.args(["--workers", "1"]);
            Ok(command)
        })?;
        let Some(ours) = ours else { anyhow::bail!("sensor replay failed") };
        report("sensor replay", truth.packets, ours, ours);
        for peer in &PEERS {
            match best(&scratch, |folder| Ok((peer.command)(&capture, folder)))? {
                Some(theirs) => report(peer.name, truth.packets, theirs, ours),
                None => println!("  {:<14} not measured", peer.name),
            }
        }
    }
    Ok(())
}

fn best(scratch: &Scratch, command: impl Fn(&Path) -> anyhow::Result<Command>) -> anyhow::Result<Option<f64>> {
    let mut best: Option<f64> = None;
    for _ in 0..RUNS {
        let folder = scratch.file("out");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let Some(spent) = cost::of_program(command(&folder)?) else { return Ok(None) };
        best = Some(best.map_or(spent, |so_far| so_far.min(spent)));
    }
    Ok(best)
}

fn report(name: &str, packets: u64, seconds: f64, ours: f64) {
    // Hundredths of a second is what the kernel counts in: shorter runs say little.
    let rate = packets as f64 / seconds.max(0.01) / 1e6;
    println!("  {name:<14} {seconds:>7.2} CPU s  {rate:>6.2} M packets a CPU-second  ours is {:.1}x", seconds / ours.max(0.01));
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

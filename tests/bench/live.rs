//! `make bench`, third part: AF_XDP beside TPACKET_V3 on a veth pair, frames of 60 bytes made in the kernel (no socket can make as many),
//! in the same run. A rate is free of loss when every frame that the port took in was seen. Then `sensor run` at a million packets a second.
//!
//! Needs root. Two CPUs: one makes the load and runs the port's receive half, the other receives.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use harness::ledger::Ledger;
use harness::link::{self, FrameCount, Gro};
use harness::namespace::Namespace;
use harness::plant::{SENSOR_HTTP, TAP};
use harness::process::Running;
use harness::scratch::Scratch;
use harness::sensor::Sensor;

/// Packets a second that are tried, in order, until two after each other are too many.
const LADDER: [u64; 12] = [
    400_000, 600_000, 800_000, 1_000_000, 1_250_000, 1_500_000, 1_750_000, 2_000_000, 2_250_000, 2_500_000, 3_000_000, 4_000_000,
];
const STEP_SECONDS: f64 = 1.5;
/// Memory for frames that wait, the same for all: 128 MiB. Less does not outlast the pauses of a machine that does other things, more makes AF_XDP slower.
const RING: &str = "16384";
const BUFFERS: &str = "32768";
const MEBIBYTES: &str = "128";
const FLOWS: &str = "65536";
/// The whole sensor. All flows open in the first tenth of a second: for that burst the largest ring, 512 MiB.
const DEEP_RING: &str = "65536";
const DEEP_BUFFERS: &str = "131072";
const RATE: u64 = 1_000_000;
const SECONDS: f64 = 30.0;

/// What is measured, its program and the arguments behind the interface.
const RECEIVERS: [(&str, &str, &[&str]); 4] = [
    ("TPACKET_V3", "packet_ring", &[MEBIBYTES, "0"]),
    ("AF_XDP generic", "tap_count", &["af_xdp_generic", RING, BUFFERS, "sleep", "0"]),
    ("AF_XDP native", "tap_count", &["af_xdp", RING, BUFFERS, "sleep", "0"]),
    ("libpcap (ours)", "tap_count", &["libpcap", RING, BUFFERS, "sleep", "0"]),
];

fn main() -> Result<()> {
    // `cargo test --benches` runs this too; it then has nothing to show.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    if !Namespace::available() || example("wire_load").is_err() {
        println!("\nlive capture: not measured (needs root, iproute2 and the examples of sensor-capture)");
        return Ok(());
    }
    println!("\nlive capture, 60 B frames of {FLOWS} flows: highest rate without one lost frame, {STEP_SECONDS} s a step");
    let mut rates = Vec::new();
    for (name, program, arguments) in RECEIVERS {
        let rate = loss_free_rate(name, program, arguments)?;
        rates.push(rate);
    }
    if let [ring, generic, native, ..] = rates.as_slice() {
        println!("  AF_XDP native is {:.1} times TPACKET_V3, AF_XDP generic {:.1} times", native / ring, generic / ring);
    }
    println!("\ndelay until a frame is looked at, 20,000 packets a second");
    for waiting in ["sleep", "spin"] {
        let ran = run("tap_count", &["af_xdp", "2048", "4096", waiting, "0"], 20_000, 5.0)?;
        println!("  AF_XDP native, {waiting}: median below {} us, 99 % below {} us", ran.word("median")?, ran.word("p99")?);
    }
    whole_sensor()
}

fn loss_free_rate(name: &str, program: &str, arguments: &[&str]) -> Result<f64> {
    let (mut best, mut failed) = (0.0_f64, 0);
    for rate in LADDER {
        let ran = run(program, arguments, rate, STEP_SECONDS)?;
        let (received, port) = (ran.number("received")?, ran.port);
        let reached = port / ran.seconds;
        if received >= port {
            (best, failed) = (best.max(reached), 0);
        } else {
            failed += 1;
        }
        // The load itself is at its end: the port's receive half costs its CPU as well.
        if failed == 2 || reached < rate as f64 * 0.8 {
            break;
        }
    }
    println!("  {name:<16} {:.2} Mpps", best / 1e6);
    Ok(best)
}

/// What a receiver said of one load.
struct Ran {
    said: String,
    /// Frames that the port took in.
    port: f64,
    seconds: f64,
}

impl Ran {
    fn word(&self, name: &str) -> Result<&str> {
        word(&self.said, name)
    }

    fn number(&self, name: &str) -> Result<f64> {
        Ok(self.word(name)?.parse()?)
    }
}

fn word<'a>(said: &'a str, name: &str) -> Result<&'a str> {
    let mut words = said.split_whitespace().skip_while(|word| *word != name);
    words.nth(1).with_context(|| format!("no `{name}` in `{said}`"))
}

/// A fresh wire, a receiver, a load.
fn run(program: &str, arguments: &[&str], rate: u64, seconds: f64) -> Result<Ran> {
    let (talker, listener) = wire()?;
    let mut command = first_in_line(&listener, &example(program)?.display().to_string());
    command.arg(TAP).args(arguments);
    let mut receiver = Running::start(program, command)?;
    receiver.wait_for_line("a receiver that is ready", Duration::from_secs(10), |line| line == "ready")?;
    let took = load(&talker, rate, seconds)?;
    receiver.end_input();
    let said = receiver.wait_for_line("the result", Duration::from_secs(20), |line| line.starts_with("received"))?;
    let FrameCount { received, .. } = link::frame_count(&listener, TAP)?;
    Ok(Ran { said, port: received as f64, seconds: took })
}

/// Gives how long it took.
fn load(talker: &Namespace, rate: u64, seconds: f64) -> Result<f64> {
    let mut command = first_in_line(talker, &example("wire_load")?.display().to_string());
    let said = harness::namespace::run(command.args(["wire0", &rate.to_string(), &seconds.to_string(), FLOWS, "1"]))?;
    Ok(word(&said, "seconds")?.parse()?)
}

fn wire() -> Result<(Namespace, Namespace)> {
    let (talker, listener) = (Namespace::create("talker")?, Namespace::create("listener")?);
    link::connect((&talker, "wire0"), (&listener, TAP))?;
    for (namespace, interface) in [(&talker, "wire0"), (&listener, TAP)] {
        namespace.run("ip", &["link", "set", interface, "arp", "off", "multicast", "off"])?;
        // A veth port takes frames of XDP programs only with this on.
        link::set_offloads(namespace, interface, Gro::On)?;
    }
    Ok((talker, listener))
}

fn whole_sensor() -> Result<()> {
    let (talker, listener) = wire()?;
    let scratch = Scratch::create("live")?;
    let config = format!(
        "[capture]\npath = \"af-xdp\"\nring_size = {DEEP_RING}\nframe_count = {DEEP_BUFFERS}\n[http]\nlisten = \"{SENSOR_HTTP}\"\n"
    );
    let sensor = Sensor::start_configured(&listener, &scratch, &config)?;
    if has_first_in_line() {
        // The queues' threads: the load has one CPU for itself, and on the other the hub must not hold them up.
        for task in std::fs::read_dir(format!("/proc/{}/task", sensor.running.id()))?.flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if let (true, Some(number)) = (name.starts_with("queue-"), task.file_name().to_str()) {
                harness::namespace::run(Command::new("chrt").args(["-f", "-p", "5", number]))?;
            }
        }
    }
    let took = load(&talker, RATE, SECONDS)?;
    let frames = link::frame_count(&listener, TAP)?.received;
    let ledger = Ledger::settled(&sensor, frames)?;
    ledger.balances()?;
    let losses = ledger.losses();
    println!(
        "\nsensor run, {FLOWS} flows of 60 B: {frames} frames in {took:.1} s ({:.2} Mpps), {} reached the flow table, lost {losses:?}",
        frames as f64 / took / 1e6,
        ledger.of("flow table")?.passed
    );
    Ok(())
}

/// A command that other programs of the machine do not interrupt: what is measured is the kernel's path, not who else works here.
fn first_in_line(namespace: &Namespace, program: &str) -> Command {
    if !has_first_in_line() {
        return namespace.command(program);
    }
    let mut command = namespace.command("chrt");
    command.args(["-f", "5", program]);
    command
}

fn has_first_in_line() -> bool {
    Command::new("chrt").args(["-f", "5", "true"]).output().is_ok_and(|output| output.status.success())
}

/// A program of the capture room's examples, which stand beside the binaries.
fn example(name: &str) -> Result<PathBuf> {
    let sensor = harness::binary::path("sensor")?;
    let path = sensor.parent().context("a binary without a folder")?.join("examples").join(name);
    if path.exists() { Ok(path) } else { bail!("no `{}`; build the examples of sensor-capture", path.display()) }
}

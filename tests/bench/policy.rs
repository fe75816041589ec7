//! `make bench`, fourth part: a policy to the text of a firewall and of a switch, beside aerleon on the same rules in the same run. CPU seconds and
//! peak memory of whole processes. Ours reads the policy, compiles, renders, reads the text back and proves it; aerleon proves nothing.

#[path = "spent.rs"]
mod spent;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use enforcer_policy::{EnforcementPoint, SourceFile};
use enforcer_targets::RenderOptions;
use harness::binary;
use harness::generate::{Random, generate};
use harness::scratch::Scratch;
use harness::sensor::replay_command;
use rustix::time::{ClockId, clock_gettime};
use sensor_model::Timestamp;

/// Rules, and the seconds and megabytes that ours may take for each text.
const SIZES: [(usize, f64, Option<u64>); 3] = [(1_000, 0.1, None), (10_000, 1.0, None), (100_000, 10.0, Some(500))];
const ZONES: u64 = 1_000;
const PORTS: u64 = 2_000;
/// Ours, and how aerleon calls it.
const TARGETS: [(&str, &str); 2] = [("nftables", "nftables inet forward"), ("cisco-ios", "cisco cordon extended")];
/// Seconds that the proof may take, once a rule was added to the largest policy.
const PROVEN_AGAIN: f64 = 0.5;
/// Where `tests/packages.sh bench` puts it.
const AERLEON: &str = "../target/peers/aerleon/bin/aclgen";

fn main() -> Result<()> {
    // `cargo test --benches` runs this too; it then only has to work.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sizes = if is_bench { &SIZES[..] } else { &[(50, f64::MAX, None)][..] };
    let aerleon =
        std::env::var_os("CORDON_AERLEON").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(AERLEON), PathBuf::from);
    for &(rules, seconds, megabytes) in sizes {
        let scratch = Scratch::create("policy")?;
        // Zones are prefixes here; the map only has to be one.
        let capture = scratch.file("capture.pcap");
        generate("small", Some(100), 1, &capture, None)?;
        anyhow::ensure!(replay_command(&[&capture], &scratch.file("map"))?.status()?.success(), "sensor replay failed");
        let rules_of = Rules::draw(rules);
        std::fs::write(scratch.file("policy.yaml"), rules_of.for_us())?;
        println!("\n{rules} rules between {ZONES} zones");
        for (target, theirs) in TARGETS {
            let ours = cost_of(ours(&scratch, target)?).context("enforcer-sdn failed")?;
            let memory = megabytes.map_or(String::new(), |bar| format!(", {bar} MB"));
            println!(
                "  {target:<10} enforcer-sdn, proven {:>7.2} CPU s {:>5} MB  (bar {seconds} s{memory})",
                ours.seconds, ours.megabytes
            );
            if !aerleon.exists() {
                println!("  {target:<10} aerleon not measured: no `{}`", aerleon.display());
                continue;
            }
            rules_of.for_aerleon(&scratch, theirs)?;
            match cost_of(theirs_of(&aerleon, &scratch)) {
                Some(peer) => println!(
                    "  {target:<10} aerleon              {:>7.2} CPU s {:>5} MB  ours takes {:.2} of it",
                    peer.seconds,
                    peer.megabytes,
                    ours.seconds / peer.seconds.max(0.01)
                ),
                None => println!("  {target:<10} aerleon failed"),
            }
        }
        for (target, _) in TARGETS {
            let seconds = proven_again(&mut Rules::draw(rules), target)?;
            println!("  {target:<10} a rule added, proven again {seconds:>5.2} CPU s  (bar {PROVEN_AGAIN} s with 100000)");
        }
    }
    Ok(())
}

/// What the proof alone costs after a rule was put among the others: reading the text and comparing all of it. Nothing is remembered from
/// the proof before.
fn proven_again(rules: &mut Rules, target: &str) -> Result<f64> {
    rules.0.insert(rules.0.len() / 2, (1, 2, 777));
    let target = enforcer_targets::find(target).context("no such target")?;
    let file = SourceFile { name: "policy.yaml".into(), text: rules.for_us() };
    let policy = enforcer_policy::read(&[file]).map_err(|found| anyhow::anyhow!("{found:?}"))?;
    let point = EnforcementPoint { stateful: target.capability.stateful, ..EnforcementPoint::new("bench", target.name) };
    let compiled = enforcer_policy::compile(&policy, &enforcer_policy::merge(&[]), &point, Timestamp::ZERO)
        .map_err(|found| anyhow::anyhow!("{found:?}"))?;
    let text = (target.render)(&compiled.ruleset, &RenderOptions::default())?.text;
    let start = own_seconds();
    enforcer_targets::prove(target, &compiled.ruleset, &text)?;
    Ok(own_seconds() - start)
}

fn own_seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn ours(scratch: &Scratch, target: &str) -> Result<Command> {
    let mut command = Command::new(binary::path("enforcer-sdn")?);
    command.arg("render").arg("--policy").arg(scratch.file("policy.yaml"));
    command.arg("--flowmap").arg(scratch.file("map/flowmap.json"));
    command.args(["--target", target]).arg("--out").arg(scratch.file("ours.txt"));
    Ok(command)
}

fn theirs_of(aclgen: &Path, scratch: &Scratch) -> Command {
    let mut command = Command::new(aclgen);
    for (option, folder) in [("--base_directory", "base"), ("--definitions_directory", "def"), ("--output_directory", "out")] {
        command.arg(option).arg(scratch.file(folder));
    }
    command
}

/// What a program cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    seconds: f64,
    /// At its peak, looked at every few milliseconds.
    megabytes: u64,
}

/// Runs a program to its end. None when it fails.
fn cost_of(mut command: Command) -> Option<Cost> {
    let before = spent::by_children()?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let mut kibibytes = 0;
    let status = loop {
        // Of a process that has ended nothing is said.
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kibibytes = peak.unwrap_or(kibibytes);
        if let Some(status) = child.try_wait().ok()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if !status.success() {
        eprintln!("{command:?} ended with {status}");
        return None;
    }
    Some(Cost { seconds: spent::by_children()? - before, megabytes: kibibytes / 1_024 })
}

/// Who may reach whom on which TCP port; every third is a denial.
struct Rules(Vec<(u64, u64, u64)>);

impl Rules {
    fn draw(count: usize) -> Self {
        let mut random = Random::new(7);
        let mut one = || (random.below(ZONES), random.below(ZONES), 1_024 + random.below(PORTS));
        Self((0..count).map(|_| one()).collect())
    }

    fn for_us(&self) -> String {
        let mut text = String::from("apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: bench, owner: o}\nzones:\n");
        for zone in 0..ZONES {
            let _ = writeln!(text, "  - {{name: z{zone}, mode: enforce, members: [{{prefix: {}}}]}}", prefix(zone));
        }
        text += "rules:\n";
        for (number, (from, to, port)) in self.0.iter().enumerate() {
            let _ = writeln!(
                text,
                "  - {{name: r{number}, from: z{from}, to: z{to}, services: [tcp/{port}], action: {}}}",
                action(number, "allow", "deny")
            );
        }
        text
    }

    fn for_aerleon(&self, scratch: &Scratch, target: &str) -> Result<()> {
        for folder in ["def", "base/pol", "out"] {
            std::fs::create_dir_all(scratch.file(folder))?;
        }
        let networks = (0..ZONES).fold(String::new(), |text, zone| format!("{text}Z{zone} = {}\n", prefix(zone)));
        std::fs::write(scratch.file("def/networks.net"), networks)?;
        let services = (1_024..1_024 + PORTS).fold(String::new(), |text, port| format!("{text}P{port} = {port}/tcp\n"));
        std::fs::write(scratch.file("def/services.svc"), services)?;
        let mut text = format!("header {{\n  target:: {target}\n}}\n");
        for (number, (from, to, port)) in self.0.iter().enumerate() {
            let _ = writeln!(
                text,
                "term r{number} {{\n  source-address:: Z{from}\n  destination-address:: Z{to}\n  protocol:: tcp\n  destination-port:: P{port}\n  \
                 action:: {}\n}}",
                action(number, "accept", "deny")
            );
        }
        std::fs::write(scratch.file("base/pol/bench.pol"), text)?;
        Ok(())
    }
}

fn prefix(zone: u64) -> String {
    format!("10.{}.{}.0/24", zone / 250, zone % 250)
}

const fn action(number: usize, allow: &'static str, deny: &'static str) -> &'static str {
    if number.is_multiple_of(3) { deny } else { allow }
}

//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::parse_duration;

/// Turns what a mirror port saw, and a policy, into proven rules for the firewalls and switches around hosts.
#[derive(Debug, Parser)]
#[command(name = "enforcer-sdn", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// Configuration; without it the built-in defaults (config/enforcer-sdn.toml).
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Table for people, JSON for programs.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 error; 2 changes pending; 3 proof failed; 4 observed traffic would break; 5 over capacity; \
6 drift; 7 rolled back by itself; 8 hygiene";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Propose a policy from what was observed.
    Learn(Learn),
    /// Check policy documents: errors, hygiene, lints.
    Check(Documents),
    /// Say, for every observed conversation, what the policy would do with it.
    Simulate(Documents),
    /// Compare two policies or plans: which packets and conversations get another verdict.
    Diff(Diff),
    /// Say which rule decides for one packet, why, and in which line on which device.
    Explain(Explain),
    /// Compile, render and prove; show what would change on the devices.
    Plan(PlanArgs),
    /// Print the proven text for one enforcement point.
    Render(Render),
    /// Compare a text from anywhere with the policy, as sets of packets.
    Prove(Prove),
    /// Print the commands from the rules that run to the policy's, one entry at a time, and check every state between.
    Update(Update),
    /// Put a plan on its devices; it rolls back by itself unless confirmed in time.
    Apply(Apply),
    /// Keep the applied plan.
    Confirm,
    /// Put back what ran before.
    Rollback,
    /// Compare what runs with what was confirmed.
    Drift,
    /// Say whether the rules bite, from a newer flow map.
    Verify(Verify),
    /// Stay up: recover lost timers, watch for drift, publish metrics.
    Serve,
    /// List the dialects that rules can be written in.
    Targets,
    /// Shut one asset in for a while: it may talk to nobody, whatever zone and mode it is in.
    Quarantine(QuarantineArgs),
    /// Let an asset out of quarantine.
    Release(Release),
    /// Tell the figures that matter: coverage, time to block, false positives, lateral attempts, changes, owners, reviews.
    Report(Documents),
    /// Turn a manufacturer usage description (RFC 8520) into rules for a zone.
    Mud(Mud),
    /// Print the JSON schema of policy documents, for editors.
    Schema,
    /// The timer of an applied plan; started by `apply`.
    #[command(hide = true)]
    Watchdog { plan: String },
}

/// What most commands read.
#[derive(Args, Debug)]
pub struct Documents {
    /// Policy documents; repeat for several.
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// Flow maps: files or addresses of sensors; repeat for several. `check`, `render`, `prove`, `plan` and `update` go without where zones
    /// are prefixes only.
    #[arg(long, value_name = "FILE|URL")]
    pub flowmap: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Learn {
    /// Flow maps: files or addresses of sensors; repeat for several.
    #[arg(long, value_name = "FILE|URL")]
    pub flowmap: Vec<String>,
    /// Where to write the proposal; standard output when absent.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Who answers for the proposed rules.
    #[arg(long)]
    pub owner: Option<String>,
    /// When somebody looks at the proposed rules again.
    #[arg(long, value_name = "DATE")]
    pub review_by: Option<String>,
    /// Mode of the proposed zones.
    #[arg(long, value_enum, default_value_t = ModeArg::Observe)]
    pub mode: ModeArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    Observe,
    Simulate,
    Enforce,
}

#[derive(Args, Debug)]
pub struct Diff {
    /// Before: a policy document, or a plan.
    pub old: PathBuf,
    /// After: a policy document, or a plan.
    pub new: PathBuf,
    /// Flow maps: files or addresses of sensors; repeat for several.
    #[arg(long, value_name = "FILE|URL")]
    pub flowmap: Vec<String>,
    /// Only this enforcement point.
    #[arg(long)]
    pub point: Option<String>,
    /// Compare policies as if every zone were in `enforce`.
    #[arg(long)]
    pub enforced: bool,
    /// Packet sets to print of each kind and point.
    #[arg(long, default_value_t = 20)]
    pub most: usize,
}

#[derive(Args, Debug)]
pub struct Explain {
    #[command(flatten)]
    pub documents: Documents,
    /// Asset (id or label) or address that initiates.
    pub from: String,
    /// Asset (id or label) or address that is asked.
    pub to: String,
    /// Service: a name (modbus), or protocol and port (tcp/502, icmp/echo-request, ip/47).
    pub service: String,
    /// At this moment (2026-12-31T18:00:00Z); now when absent.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

#[derive(Args, Debug)]
pub struct PlanArgs {
    #[command(flatten)]
    pub documents: Documents,
    /// Where to write the plan.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The conversations that the plan cuts are meant to be cut.
    #[arg(long)]
    pub accept_cuts: bool,
}

/// For which point, as which dialect.
#[derive(Args, Debug)]
pub struct AtPoint {
    /// Dialect; the point's own when absent.
    #[arg(long)]
    pub target: Option<String>,
    /// Enforcement point, where there are several.
    #[arg(long)]
    pub point: Option<String>,
    /// Zone that the point stands at: only the rules for what its hosts send and get; repeat for several.
    #[arg(long)]
    pub zone: Vec<String>,
    /// Of those only the rules for what its hosts send.
    #[arg(long)]
    pub one_way: bool,
    /// A name of the device's own (zone, interface, label) and what is behind it: zones of the policy or prefixes, `*` for all others; repeat
    /// for several.
    #[arg(long, value_name = "NAME=ZONE,...", value_parser = device_zone)]
    pub device_zone: Vec<(String, Vec<String>)>,
    /// Where the dialect has no times, leave rules with a schedule closed, and where it has no log, leave entries out; say so, instead of an
    /// error.
    #[arg(long)]
    pub narrow: bool,
}

#[derive(Args, Debug)]
pub struct Render {
    #[command(flatten)]
    pub documents: Documents,
    #[command(flatten)]
    pub at: AtPoint,
    /// Where to write the text; standard output when absent.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Prove {
    #[command(flatten)]
    pub documents: Documents,
    #[command(flatten)]
    pub at: AtPoint,
    /// Where to write the counterexample as a capture, if there is one.
    #[arg(long, value_name = "FILE", default_value = "counterexample.pcap")]
    pub counterexample: PathBuf,
    /// The text: a rendering, a running configuration, another generator's output.
    pub text: PathBuf,
}

#[derive(Args, Debug)]
pub struct Update {
    #[command(flatten)]
    pub documents: Documents,
    #[command(flatten)]
    pub at: AtPoint,
    /// What the device shows: its lists with the numbers of their entries, their groups, and the interfaces they are bound to.
    #[arg(long, value_name = "FILE")]
    pub running: PathBuf,
    /// Where to write the commands; standard output when absent.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Apply {
    /// A plan written by `plan --out`.
    pub plan: PathBuf,
    /// How long to wait for `confirm` before everything is put back (30s, 10m).
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub confirm: Option<Duration>,
    /// Return at once; the timer runs on by itself.
    #[arg(long)]
    pub detach: bool,
}

#[derive(Args, Debug)]
pub struct QuarantineArgs {
    #[command(flatten)]
    pub documents: Documents,
    /// Asset (id or label) or address.
    pub asset: String,
    /// How long (30m, 8h, 7d).
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration, default_value = "24h")]
    pub duration: Duration,
    /// Who answers for it.
    #[arg(long)]
    pub owner: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Where it was asked for.
    #[arg(long)]
    pub ticket: Option<String>,
    #[command(flatten)]
    pub way: Way,
}

#[derive(Args, Debug)]
pub struct Release {
    #[command(flatten)]
    pub documents: Documents,
    /// Asset (id or label) or address, as `report` lists it.
    pub asset: String,
    #[command(flatten)]
    pub way: Way,
}

/// From a plan to the devices.
#[derive(Args, Debug)]
pub struct Way {
    /// Where to write the plan.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Apply the plan at once; it rolls back by itself unless confirmed in time.
    #[arg(long)]
    pub apply: bool,
    /// With --apply: how long to wait for `confirm`.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub confirm: Option<Duration>,
    /// With --apply: return at once; the timer runs on by itself.
    #[arg(long)]
    pub detach: bool,
}

#[derive(Args, Debug)]
pub struct Mud {
    /// The description, as JSON (`sensor export mud` writes one for an asset).
    pub file: PathBuf,
    /// Zone of the devices.
    #[arg(long)]
    pub zone: String,
    /// Define that zone too, as all assets of this role.
    #[arg(long)]
    pub role: Option<String>,
    /// Zone that `local-networks` means; repeat for several.
    #[arg(long, value_name = "ZONE")]
    pub local: Vec<String>,
    /// Zone that `controller` and `my-controller` mean; repeat for several.
    #[arg(long, value_name = "ZONE")]
    pub controller: Vec<String>,
    /// Zone that `manufacturer`, `same-manufacturer` and `model` mean; repeat for several.
    #[arg(long, value_name = "ZONE")]
    pub manufacturer: Vec<String>,
    /// Who answers for the rules.
    #[arg(long)]
    pub owner: Option<String>,
    /// When somebody looks at the rules again.
    #[arg(long, value_name = "DATE")]
    pub review_by: Option<String>,
    /// Where to write the policy document; standard output when absent.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    pub documents: Documents,
    /// The flow map before the rules were applied, to tell new traffic from old.
    #[arg(long, value_name = "FILE")]
    pub before: PathBuf,
}

fn device_zone(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, behind) =
        text.rsplit_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as `trust=plcs,hmis`, or `untrust=*`")?;
    Ok((name.to_owned(), behind.split(',').map(str::to_owned).collect()))
}

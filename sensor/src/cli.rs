//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{CapturePath, Dedup};
use crate::view::export::Form;
use crate::view::{Format, SourceArgs};

/// Maps from a mirror port what hosts really do. Listens, never sends.
#[derive(Debug, Parser)]
#[command(name = "sensor", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read capture files and write conn.log, flowmap.json, alerts.ndjson and stats.json
    Replay {
        /// Capture files (pcap, pcapng, plain or compressed; `-` is standard input), read one after the other
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Folder for the documents; made when missing
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Threads that decode and track; the documents are the same for any number [default: all cores]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        workers: Option<u16>,
        /// Count flows at the outermost header instead of the innermost one behind tunnels
        #[arg(long)]
        no_decap: bool,
        /// Write conn.log and stats.json only: no assets, no conversations, no alerts, which is faster
        #[arg(long)]
        no_map: bool,
        /// Whether packets with a wrong checksum are left out
        #[arg(long)]
        checksums: Option<Checksums>,
        /// Leave out frames that the mirror delivered more than once within this time, as "1ms" or "500us" [default: off]
        #[arg(long, value_name = "off|WINDOW")]
        dedup: Option<Dedup>,
        /// Configuration file; what it leaves out has the defaults of config/sensor.toml
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Listen at a mirror port until stopped
    Run {
        /// Port that receives the mirrored traffic [default: the configuration's]
        #[arg(long, value_name = "IF")]
        interface: Option<String>,
        /// How frames are taken from the port [default: the configuration's]
        #[arg(long, value_name = "PATH")]
        capture: Option<CapturePath>,
        /// Configuration file; what it leaves out has the defaults of config/sensor.toml
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Whether a mirror port shows what it should: VLANs, directions, loss, what is missing
    ///
    /// Exit code 0: nothing failed (there may be warnings). 1: the test itself went wrong. 2: a check failed.
    Selftest(crate::selftest::Arguments),
    /// Check a configuration file
    Check {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// How the sensor is doing
    Status(ReadArgs),
    /// Who is there, and how we know
    Assets(ReadArgs),
    /// Who asks whom for what
    Conversations(ReadArgs),
    /// Everything believed of one asset, with its evidence
    Why {
        /// Id, label, address, MAC or name of the asset
        asset: String,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// How the tap sees each host
    Coverage(ReadArgs),
    /// The map in forms of other tools
    Export {
        #[command(subcommand)]
        form: Form,
        #[command(flatten)]
        source: SourceArgs,
    },
}

#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Checksums {
    Ignore,
    Verify,
}

//! A Linux router or bridge with nftables: `nft` replaces one table as a transaction, `conntrack` cuts.
//!
//! Words that differ: nft's "established" is conntrack's memory, so a rule that is gone does not end what it once admitted.
//! Only our own table is read or written; what others keep in theirs stays.

use anyhow::{Context, Result};
use enforcer_packetset::Packet;

use crate::config::Point;
use crate::driver::via::Via;
use crate::driver::{Cut, Driver, DriverKind, Running, conntrack};

pub const KIND: DriverKind = DriverKind { name: "nft", target: "nftables", open };
pub const BRIDGE: DriverKind = DriverKind { name: "nft-bridge", target: "nftables-bridge", open: open_bridge };
pub const STATELESS_BRIDGE: DriverKind =
    DriverKind { name: "nft-bridge-stateless", target: "nftables-bridge-stateless", open: open_stateless_bridge };

struct Nft {
    via: Via,
    /// nft's `inet` means both families in one table.
    family: &'static str,
    /// Connections are remembered.
    follows: bool,
}

fn open(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Nft { via: Via::new(&point.via), family: "inet", follows: true }))
}

fn open_bridge(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Nft { via: Via::new(&point.via), family: "bridge", follows: true }))
}

fn open_stateless_bridge(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Nft { via: Via::new(&point.via), family: "bridge", follows: false }))
}

impl Driver for Nft {
    fn read_back(&self) -> Result<Running> {
        let tables = self.via.run(&["nft", "list", "tables"], "").context("cannot list the tables of nftables")?;
        if !tables.lines().any(|line| line.trim() == format!("table {} cordon", self.family)) {
            return Ok(Running(None));
        }
        // -s leaves counter values out: they change by themselves and are no part of the rules. -nn: numbers, no names.
        let text = self.via.run(&["nft", "-nn", "-s", "list", "table", self.family, "cordon"], "")?;
        Ok(Running(Some(text)))
    }

    fn apply(&self, text: &str) -> Result<()> {
        self.via.run(&["nft", "-f", "-"], text).map(drop)
    }

    fn restore(&self, checkpoint: &Running) -> Result<()> {
        // Adding first makes the delete valid when the table is gone already; all of it is one transaction.
        let family = self.family;
        let mut text = format!("table {family} cordon {{\n}}\ndelete table {family} cordon\n");
        text.push_str(checkpoint.0.as_deref().unwrap_or_default());
        self.apply(&text)
    }

    fn cut(&self, denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
        // What looks at each packet alone remembers nothing, and the new rules bite on the next one.
        if !self.follows {
            return Ok(Cut::default());
        }
        conntrack::cut(&self.via, denied)
    }
}

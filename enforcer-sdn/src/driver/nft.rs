//! A Linux box with nftables: `nft` replaces one table as a transaction, `conntrack` cuts.
//!
//! Words that differ: nft's "established" is conntrack's memory, so a rule that is gone does not end what it once admitted.
//! Only our own table is read or written; what others keep in theirs stays.

use anyhow::{Context, Result};
use enforcer_packetset::Packet;

use crate::config::Point;
use crate::driver::via::Via;
use crate::driver::{Cut, Driver, DriverKind, Running, conntrack};

pub const KIND: DriverKind = DriverKind { name: "nft", target: "nftables", open };

/// nft's `inet` means both families in one table.
const TABLE: &str = "inet cordon";

struct Nft {
    via: Via,
}

fn open(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Nft { via: Via::new(&point.via) }))
}

impl Driver for Nft {
    fn read_back(&self) -> Result<Running> {
        let tables = self.via.run(&["nft", "list", "tables"], "").context("cannot list the tables of nftables")?;
        if !tables.lines().any(|line| line.trim() == format!("table {TABLE}")) {
            return Ok(Running(None));
        }
        // -s leaves counter values out: they change by themselves and are no part of the rules. -nn: numbers, no names.
        let text = self.via.run(&["nft", "-nn", "-s", "list", "table", "inet", "cordon"], "")?;
        Ok(Running(Some(text)))
    }

    fn apply(&self, text: &str) -> Result<()> {
        self.via.run(&["nft", "-f", "-"], text).map(drop)
    }

    fn restore(&self, checkpoint: &Running) -> Result<()> {
        // Adding first makes the delete valid when the table is gone already; all of it is one transaction.
        let mut text = format!("table {TABLE} {{\n}}\ndelete table {TABLE}\n");
        text.push_str(checkpoint.0.as_deref().unwrap_or_default());
        self.apply(&text)
    }

    fn cut(&self, denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
        conntrack::cut(&self.via, denied)
    }
}

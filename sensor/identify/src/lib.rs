//! Facts to assets: which addresses are one thing, what it is called, who made it, what it is for. Pure.
//!
//! `Inventory` keeps records of MAC and IP addresses; `ownership.rs` says which IP belongs to which MAC and why, `role.rs` what follows from
//! what a host serves and uses; `coverage.rs` how well the tap sees it, `ledger.rs` and `tap.rs` how well the tap sees at all.

mod coverage;
mod dossier;
mod inventory;
mod ledger;
mod name;
mod number;
mod oui;
mod ownership;
mod rates;
mod record;
mod report;
mod role;
mod scope;
mod sight;
mod slots;
mod standing;
mod tap;
mod vlan;

pub use inventory::{Config, Inventory, Presence, Sighting, Unplaced};
pub use ledger::Weighed;
pub use number::{AssetNumber, Place};
pub use oui::vendor_of;
pub use scope::{is_group, scope_of};
pub use tap::OwnDrops;

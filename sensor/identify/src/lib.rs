//! Facts to assets: which addresses are one thing, what it is called, who made it, what it is for. Pure.
//!
//! `Inventory` keeps records of MAC and IP addresses; `ownership.rs` says which IP belongs to which MAC and why, `role.rs` what follows from
//! what a host serves and uses.

mod coverage;
mod dossier;
mod inventory;
mod name;
mod number;
mod oui;
mod ownership;
mod record;
mod report;
mod role;
mod scope;
mod slots;
mod standing;

pub use inventory::{Config, Inventory, Presence, Sighting, Unplaced};
pub use number::{AssetNumber, Place};
pub use oui::vendor_of;
pub use scope::{is_group, scope_of};

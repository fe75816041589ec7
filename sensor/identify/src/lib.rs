//! Facts to assets: which addresses are one thing, what it is called, who made it, what it is for. Pure.

mod inventory;
mod oui;

pub use inventory::{Config, Inventory, Presence, Sighting};
pub use oui::vendor_of;

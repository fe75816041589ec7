//! Sections of a whole configuration beside policies and their objects: harmless, or an error that says what they do.

use super::beside::{CHECKED, FILTERS, KNOWN, UNRELATED};
use super::tree::{Block, Setting};
use crate::reading::Word;
use crate::target::ParseError;

/// That nothing in the block decides about packets that pass through.
pub(super) fn check(block: &Block<'_>) -> Result<(), ParseError> {
    check_named(block, &block.title())
}

fn check_named(block: &Block<'_>, name: &str) -> Result<(), ParseError> {
    if block.is_empty() {
        return Ok(());
    }
    if let Some((_, why)) = FILTERS.iter().find(|(filter, _)| *filter == name) {
        let is_off = |setting: &Setting<'_>| setting.key.text == "status" && setting.joined() == "disable";
        let entry = block.entries.iter().find(|entry| !entry.settings.iter().any(is_off));
        let place = entry.map(|entry| entry.name).or(block.settings.first().map(|setting| setting.key));
        return place.map_or(Ok(()), |place| Err(beside(place, name, why)));
    }
    if let Some((_, keys)) = KNOWN.iter().find(|(known, _)| *known == name) {
        let entries = block.entries.iter();
        for setting in block.settings.iter().chain(entries.clone().flat_map(|entry| &entry.settings)) {
            check_setting(setting, name, keys)?;
        }
        for inner in block.blocks.iter().chain(entries.flat_map(|entry| &entry.blocks)) {
            // Off where a setting that must be off says whether it is.
            let is_off = CHECKED.iter().any(|(of, key, values, _)| *of == name && *key == "status" && *values == ["disable"]);
            if !is_off && inner.title() != "tagging" {
                check_named(inner, &format!("{name} {}", inner.title()))?;
            }
        }
        return Ok(());
    }
    let is_below = |start: &str| name.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if UNRELATED.iter().any(|start| is_below(start)) {
        return Ok(());
    }
    let advice = "if it filters, changes or turns no packets, cut the section out: what counts are firewall policies, addresses, services \
                  and their groups";
    Err(block.place().error(format!("`{name}` is not understood"), advice))
}

fn check_setting(setting: &Setting<'_>, section: &str, keys: &[&str]) -> Result<(), ParseError> {
    let key = setting.key;
    let checked = CHECKED.iter().find(|(of, name, ..)| *of == section && *name == key.text);
    if let Some((_, _, harmless, why)) = checked {
        let value = setting.joined();
        let is_harmless = setting.values.is_empty() || harmless.contains(&value.as_str());
        return if is_harmless { Ok(()) } else { Err(beside(key, &format!("{} {value}", key.text), why)) };
    }
    let is_known = |known: &str| known.strip_suffix('*').map_or(key.text == known, |start| key.text.starts_with(start));
    if keys.iter().any(|known| is_known(known)) {
        return Ok(());
    }
    let advice = "if it filters, changes or turns no packets, cut the line out";
    Err(key.error(format!("`{}` is not known in `{section}`", key.text), advice))
}

/// It filters beside the policies.
pub(super) fn beside(place: Word<'_>, what: &str, why: &str) -> ParseError {
    let advice = format!("{why}; cut it out only if what the policies do is to be proven without it");
    place.error(format!("`{what}` decides about packets too"), advice)
}

/// Whether a full listing says nothing with this setting.
pub(super) fn is_default(setting: &Setting<'_>, defaults: &[(&str, &[&str])]) -> bool {
    defaults.iter().any(|(key, values)| *key == setting.key.text && values.contains(&setting.joined().as_str()))
}

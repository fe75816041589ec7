//! From the rules that run to the rules that are wanted, one command after the other: whatever both admit is admitted after each of them,
//! and nothing that neither admits. For lists of numbered entries.
//!
//! `order` finds the commands, `check` steps through them with a `model` of the device, which reads the commands themselves and shares
//! nothing with `order` but the reader of lists; what `check` does not pass is not given out.
//!
//! What is checked are the states between two commands. What a device does while it takes one in, and while its hardware follows, is its own.

mod check;
mod dialects;
mod model;
mod order;
mod swap;

use enforcer_packetset::{Limits, Packet, TooLarge, compare};
use enforcer_policy::Ruleset;

pub use check::check;

use crate::target::{ParseError, RenderError, RenderOptions, Target};
use model::{Device, List};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Does {
    Insert,
    Remove,
    /// New numbers, the same order.
    Resequence,
    /// A line of a list that is not bound yet, or of a time range that nothing refers to yet.
    Build,
    /// The new list judges packets from here on.
    Bind,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is entered before it, unless it was before the last one: a list, an interface. Empty for none.
    pub mode: String,
    pub text: String,
    pub does: Does,
}

/// The commands, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// None: what runs does what is wanted.
    pub commands: Vec<Command>,
    /// What has to be known about them.
    pub notes: Vec<String>,
}

impl Update {
    /// As it is typed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut mode = "";
        for command in &self.commands {
            if command.mode != mode {
                // Some devices take the changes of a list in when it is left.
                text += if mode.is_empty() { "" } else { "exit\n" };
                mode = &command.mode;
                text += mode;
                text += if mode.is_empty() { "" } else { "\n" };
            }
            text += if mode.is_empty() { "" } else { "  " };
            text += &command.text;
            text += "\n";
        }
        text + if mode.is_empty() { "" } else { "exit\n" }
    }

    /// How many commands do that.
    #[must_use]
    pub fn count(&self, does: Does) -> usize {
        self.commands.iter().filter(|command| command.does == does).count()
    }
}

/// Why there are no commands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUpdated {
    #[error("`{0}` has no lists of numbered entries; known: {1}")]
    Dialect(&'static str, String),
    #[error(transparent)]
    Unreadable(#[from] ParseError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("{0}; nothing is known about the steps")]
    Model(String),
    #[error(transparent)]
    Unsafe(#[from] Box<Unsafe>),
}

/// A state that must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("after step {step} (`{command}`) the device {wrong}: `{packet}`")]
pub struct Unsafe {
    /// Counted from 1.
    pub step: usize,
    pub command: String,
    pub wrong: Wrong,
    pub packet: Packet,
}

/// What is wrong with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    AdmitsTooMuch,
    AdmitsTooLittle,
    /// All commands are done, and the rules are not the wanted ones.
    EndsElsewhere,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AdmitsTooMuch => "admits what neither the old nor the new rules admit",
            Self::AdmitsTooLittle => "denies what both the old and the new rules admit",
            Self::EndsElsewhere => "does not do what the new rules say",
        })
    }
}

/// Names that new lists may have: the first that does not run.
const NAMES: [&str; 2] = ["cordon", "cordon-next"];

/// The commands from `running`, a device's text with its own numbers, to the ruleset.
///
/// # Errors
/// When a text is not understood, when the ruleset cannot be rendered, and when no commands pass the check.
pub fn update(target: &Target, ruleset: &Ruleset, running: &str) -> Result<Update, NotUpdated> {
    let syntax = dialects::of(target)?;
    (target.parse)(running)?;
    let device = Device::read(syntax, running)?;
    let render = |name: &str| (target.render)(ruleset, &RenderOptions { name: name.to_owned(), ..RenderOptions::default() });
    let mut wanted = None;
    for name in NAMES {
        let new = Device::read(syntax, &render(name)?.text)?;
        if !new.lists.iter().any(|list| device.list(&list.name).is_some()) {
            wanted = Some(new);
            break;
        }
    }
    let all = "lists of both names run already (`cordon`, `cordon-next`): give the text of those that are bound only";
    let wanted = wanted.ok_or_else(|| NotUpdated::Model(all.into()))?;
    let mut update = Update::default();
    let mut device = device;
    let definitions = define(&mut device, &wanted)?;
    for new in &wanted.lists {
        one_list(target, &device, new, &mut update)?;
    }
    if !update.commands.is_empty() {
        update.commands.splice(0..0, definitions);
    }
    check(target, running, &ruleset.steps(), &update.commands)?;
    Ok(update)
}

/// The commands for the time ranges that are wanted and not there, which the device then has. Nothing refers to them yet.
fn define(device: &mut Device, wanted: &Device) -> Result<Vec<Command>, NotUpdated> {
    let mut commands = Vec::new();
    for (name, lines) in &wanted.times {
        match device.times.get(name) {
            Some(running) if running == lines => {}
            Some(_) => {
                return Err(NotUpdated::Model(format!(
                    "the time range `{name}` runs with other times: remove it, or what refers to it"
                )));
            }
            None => {
                let mode = format!("time-range {name}");
                commands.extend(lines.iter().map(|line| Command { mode: mode.clone(), text: line.clone(), does: Does::Build }));
                device.times.insert(name.clone(), lines.clone());
            }
        }
    }
    Ok(commands)
}

fn one_list(target: &Target, device: &Device, new: &List, update: &mut Update) -> Result<(), NotUpdated> {
    let alone = |list: Option<&List>| (target.parse)(&device.text_of(list));
    let old = device.active(new.is_ipv6);
    if compare(&alone(old)?.steps, &alone(Some(new))?.steps, Limits::default())?.is_ok() {
        return Ok(());
    }
    let why = match old {
        None => format!("no list of its IP version runs, so `{}` is built and bound", new.name),
        Some(old) => match order::in_place(target, device, old, new)? {
            Ok(commands) => {
                update.commands.extend(commands);
                return Ok(());
            }
            Err(why) => format!("`{}` is not changed entry by entry: {why}; `{}` is built and bound instead", old.name, new.name),
        },
    };
    update.notes.push(why);
    swap::swap(device, new, update);
    Ok(())
}

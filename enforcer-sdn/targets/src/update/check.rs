//! Steps through the commands, and compares every state of the device with the old and the new rules, packet set by packet set.

use enforcer_packetset::{Disagreement, Limits, Step, TooLarge, compare};

use super::dialects;
use super::model::Device;
use super::{Command, NotUpdated, Unsafe, Wrong};
use crate::target::Target;

/// Whether each command leaves a state that admits what `running` and `wanted` both admit, and nothing that neither admits; and whether the
/// last one leaves what is wanted.
///
/// # Errors
/// When not: with the step and a packet. When a text is not understood, also between two commands.
pub fn check(target: &Target, running: &str, wanted: &[Step], commands: &[Command]) -> Result<(), NotUpdated> {
    let old = (target.parse)(running)?.steps;
    let mut device = Device::read(dialects::of(target)?, running)?;
    let mut text = device.text();
    let mut state = (target.parse)(&text)?.steps;
    if compare(&old, &state, Limits::default())?.is_err() {
        return Err(NotUpdated::Model("the text does not fit a list of numbered entries".into()));
    }
    for (step, command) in (1..).zip(commands) {
        let told = |what: &dyn std::fmt::Display| NotUpdated::Model(format!("step {step} (`{}`): {what}", command.text));
        device.take(command).map_err(|what| told(&what))?;
        let now = device.text();
        if now == text {
            continue;
        }
        text = now;
        state = (target.parse)(&text).map_err(|error| told(&error))?.steps;
        let found = match bounds(&old, wanted, &state)? {
            None => continue,
            Some((wrong, packet)) => Unsafe { step, command: command.text.clone(), wrong, packet },
        };
        return Err(Box::new(found).into());
    }
    let Err(found) = compare(wanted, &state, Limits::default())? else { return Ok(()) };
    let packet = found.witness().ok_or(TooLarge { limit: "witnesses", allowed: 0 })?;
    let command = commands.last().map_or_else(String::new, |last| last.text.clone());
    Err(Box::new(Unsafe { step: commands.len(), command, wrong: Wrong::EndsElsewhere, packet }).into())
}

/// A packet that fares otherwise than with the old and than with the new rules.
fn bounds(old: &[Step], wanted: &[Step], state: &[Step]) -> Result<Option<(Wrong, enforcer_packetset::Packet)>, TooLarge> {
    let apart =
        |steps: &[Step]| -> Result<Option<Box<Disagreement>>, TooLarge> { Ok(compare(steps, state, Limits::default())?.err()) };
    let (Some(old), Some(new)) = (apart(old)?, apart(wanted)?) else { return Ok(None) };
    let opened = old.only_left_denies.intersection(&new.only_left_denies)?;
    let closed = old.only_right_denies.intersection(&new.only_right_denies)?;
    for (wrong, set) in [(Wrong::AdmitsTooMuch, opened), (Wrong::AdmitsTooLittle, closed)] {
        if !set.is_empty() {
            let packet = set.witness().ok_or(TooLarge { limit: "witnesses", allowed: 0 })?;
            return Ok(Some((wrong, packet)));
        }
    }
    Ok(None)
}

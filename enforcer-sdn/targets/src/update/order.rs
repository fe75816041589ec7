//! An order of single entries to insert and to remove, each of which changes the verdict only for packets whose verdict is to change.
//!
//! What both lists have in common, in the same order, stays. Between two entries that stay, the new ones come before or behind the ones that go.
//! Then what can be done without harm is done, until nothing is left or nothing goes. No entry ever stands twice, with or without `log`:
//! some devices drop the second one silently.

use enforcer_packetset::{Limits, PacketSet, Step, TooLarge, compare};

use super::dialects::Resequence;
use super::model::{Device, HIGHEST, List};
use super::{Command, Does, NotUpdated};
use crate::target::Target;

/// Longer lists are not compared entry by entry.
const MOST_PAIRS: usize = 4_000_000;

/// Trials for each entry that comes or goes.
const TRIALS: usize = 12;

/// An entry and what it says.
#[derive(Clone)]
struct Entry {
    number: u32,
    text: String,
    says: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    Comes,
}

/// An entry of either list, in the order in which they stand together.
struct Slot {
    fate: Fate,
    is_there: bool,
    entry: Entry,
}

/// The commands; or why there are none.
pub(super) fn in_place(
    target: &Target,
    device: &Device,
    old: &List,
    new: &List,
) -> Result<Result<Vec<Command>, &'static str>, NotUpdated> {
    if let Some(why) = device.syntax.never_in_place {
        return Ok(Err(why));
    }
    if !old.is_numbered {
        return Ok(Err("its text has entries without numbers"));
    }
    if old.entries.len().saturating_mul(new.entries.len()) > MOST_PAIRS {
        return Ok(Err("it is too long"));
    }
    let has_remarks = device.syntax.numbers_remarks || old.entries.values().any(|entry| is_remark(entry));
    let before = entries(target, device, old)?;
    let mut after: Vec<Entry> = Vec::new();
    for entry in entries(target, device, new)? {
        // An entry behind the same one decides nothing.
        if (has_remarks || !is_remark(&entry.text)) && !after.iter().any(|other| other.is_twin(&entry)) {
            after.push(entry);
        }
    }
    let mut why = "no order of single entries keeps what both rules say";
    for comes_first in [true, false] {
        let mut slots = merged(&before, &after, comes_first);
        let Some(renumbered) = give_numbers(&mut slots, device, old) else {
            why = "there are not enough free numbers";
            continue;
        };
        let mut search = Search::new(target, device, old, new, &slots)?;
        if let Some(changes) = search.changes(&mut slots)? {
            let renumbered = renumbered.then(|| resequence(device, old, step_of(&slots)));
            let commands = changes.into_iter().filter_map(|at| slots.get(at)).map(|slot| command(device, old, slot));
            return Ok(Ok(renumbered.into_iter().flatten().chain(commands).collect()));
        }
    }
    Ok(Err(why))
}

fn is_remark(text: &str) -> bool {
    text.starts_with("remark ")
}

impl Entry {
    /// Whether a device may take the two for one.
    fn is_twin(&self, other: &Self) -> bool {
        let bare = |says: &[Step]| says.iter().map(|step| (step.selector.clone(), step.effect.verdict)).collect::<Vec<_>>();
        if self.says.is_empty() { self.text == other.text } else { bare(&self.says) == bare(&other.says) }
    }

    fn is(&self, other: &Self) -> bool {
        self.says == other.says && (!self.says.is_empty() || self.text == other.text)
    }
}

/// Each entry with what it says when it stands alone before an entry for everything.
fn entries(target: &Target, device: &Device, list: &List) -> Result<Vec<Entry>, NotUpdated> {
    let rest = if list.is_ipv6 { "permit ipv6 any any" } else { "permit ip any any" };
    let one = |(number, text): (&u32, &String)| {
        let says = if is_remark(text) {
            Vec::new()
        } else {
            let alone = [(10, text.as_str()), (20, "remark rest"), (30, rest)];
            (target.parse)(&device.text_with(list, alone.into_iter()))?.steps
        };
        Ok(Entry { number: *number, text: text.clone(), says })
    };
    list.entries.iter().map(one).collect()
}

/// Both lists as one: a longest common subsequence, and in each gap of it what comes and what goes.
fn merged(before: &[Entry], after: &[Entry], comes_first: bool) -> Vec<Slot> {
    let width = after.len() + 1;
    let mut longest = vec![0_u32; (before.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    let same: Vec<bool> = before.iter().flat_map(|one| after.iter().map(|other| one.is(other))).collect();
    let is_same = |i: usize, j: usize| same.get(i * after.len() + j).copied().unwrap_or(false);
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            longest[at(i, j)] =
                if is_same(i, j) { longest[at(i + 1, j + 1)] + 1 } else { longest[at(i + 1, j)].max(longest[at(i, j + 1)]) };
        }
    }
    let mut slots = Vec::new();
    let (mut i, mut j) = (0, 0);
    let (mut goes, mut comes) = (Vec::new(), Vec::new());
    let slot = |entry: &Entry, fate| Slot { fate, is_there: fate != Fate::Comes, entry: entry.clone() };
    loop {
        let (one, other) = (before.get(i), after.get(j));
        let stays = one.filter(|_| other.is_some() && is_same(i, j));
        if stays.is_some() || (one.is_none() && other.is_none()) {
            let (goes, comes) = (std::mem::take(&mut goes), std::mem::take(&mut comes));
            let (first, second) = if comes_first { (comes, goes) } else { (goes, comes) };
            slots.extend(first.into_iter().chain(second));
            let Some(stays) = stays else { return slots };
            slots.push(slot(stays, Fate::Stays));
            (i, j) = (i + 1, j + 1);
            continue;
        }
        match (one, other) {
            (Some(one), None) => {
                goes.push(slot(one, Fate::Goes));
                i += 1;
            }
            (Some(one), Some(_)) if longest[at(i + 1, j)] >= longest[at(i, j + 1)] => {
                goes.push(slot(one, Fate::Goes));
                i += 1;
            }
            (_, Some(other)) => {
                comes.push(slot(other, Fate::Comes));
                j += 1;
            }
            (None, None) => return slots,
        }
    }
}

/// Numbers for what comes, between what is there. Whether all entries had to get new ones; None where that does not help.
fn give_numbers(slots: &mut [Slot], device: &Device, old: &List) -> Option<bool> {
    if fits(slots) {
        return Some(false);
    }
    if old.has_loose_remarks || device.syntax.resequence[usize::from(old.is_ipv6)] == Resequence::None {
        return None;
    }
    let step = step_of(slots);
    for (at, slot) in (1..).zip(slots.iter_mut().filter(|slot| slot.fate != Fate::Comes)) {
        slot.entry.number = step.checked_mul(at)?;
    }
    fits(slots).then_some(true)
}

/// A step that leaves room for the longest run of what comes.
fn step_of(slots: &[Slot]) -> u32 {
    let runs = slots.split(|slot| slot.fate != Fate::Comes).map(<[Slot]>::len);
    runs.max().and_then(|run| u32::try_from(run).ok()).map_or(10, |run| run.saturating_add(1).max(10))
}

fn fits(slots: &mut [Slot]) -> bool {
    let mut low = 0_u32;
    let mut at = 0;
    while at < slots.len() {
        let Some(rest) = slots.get_mut(at..) else { return true };
        let run = rest.iter().take_while(|slot| slot.fate == Fate::Comes).count();
        let high = rest.get(run).map(|slot| u64::from(slot.entry.number));
        let room = high.map_or(10 * (run as u64 + 1), |high| high.saturating_sub(u64::from(low)));
        if room <= run as u64 || u64::from(low) + room > u64::from(HIGHEST) {
            return false;
        }
        for (place, slot) in (1..).zip(rest.iter_mut().take(run)) {
            let offset = room * place / (run as u64 + 1);
            slot.entry.number = low.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        }
        low = rest.get(run).map_or(low, |slot| slot.entry.number);
        at += run + 1;
    }
    true
}

fn resequence(device: &Device, list: &List, step: u32) -> Option<Command> {
    let version = usize::from(list.is_ipv6);
    let does = Does::Resequence;
    match device.syntax.resequence[version] {
        Resequence::None => None,
        Resequence::InList(word) => Some(Command { mode: mode(device, list), text: format!("{word} {step} {step}"), does }),
        Resequence::Global(words) => {
            Some(Command { mode: String::new(), text: format!("{words} {} {step} {step}", list.name), does })
        }
    }
}

fn mode(device: &Device, list: &List) -> String {
    format!("{} {}", device.syntax.header[usize::from(list.is_ipv6)], list.name)
}

fn command(device: &Device, list: &List, slot: &Slot) -> Command {
    let word = device.syntax.number[usize::from(list.is_ipv6)];
    let Entry { number, text, .. } = &slot.entry;
    let (text, does) = match slot.fate {
        Fate::Comes => (format!("{word}{number} {text}"), Does::Insert),
        Fate::Goes | Fate::Stays => (format!("no {word}{number}"), Does::Remove),
    };
    Command { mode: mode(device, list), text, does }
}

struct Search<'a> {
    target: &'a Target,
    device: &'a Device,
    list: &'a List,
    /// Packets whose verdict is to change.
    changing: PacketSet,
    state: Vec<Step>,
    trials: usize,
}

impl<'a> Search<'a> {
    fn new(target: &'a Target, device: &'a Device, old: &'a List, new: &List, slots: &[Slot]) -> Result<Self, NotUpdated> {
        let state = (target.parse)(&device.text_of(Some(old)))?.steps;
        let wanted = (target.parse)(&device.text_of(Some(new)))?.steps;
        let changing = match compare(&state, &wanted, Limits::default())? {
            Ok(_) => PacketSet::empty(),
            Err(apart) => apart.only_left_denies.union(&apart.only_right_denies)?,
        };
        let trials = TRIALS * (slots.iter().filter(|slot| slot.fate != Fate::Stays).count() + 1);
        Ok(Self { target, device, list: old, changing, state, trials })
    }

    /// Slots in the order in which they change; None where something cannot.
    fn changes(&mut self, slots: &mut [Slot]) -> Result<Option<Vec<usize>>, TooLarge> {
        let places = |fate, remarks| {
            let wanted = |slot: &Slot| slot.fate == fate && is_remark(&slot.entry.text) == remarks;
            (0..slots.len()).filter(|&at| slots.get(at).is_some_and(wanted)).collect::<Vec<_>>()
        };
        let remarks_go = places(Fate::Goes, true);
        let entries_go = places(Fate::Goes, false);
        let mut left: Vec<usize> = remarks_go;
        left.extend((0..slots.len()).filter(|&at| slots.get(at).is_some_and(|slot| slot.fate == Fate::Comes)));
        left.extend(entries_go.into_iter().rev());
        let mut done = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let mut waits = Vec::new();
            let before = done.len();
            for at in left {
                if self.change(slots, at)? { done.push(at) } else { waits.push(at) }
            }
            if done.len() == before {
                return Ok(None);
            }
            left = waits;
        }
        Ok(Some(done))
    }

    /// Changes the slot, if that does no harm.
    fn change(&mut self, slots: &mut [Slot], at: usize) -> Result<bool, TooLarge> {
        let Some(slot) = slots.get(at) else { return Ok(false) };
        let is_twin = |other: &Slot| other.is_there && other.entry.is_twin(&slot.entry);
        if self.trials == 0 || (slot.fate == Fate::Comes && slots.iter().any(is_twin)) {
            return Ok(false);
        }
        self.trials -= 1;
        let is_there = |(place, slot): &(usize, &Slot)| slot.is_there != (*place == at);
        let entries = slots.iter().enumerate().filter(is_there).map(|(_, slot)| (slot.entry.number, slot.entry.text.as_str()));
        // A state that the parser refuses is no state to be in.
        let Ok(parsed) = (self.target.parse)(&self.device.text_with(self.list, entries)) else { return Ok(false) };
        if let Err(apart) = compare(&self.state, &parsed.steps, Limits::default())? {
            let changed = apart.only_left_denies.union(&apart.only_right_denies)?;
            if !changed.is_subset(&self.changing)? {
                return Ok(false);
            }
        }
        self.state = parsed.steps;
        if let Some(slot) = slots.get_mut(at) {
            slot.is_there = !slot.is_there;
        }
        Ok(true)
    }
}

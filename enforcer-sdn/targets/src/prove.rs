//! The proof that a text does with every packet what a ruleset says; or a packet with which it does not.

use std::fmt;

use enforcer_packetset::{
    AddressSet, Agreement, Disagreement, Limits, Outcomes, Packet, PacketSet, Selector, Step, TooLarge, compare,
};
use enforcer_policy::Ruleset;

use crate::device_zones::DeviceZones;
use crate::target::{ParseError, Parsed, Target};

/// What a text or a ruleset does, as sets of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semantics {
    pub denied: PacketSet,
    pub logged: PacketSet,
}

impl Semantics {
    /// # Errors
    /// When the sets are too large to hold; `prove` needs less, for it looks only at what differs.
    pub fn of_ruleset(ruleset: &Ruleset) -> Result<Self, TooLarge> {
        Self::of_steps(&ruleset.steps())
    }

    /// # Errors
    /// See [`Self::of_ruleset`].
    pub fn of_parsed(parsed: &Parsed) -> Result<Self, TooLarge> {
        Self::of_steps(&parsed.steps)
    }

    fn of_steps(steps: &[Step]) -> Result<Self, TooLarge> {
        let Outcomes { denied, logged } = Outcomes::of(steps, Limits::default())?;
        Ok(Self { denied, logged })
    }
}

/// The text and the ruleset deny and log the same packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub agreement: Agreement,
    /// The parser's remarks.
    pub notes: Vec<String>,
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    #[error(transparent)]
    Unreadable(#[from] ParseError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error(transparent)]
    Differs(Box<Difference>),
}

/// In which way the text fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    AdmitsDenied,
    DeniesAllowed,
    /// The ruleset logs, the text does not.
    LogsTooLittle,
    LogsTooMuch,
}

/// The text does something else than the ruleset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub way: Way,
    /// One of the packets, an ordinary one.
    pub packet: Packet,
    /// All packets that the text treats wrongly in this way.
    pub set: PacketSet,
    /// The differences in every way.
    pub all: Disagreement,
    /// The rule that decides the packet; None where the policy has no opinion.
    pub rule: Option<String>,
    /// The line of the text that decides the packet; None where the text has none.
    pub line: Option<usize>,
}

impl std::error::Error for Difference {}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::AdmitsDenied => "the text admits what the policy denies",
            Way::DeniesAllowed => "the text denies what the policy allows",
            Way::LogsTooLittle => "the text does not log what the policy logs",
            Way::LogsTooMuch => "the text logs what the policy does not log",
        };
        write!(f, "{way}: `{}`", self.packet)?;
        match &self.rule {
            Some(rule) => write!(f, ", decided by rule `{rule}`")?,
            None => f.write_str(", about which the policy has no rule")?,
        }
        match self.line {
            Some(line) => write!(f, "; see line {line} of the text"),
            None => f.write_str("; no line of the text decides it"),
        }
    }
}

/// Where a device stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What is behind the device's own names.
    pub zones: DeviceZones,
    /// Hosts behind one interface: what they say to each other never crosses the device, so nothing is asked about it.
    pub sides: Vec<AddressSet>,
}

/// Reads `text` with the dialect's parser and compares it with the ruleset, for every packet.
///
/// # Errors
/// When the text is not understood, when the comparison is too large, and when there is a difference.
pub fn prove(target: &Target, ruleset: &Ruleset, text: &str) -> Result<Proof, NotProven> {
    prove_at(target, ruleset, text, &Place::default())
}

/// The same for a device that stands somewhere: for every packet that crosses it.
///
/// # Errors
/// See [`prove`].
pub fn prove_at(target: &Target, ruleset: &Ruleset, text: &str, place: &Place) -> Result<Proof, NotProven> {
    let mut parsed = target.read(text, &place.zones)?;
    let within = |side: &AddressSet| Step::allow(Selector { source: side.clone(), destination: side.clone(), ..Selector::any() });
    let aside: Vec<Step> = place.sides.iter().map(within).collect();
    let wanted: Vec<Step> = aside.iter().cloned().chain(ruleset.steps()).collect();
    parsed.lines.splice(0..0, aside.iter().map(|_| 1));
    parsed.steps.splice(0..0, aside);
    if !place.sides.is_empty() {
        parsed.notes.push("packets between two hosts on one side of the point never cross it, so they were not compared".into());
    }
    let agreement = match compare(&wanted, &parsed.steps, Limits::default())? {
        Ok(agreement) => agreement,
        Err(all) => return Err(difference(ruleset, &parsed, *all)),
    };
    Ok(Proof { agreement, notes: parsed.notes })
}

fn difference(ruleset: &Ruleset, parsed: &Parsed, all: Disagreement) -> NotProven {
    let ways = [
        (Way::AdmitsDenied, &all.only_left_denies),
        (Way::DeniesAllowed, &all.only_right_denies),
        (Way::LogsTooLittle, &all.only_left_logs),
        (Way::LogsTooMuch, &all.only_right_logs),
    ];
    let worst = ways.into_iter().find_map(|(way, set)| Some((way, set.clone(), set.witness()?)));
    let Some((way, set, packet)) = worst else {
        // `compare` promises that one set is not empty; without a witness there is no proof either.
        return NotProven::TooLarge(TooLarge { limit: "witnesses", allowed: 0 });
    };
    let decides = |step: &Step| step.effect.verdict.is_some() && step.selector.contains(&packet);
    let line = parsed.steps.iter().position(decides).and_then(|at| parsed.lines.get(at).copied());
    let rule = ruleset.decide(&packet).1.map(|rule| rule.id.clone());
    NotProven::Differs(Box::new(Difference { way, packet, set, all, rule, line }))
}

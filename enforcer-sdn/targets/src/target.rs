//! What a dialect is: a name, what it can say, a renderer, and a parser that knows nothing of the renderer.

use enforcer_packetset::Step;
use enforcer_policy::Ruleset;

use crate::cost::{Cost, Hardware};
use crate::device_zones::DeviceZones;

/// A dialect.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As in `--target NAME`.
    pub name: &'static str,
    /// One line for a list of dialects.
    pub title: &'static str,
    pub capability: Capability,
    pub render: fn(&Ruleset, &RenderOptions) -> Result<Rendering, RenderError>,
    pub parse: fn(&str) -> Result<Parsed, ParseError>,
    /// Words of the device's own for what a packet does not carry.
    pub own_names: OwnNames,
    /// Entries that a rendering of the ruleset takes on the device; `cost::products` or `cost::lines` for most.
    pub cost: fn(&Ruleset, &Rendering, &Hardware) -> Cost,
}

/// Reads a text in which the device's own names stand for what is behind them.
pub type ParseWith = fn(&str, &DeviceZones) -> Result<Parsed, ParseError>;

/// What a dialect's texts call by names of the device's own.
#[derive(Clone, Copy, Debug)]
pub enum OwnNames {
    None,
    /// Zones, interfaces and lists of them: each address is behind one.
    Places(ParseWith),
    /// Labels: a host may have many, or none.
    Labels(ParseWith),
}

impl Target {
    /// Reads a text, with what is behind the device's own names where that is known.
    ///
    /// # Errors
    /// When the text is not understood in full, and when an address is behind several places or none: where it is would then be a guess.
    pub fn read(&self, text: &str, zones: &DeviceZones) -> Result<Parsed, ParseError> {
        let refused = |what| ParseError { line: 1, column: 1, what, advice: "correct `device_zones` of the point".into() };
        match self.own_names {
            OwnNames::Places(parse) | OwnNames::Labels(parse) if !zones.is_empty() => {
                self.check_names(zones).map_err(refused)?;
                parse(text, zones)
            }
            _ => (self.parse)(text),
        }
    }

    /// Whether the names can be used with this dialect.
    ///
    /// # Errors
    /// In words, what is wrong with them.
    pub fn check_names(&self, zones: &DeviceZones) -> Result<(), String> {
        match self.own_names {
            OwnNames::None if !zones.is_empty() => {
                Err(format!("`{}` has no names of its own for zones or interfaces", self.name))
            }
            OwnNames::Places(_) => zones.check_places(),
            OwnNames::None | OwnNames::Labels(_) => Ok(()),
        }
    }
}

/// What the dialect can say; a rule that needs more is a [`RenderError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Follows connections: can tell a reply from a first packet.
    pub stateful: bool,
    pub ipv6: bool,
    /// Can log at all.
    pub log: bool,
    /// Can log without deciding.
    pub log_only: bool,
    /// Can say minutes of the week.
    pub schedule: bool,
    pub tcp_flags: FlagWords,
    pub link: LinkWords,
}

impl Capability {
    /// Packets of IPv4 by addresses and services, and nothing else: dialects name what they can say besides.
    pub const LEAST: Self = Self {
        stateful: false,
        ipv6: false,
        log: false,
        log_only: false,
        schedule: false,
        tcp_flags: FlagWords::None,
        link: LinkWords::NONE,
    };
}

/// Which sets of TCP flags a dialect has words for. The full set needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagWords {
    None,
    /// `established` only: [`enforcer_packetset::FlagSet::ack_or_rst`].
    AckOrRst,
    /// Masks and values at least; what a set needs more may still be a [`RenderError`].
    Any,
}

/// Which fields of the link a dialect has words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkWords {
    pub vlan: bool,
    /// Source and destination.
    pub mac: bool,
    /// Can hold rules for packets that come in beside rules for packets that go out.
    pub heading: bool,
}

impl LinkWords {
    pub const NONE: Self = Self { vlan: false, mac: false, heading: false };
}

/// How to render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Name of the table, access list or filter that the text defines, and replaces on the device.
    pub name: String,
    /// What is behind the device's own names; where it is known, dialects that have such names write them.
    pub zones: DeviceZones,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { name: "cordon".into(), zones: DeviceZones::default() }
    }
}

/// A dialect's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    pub text: String,
    /// Which line is there because of which rule, ascending. A rule may need several.
    pub lines: Vec<RenderedLine>,
}

/// A line of a rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedLine {
    /// Counted from 1.
    pub line: usize,
    /// Rule id.
    pub rule: String,
}

impl Rendering {
    /// The lines that a rule is rendered to, with their text.
    pub fn lines_of(&self, rule: &str) -> impl Iterator<Item = (usize, &str)> {
        let mut wanted = self.lines.iter().filter(move |line| line.rule == rule).map(|line| line.line).peekable();
        self.text.lines().zip(1..).filter_map(move |(text, line)| wanted.next_if_eq(&line).map(|line| (line, text)))
    }

    /// The rule that a line is there for.
    #[must_use]
    pub fn rule_at(&self, line: usize) -> Option<&str> {
        let at = self.lines.binary_search_by_key(&line, |rendered| rendered.line).ok()?;
        self.lines.get(at).map(|rendered| rendered.rule.as_str())
    }
}

/// The dialect cannot say what the rule needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {target} cannot say {feature}; {advice}")]
pub struct RenderError {
    pub rule: String,
    pub target: &'static str,
    pub feature: String,
    pub advice: String,
}

/// The text is not understood in full, so nothing is known about what it admits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}; {advice}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    pub what: String,
    pub advice: String,
}

/// What a text does with packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// First match decides; what no step decides is allowed.
    pub steps: Vec<Step>,
    /// For each step the line that it stands on.
    pub lines: Vec<usize>,
    /// What is not about packets but worth a word, such as a file that adds to older rules instead of replacing them.
    pub notes: Vec<String>,
}

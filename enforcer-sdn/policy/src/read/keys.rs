//! What may be written where: the keys of every mapping of a policy. The reader refuses all others, and the JSON schema is made
//! from the same tables, so that an editor knows what the reader knows.

use sensor_model::Role;

use crate::document::{Assertion, Mode, Tier};
use crate::service::BUILT_IN;

use super::{API_VERSION, MAX_RULE_NAME, MAX_ZONE_NAME};

/// A key of a mapping.
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub is_required: bool,
    /// One sentence, for editors.
    pub about: &'static str,
}

/// What stands after a key.
pub enum Shape {
    /// Any text.
    Text,
    /// A name of ours, at most so many characters.
    Name(usize),
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// `true` or `false`.
    Flag,
    /// A whole number of 32 bits.
    Whole,
    /// One text, or a list of at least one; the words are suggestions.
    Texts(fn() -> Vec<&'static str>),
    /// A day of the calendar.
    Day,
    /// A day, or a moment with its UTC offset.
    Moment,
    /// `02:00`.
    Clock,
    /// A mapping.
    Object(&'static [Key]),
    /// A list of mappings; nothing after the key is an empty one.
    Objects(&'static [Key]),
}

const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, is_required: true, about }
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, is_required: false, about }
}

fn no_words() -> Vec<&'static str> {
    Vec::new()
}

fn peers() -> Vec<&'static str> {
    super::zone::RESERVED.to_vec()
}

fn services() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}

fn verdicts() -> Vec<&'static str> {
    super::VERDICTS.iter().map(|(word, _)| *word).collect()
}

fn roles() -> Vec<&'static str> {
    Role::ALL.iter().map(|role| role.as_str()).collect()
}

pub const POLICY: &[Key] = &[
    needed("apiVersion", Shape::Word(|| vec![API_VERSION]), "Version of the language."),
    needed("kind", Shape::Word(|| vec!["Policy"]), "What this document is."),
    needed("metadata", Shape::Object(METADATA), "Name and owner of the policy."),
    optional(
        "include",
        Shape::Texts(no_words),
        "Other files of this policy, relative to this one. They are read before it, in this order.",
    ),
    optional("zones", Shape::Objects(ZONE), "Groups of assets with one mode."),
    optional("services", Shape::Objects(SERVICE), "Names for protocols and ports."),
    optional("rules", Shape::Objects(RULE), "Who may, or may not, start what with whom. The first that matches decides."),
    optional(
        "guardrails",
        Shape::Objects(GUARDRAIL),
        "What must hold whatever the rules say; a policy that breaks one is refused.",
    ),
];

pub const METADATA: &[Key] = &[
    needed("name", Shape::Name(MAX_RULE_NAME), "Name of the policy."),
    optional("owner", Shape::Text, "Who answers for what has no owner of its own."),
];

pub const ZONE: &[Key] = &[
    needed("name", Shape::Name(MAX_ZONE_NAME), "Name of the zone."),
    optional(
        "mode",
        Shape::Word(|| Mode::ALL.map(Mode::as_str).to_vec()),
        "How far the policy reaches. Without it: the strongest mode of the zones around this one, else observe.",
    ),
    optional("owner", Shape::Text, "Who answers for the zone."),
    optional("description", Shape::Text, "For people."),
    needed("members", Shape::Objects(MEMBER), "An asset is in when any entry holds; of an entry every key must hold."),
    optional("except", Shape::Objects(EXCEPT), "Not these, though they match above."),
    optional("priority", Shape::Whole, "The higher zone gets an address that two zones claim."),
    optional("intraZone", Shape::Word(verdicts), "Between two members where no rule says otherwise; allow without a word."),
];

pub const MEMBER: &[Key] = &[
    optional("asset", Shape::Text, "Id or label of an asset; * and ? match."),
    optional("role", Shape::Word(roles), "What the asset is."),
    optional("vendor", Shape::Text, "Who made it; * and ? match."),
    optional("prefix", Shape::Text, "Network address and length, such as 10.0.0.0/24 or 2001:db8::/32."),
    optional("mac", Shape::Text, "Six pairs of hexadecimal digits."),
    optional("name", Shape::Text, "One of its names; * and ? match."),
    optional("zone", Shape::Text, "Another zone that lies inside this one. The only key of its entry."),
];

pub const EXCEPT: &[Key] = &[
    optional("asset", Shape::Text, "Id or label of an asset; * and ? match."),
    optional("role", Shape::Word(roles), "What the asset is."),
    optional("vendor", Shape::Text, "Who made it; * and ? match."),
    optional("prefix", Shape::Text, "Network address and length, such as 10.0.0.0/24 or 2001:db8::/32."),
    optional("mac", Shape::Text, "Six pairs of hexadecimal digits."),
    optional("name", Shape::Text, "One of its names; * and ? match."),
];

pub const SERVICE: &[Key] = &[
    needed("name", Shape::Name(MAX_RULE_NAME), "Name of the service."),
    needed("ports", Shape::Texts(no_words), "Such as tcp/5450, udp/1024-2048, icmp/echo-request, ip/47."),
];

pub const RULE: &[Key] = &[
    needed("name", Shape::Name(MAX_RULE_NAME), "Name of the rule."),
    needed("from", Shape::Texts(peers), "Who starts: zones, any, outside."),
    needed("to", Shape::Texts(peers), "Who is asked: zones, any, outside."),
    needed("services", Shape::Texts(services), "Names, or protocol and port such as tcp/5450; any."),
    needed("action", Shape::Word(verdicts), "What becomes of it."),
    optional("owner", Shape::Text, "Who answers for the rule."),
    optional("reason", Shape::Text, "Why it is there."),
    optional("ticket", Shape::Text, "Where it was asked for."),
    optional("reviewBy", Shape::Day, "When somebody looks at it again."),
    optional("expires", Shape::Moment, "Last day (UTC), or the moment from which on the rule is gone."),
    optional("schedule", Shape::Object(SCHEDULE), "Only in this weekly window."),
    optional("log", Shape::Flag, "Write a log entry for what it decides."),
    optional("operations", Shape::Texts(no_words), "Operations in the protocol's words, such as modbus.read_*."),
    optional(
        "tier",
        Shape::Word(|| Tier::ALL.map(Tier::as_str).to_vec()),
        "admin is asked first, baseline last; app without a word.",
    ),
];

pub const GUARDRAIL: &[Key] = &[
    needed("name", Shape::Name(MAX_RULE_NAME), "Name of the guardrail."),
    needed(
        "assert",
        Shape::Word(|| Assertion::ALL.map(Assertion::as_str).to_vec()),
        "never: no rule may allow any of it. always: the rules must allow all of it.",
    ),
    needed("from", Shape::Texts(peers), "Who starts: zones, any, outside."),
    needed("to", Shape::Texts(peers), "Who is asked: zones, any, outside."),
    needed("services", Shape::Texts(services), "Names, or protocol and port such as tcp/5450; any."),
    optional("schedule", Shape::Object(SCHEDULE), "Only in this weekly window; at every time without."),
    optional("owner", Shape::Text, "Who may change it."),
    optional("reason", Shape::Text, "Why it is there."),
    optional("ticket", Shape::Text, "Where it was asked for."),
];

pub const SCHEDULE: &[Key] = &[
    optional(
        "days",
        Shape::Texts(|| vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
        "Days or ranges such as mon-fri; every day without.",
    ),
    needed("from", Shape::Clock, "Local time, in quotes."),
    needed("to", Shape::Clock, "Local time, in quotes, not included; before `from`: on the next day."),
    needed("timeZone", Shape::Text, "IANA name, such as Europe/Berlin."),
];

/// The names of a table.
pub fn names(keys: &[Key]) -> String {
    keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

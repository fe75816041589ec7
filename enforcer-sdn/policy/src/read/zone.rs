//! One entry of `zones:`.

use sensor_model::{MacAddr, Role};

use crate::document::{Member, Mode, Verdict, Zone};
use crate::glob::Glob;
use crate::source::Spanned;
use crate::yaml::{Node, Value};

use super::fields::{self, Fields, Log};
use super::keys::{self, Key};
use super::{MAX_ZONE_NAME, VERDICTS, suggestion};

/// Words that `from:` and `to:` keep for themselves.
pub const RESERVED: [&str; 2] = ["any", "outside"];

/// A zone, and what only all zones together can say of it.
pub struct Entry {
    pub zone: Zone,
    /// Names of the zones inside it.
    pub inner: Vec<Spanned<String>>,
    pub has_mode: bool,
}

pub fn read(node: &Node, log: &mut Log) -> Option<Entry> {
    let fields = Fields::of(node, "a zone", keys::ZONE, log)?;
    let name = fields.required_text("name", "add `name:`", log)?;
    fields::check_name(&name, MAX_ZONE_NAME, "zone", log);
    if RESERVED.contains(&name.value.as_str()) {
        let message = format!("`{}` cannot be the name of a zone", name.value);
        let help = "in rules `any` means every address and `outside` every address that is in no zone; choose another name";
        log.error("bad-name", message, &name.span, help);
    }
    let modes = Mode::ALL.map(|mode| (mode.as_str(), mode));
    let whole = |text: &str| text.parse::<i32>().map_err(|_| format!("`{text}` is not a whole number"));
    let inner = inner_zones(&fields, log);
    let members = members(&fields, "members", keys::MEMBER, log);
    if fields.get("members").is_none() {
        let help = "add `members:` with entries such as `- role: plc` or `- prefix: 10.0.0.0/24`";
        log.error("missing-key", format!("zone `{}` has no `members`", name.value), &name.span, help);
    }
    if let (Some(inner), Some(except)) = (inner.first(), fields.get("except").filter(|node| !node.is_null())) {
        let message = format!("zone `{}` has `except:` and the zone `{}` inside it", name.value, inner.value);
        log.error("bad-value", message, &except.span, "put `except:` into the inner zone: it has its members for itself");
    }
    let mode = fields.word("mode", &modes, log);
    let zone = Zone {
        mode: mode.unwrap_or_default(),
        owner: fields.text("owner", log).map(|text| text.value),
        description: fields.text("description", log).map(|text| text.value),
        members,
        inner: Vec::new(),
        except: self::members(&fields, "except", keys::EXCEPT, log),
        priority: fields
            .parsed("priority", "write a number such as 10; the higher zone wins", whole, log)
            .map_or(0, |priority| priority.value),
        intra_zone: fields.word("intraZone", VERDICTS, log).unwrap_or(Verdict::Allow),
        name,
    };
    Some(Entry { zone, inner, has_mode: fields.get("mode").is_some() })
}

/// The entries with `zone:`, which have no other key: an address is in one zone, so there is nothing to choose from.
fn inner_zones(fields: &Fields, log: &mut Log) -> Vec<Spanned<String>> {
    let Some(Value::List(entries)) = fields.get("members").map(|node| &node.value) else { return Vec::new() };
    let mut inner = Vec::new();
    for entry in entries.iter().filter(|entry| names_zone(entry)) {
        let Some(keys) = Fields::of(entry, "a member", keys::MEMBER, log) else { continue };
        inner.extend(keys.text("zone", log));
        if keys.count() > 1 {
            let message = "an entry with `zone:` has other keys too";
            log.error("bad-value", message, &entry.span, "give them an entry of their own, or define a zone that is smaller");
        }
    }
    inner
}

fn names_zone(entry: &Node) -> bool {
    let zone = |key: &Node| matches!(&key.value, Value::Scalar { text, .. } if text == "zone");
    matches!(&entry.value, Value::Map(map) if map.iter().any(|(key, _)| zone(key)))
}

fn members(fields: &Fields, key: &str, known: &'static [Key], log: &mut Log) -> Vec<Member> {
    let Some(entries) = fields.list(key, log) else { return Vec::new() };
    let is_inner = |entry: &&Node| key == "members" && names_zone(entry);
    entries.iter().filter(|entry| !is_inner(entry)).filter_map(|entry| member(entry, known, log)).collect()
}

fn member(node: &Node, known: &'static [Key], log: &mut Log) -> Option<Member> {
    let fields = Fields::of(node, "a member", known, log)?;
    let role_help = || format!("write one of {}", Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "));
    let role = |text: &str| {
        text.parse::<Role>()
            .map_err(|_| format!("unknown role `{text}`{}", suggestion(text, Role::ALL.iter().map(|r| r.as_str()))))
    };
    let member = Member {
        asset: glob(&fields, "asset", log),
        role: fields.parsed("role", &role_help(), role, log).map(|role| role.value),
        vendor: glob(&fields, "vendor", log),
        prefix: fields
            .parsed("prefix", "write the network address, such as 10.0.0.0/24 or 2001:db8::/32", str::parse, log)
            .map(|prefix| prefix.value),
        mac: fields.parsed("mac", "write six pairs of hexadecimal digits", str::parse::<MacAddr>, log).map(|mac| mac.value),
        name: glob(&fields, "name", log),
        span: node.span.clone(),
    };
    // A key that could not be read must not widen the entry: an entry without keys would mean everybody.
    let given = fields.count();
    let read = [
        member.asset.is_some(),
        member.role.is_some(),
        member.vendor.is_some(),
        member.prefix.is_some(),
        member.mac.is_some(),
        member.name.is_some(),
    ];
    if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
        let help = format!("give at least one of {}", keys::names(known));
        log.error("empty", "a member without a key selects nothing", &node.span, &help);
    }
    (given > 0 && read.iter().filter(|read| **read).count() == given).then_some(member)
}

fn glob(fields: &Fields, key: &str, log: &mut Log) -> Option<Glob> {
    fields.text(key, log).map(|text| Glob::new(&text))
}

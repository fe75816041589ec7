//! One entry of `zones:`.

use sensor_model::{MacAddr, Role};

use crate::document::{Member, Mode, Verdict, Zone};
use crate::glob::Glob;
use crate::yaml::{Node, Value};

use super::fields::{self, Fields, Log};
use super::{MAX_ZONE_NAME, VERDICTS, suggestion};

const KEYS: &[&str] = &["name", "mode", "owner", "description", "members", "except", "priority", "intraZone"];
const MEMBER_KEYS: &[&str] = &["asset", "role", "vendor", "prefix", "mac", "name"];
/// Words that `from:` and `to:` keep for themselves.
pub const RESERVED: [&str; 2] = ["any", "outside"];

pub fn read(node: &Node, log: &mut Log) -> Option<Zone> {
    let fields = Fields::of(node, "a zone", KEYS, log)?;
    let name = fields.required_text("name", "add `name:`", log)?;
    fields::check_name(&name, MAX_ZONE_NAME, "zone", log);
    if RESERVED.contains(&name.value.as_str()) {
        let message = format!("`{}` cannot be the name of a zone", name.value);
        let help = "in rules `any` means every address and `outside` every address that is in no zone; choose another name";
        log.error("bad-name", message, &name.span, help);
    }
    let modes = Mode::ALL.map(|mode| (mode.as_str(), mode));
    let whole = |text: &str| text.parse::<i32>().map_err(|_| format!("`{text}` is not a whole number"));
    let members = members(&fields, "members", log);
    if fields.get("members").is_none() {
        let help = "add `members:` with entries such as `- role: plc` or `- prefix: 10.0.0.0/24`";
        log.error("missing-key", format!("zone `{}` has no `members`", name.value), &name.span, help);
    }
    Some(Zone {
        mode: fields.word("mode", &modes, log).unwrap_or_default(),
        owner: fields.text("owner", log).map(|text| text.value),
        description: fields.text("description", log).map(|text| text.value),
        members,
        except: self::members(&fields, "except", log),
        priority: fields
            .parsed("priority", "write a number such as 10; the higher zone wins", whole, log)
            .map_or(0, |priority| priority.value),
        intra_zone: fields.word("intraZone", VERDICTS, log).unwrap_or(Verdict::Allow),
        name,
    })
}

fn members(fields: &Fields, key: &str, log: &mut Log) -> Vec<Member> {
    let Some(entries) = fields.list(key, log) else { return Vec::new() };
    entries.iter().filter_map(|entry| member(entry, log)).collect()
}

fn member(node: &Node, log: &mut Log) -> Option<Member> {
    let fields = Fields::of(node, "a member", MEMBER_KEYS, log)?;
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
    let given = MEMBER_KEYS.iter().filter(|key| fields.get(key).is_some()).count();
    let read = [
        member.asset.is_some(),
        member.role.is_some(),
        member.vendor.is_some(),
        member.prefix.is_some(),
        member.mac.is_some(),
        member.name.is_some(),
    ];
    if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
        let help = format!("give at least one of {}", MEMBER_KEYS.join(", "));
        log.error("empty", "a member without a key selects nothing", &node.span, &help);
    }
    (given > 0 && read.iter().filter(|read| **read).count() == given).then_some(member)
}

fn glob(fields: &Fields, key: &str, log: &mut Log) -> Option<Glob> {
    fields.text(key, log).map(|text| Glob::new(&text))
}

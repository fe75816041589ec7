//! Menus of a whole export beside filter rules, by MikroTik's "RouterOS" manual: harmless, harmless with these values, or an error that says
//! what they do. What is in none of these tables is unknown. Sorted.

use crate::reading::{Cursor, Word};
use crate::target::ParseError;

const ADDRESSES: &str = "it changes addresses before rules see them, so that what they see is not what the policy speaks of";
const AUTHENTICATES: &str = "who is authenticated decides beside the rules";
const BINDS: &str = "it drops packets whose addresses do not belong there";
const DROPS: &str = "it drops packets beside the rules";
const ENCRYPTS: &str = "packets that it selects are encrypted, and dropped where they are not";
const ISOLATES: &str = "it keeps ports apart beside the rules";
const PASSES: &str = "it lets packets through that no rule is asked about";
const RATES: &str = "it drops packets by their rate";
const TRACKING: &str = "without it rules know no connections";
const TURNS: &str = "packets that it selects go another way than their address says";

/// Menus in which each line that is not disabled decides about packets, unless it has one of these values.
const FILTERS: &[(&str, Harmless, &str)] = &[
    ("interface bridge calea", &[], PASSES),
    ("interface bridge filter", &[], DROPS),
    ("interface bridge nat", &[], ADDRESSES),
    ("interface dot1x server", &[], AUTHENTICATES),
    ("interface ethernet switch acl", &[], DROPS),
    ("interface ethernet switch port-isolation", &[], ISOLATES),
    ("interface ethernet switch rule", &[], DROPS),
    ("interface wireguard peers", &[], BINDS),
    ("interface wireless access-list", &[], AUTHENTICATES),
    ("ip firewall mangle", MARKS, TURNS),
    ("ip firewall nat", SOURCES, ADDRESSES),
    ("ip firewall raw", SEEN, DROPS),
    ("ip hotspot", &[], AUTHENTICATES),
    ("ip hotspot ip-binding", &[], AUTHENTICATES),
    ("ip hotspot walled-garden", &[], AUTHENTICATES),
    ("ip hotspot walled-garden ip", &[], AUTHENTICATES),
    ("ip ipsec policy", &[("template", &["true", "yes"])], ENCRYPTS),
    ("ip kid-control", &[], DROPS),
    ("ip kid-control device", &[], DROPS),
    ("ip route rule", &[], TURNS),
    ("ipv6 firewall mangle", MARKS, TURNS),
    ("ipv6 firewall nat", SOURCES, ADDRESSES),
    ("ipv6 firewall raw", SEEN, DROPS),
    ("queue simple", &[], RATES),
    ("queue tree", &[], RATES),
    ("routing rule", &[], TURNS),
];

/// One of these properties with one of these values.
type Harmless = &'static [(&'static str, &'static [&'static str])];

/// Sources are translated after rules were asked, and back before; `output` is the router's own.
const SOURCES: Harmless = &[("chain", &["output", "srcnat"])];

/// Packets are seen and no more.
const SEEN: Harmless = &[("action", &["accept", "log", "passthrough"]), ("chain", &["output"])];

/// What a packet is told to others by, or changed in beside its addresses: a filter rule that asks for a mark is refused.
const MARKS: Harmless = &[
    (
        "action",
        &[
            "accept",
            "change-dscp",
            "change-mss",
            "change-ttl",
            "clear-df",
            "jump",
            "log",
            "mark-connection",
            "mark-packet",
            "passthrough",
            "return",
            "set-priority",
            "sniff-pc",
            "sniff-tzsp",
            "strip-ipv4-options",
        ],
    ),
    ("chain", &["output"]),
];

/// Menus with properties that decide about packets unless they have one of these values; the others do not.
const CHECKED: &[(&str, &str, &[&str], &str)] = &[
    ("interface bridge", "dhcp-snooping", &["false", "no"], BINDS),
    ("interface bridge port", "horizon", &["none"], ISOLATES),
    ("interface ethernet", "bandwidth", &["unlimited/unlimited"], RATES),
    ("interface wireless", "default-authentication", &["true", "yes"], AUTHENTICATES),
    ("interface wireless", "default-forwarding", &["true", "yes"], ISOLATES),
    ("ip firewall connection tracking", "enabled", &["auto", "true", "yes"], TRACKING),
    ("ip ipsec identity", "generate-policy", &["false", "no"], ENCRYPTS),
    ("ip proxy", "enabled", &["false", "no"], PASSES),
    ("ip settings", "ip-forward", &["true", "yes"], DROPS),
    ("ip settings", "rp-filter", &["false", "no"], BINDS),
    ("ip socks", "enabled", &["false", "no"], PASSES),
    ("ip upnp", "enabled", &["false", "no"], ADDRESSES),
    ("ipv6 settings", "disable-ipv6", &["false", "no"], DROPS),
    ("ipv6 settings", "forward", &["true", "yes"], DROPS),
    ("ppp profile", "incoming-filter", &[""], DROPS),
    ("ppp profile", "outgoing-filter", &[""], DROPS),
    ("ppp profile", "rate-limit", &[""], RATES),
];

/// Menus, with all below them, that decide about no packet that passes through.
const UNRELATED: &[&str] = &[
    "certificate",
    "console",
    "disk",
    "file",
    "interface bonding",
    "interface bridge msti",
    "interface bridge settings",
    "interface bridge vlan",
    "interface detect-internet",
    "interface eoip",
    "interface eoipv6",
    "interface ethernet poe",
    "interface gre",
    "interface gre6",
    "interface ipip",
    "interface ipipv6",
    "interface l2tp-client",
    "interface l2tp-server server",
    "interface lte",
    "interface ovpn-client",
    "interface ovpn-server server",
    "interface pppoe-client",
    "interface pppoe-server server",
    "interface pptp-client",
    "interface pptp-server server",
    "interface sstp-client",
    "interface sstp-server server",
    "interface veth",
    "interface vlan",
    "interface vrrp",
    "interface vxlan",
    "interface wireguard",
    "interface wireless cap",
    "interface wireless channels",
    "interface wireless security-profiles",
    "ip address",
    "ip arp",
    "ip cloud",
    "ip dhcp-client",
    "ip dhcp-relay",
    "ip dhcp-server",
    "ip dns",
    "ip firewall layer7-protocol",
    "ip firewall service-port",
    "ip hotspot profile",
    "ip hotspot user",
    "ip ipsec mode-config",
    "ip ipsec peer",
    "ip ipsec profile",
    "ip ipsec proposal",
    "ip ipsec settings",
    "ip neighbor",
    "ip pool",
    "ip route",
    "ip service",
    "ip smb",
    "ip ssh",
    "ip tftp",
    "ip traffic-flow",
    "ip upnp interfaces",
    "ip vrf",
    "ipv6 address",
    "ipv6 dhcp-client",
    "ipv6 dhcp-relay",
    "ipv6 dhcp-server",
    "ipv6 nd",
    "ipv6 neighbor",
    "ipv6 pool",
    "ipv6 route",
    "lora",
    "port",
    "ppp aaa",
    "ppp secret",
    "queue interface",
    "queue type",
    "radius",
    "routing bfd",
    "routing bgp",
    "routing filter",
    "routing id",
    "routing igmp-proxy",
    "routing ospf",
    "routing pimsm",
    "routing rip",
    "routing settings",
    "routing table",
    "snmp",
    "special-login",
    "system",
    "tool",
    "tr069-client",
    "user",
];

/// What a menu beside the filter is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beside {
    Unrelated,
    /// Its name.
    Checked(&'static str),
    Filters(&'static str, Harmless, &'static str),
}

/// None where the menu is unknown.
pub(super) fn menu(path: &str) -> Option<Beside> {
    if let Some((name, harmless, why)) = FILTERS.iter().find(|(name, ..)| *name == path) {
        return Some(Beside::Filters(name, harmless, why));
    }
    if let Some((name, ..)) = CHECKED.iter().find(|(name, ..)| *name == path) {
        return Some(Beside::Checked(name));
    }
    let is_below = |start: &str| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    UNRELATED.iter().any(|start| is_below(start)).then_some(Beside::Unrelated)
}

impl Beside {
    /// A line of the menu; its verb is taken.
    pub fn line(self, verb: Word<'_>, cursor: &Cursor<'_, '_>) -> Result<(), ParseError> {
        let properties = properties(cursor.rest())?;
        match self {
            Self::Unrelated => Ok(()),
            Self::Checked(menu) => {
                for (name, value) in properties {
                    let checked = CHECKED.iter().find(|(of, property, ..)| *of == menu && name.is(property));
                    if let Some((.., why)) = checked.filter(|(.., harmless, _)| !harmless.contains(&value.text)) {
                        let what = format!("{}={}", name.text, value.text);
                        return Err(decides(value, &what, why));
                    }
                }
                Ok(())
            }
            Self::Filters(menu, harmless, why) => {
                let has = |name: &str, values: &[&str]| {
                    properties.iter().any(|(property, value)| property.is(name) && values.contains(&value.text))
                };
                let is_harmless = harmless.iter().any(|(name, values)| has(name, values));
                if is_harmless || has("disabled", &["yes", "true"]) {
                    return Ok(());
                }
                Err(decides(verb, &format!("/{menu}"), why))
            }
        }
    }
}

fn decides(place: Word<'_>, what: &str, why: &str) -> ParseError {
    let advice = format!("{why}; cut it out only if what the rules do is to be proven without it");
    place.error(format!("`{what}` decides about packets too"), advice)
}

/// `name=value` wherever it stands, but not in what `[ find ... ]` looks for.
fn properties<'a>(words: &[Word<'a>]) -> Result<Vec<(Word<'a>, Word<'a>)>, ParseError> {
    let mut outside: Vec<Word<'a>> = Vec::new();
    let mut is_inside = false;
    for (at, &word) in words.iter().enumerate() {
        let command = word.text.strip_prefix('[').filter(|_| !word.is_quoted && !is_inside);
        if let Some(command) = command {
            let named = if command.is_empty() { words.get(at + 1).map_or("", |next| next.text) } else { command };
            if named.trim_end_matches(']') != "find" {
                return Err(word.error("a command within a line", "give an export: what a command finds is not in the text"));
            }
            is_inside = true;
        }
        if !is_inside {
            outside.push(word);
        }
        is_inside &= word.is_quoted || !word.text.ends_with(']');
    }
    let is_equals = |at: usize| outside.get(at).is_some_and(|word| word.is("="));
    let pairs = (0..outside.len()).filter(|at| is_equals(at + 1) && !is_equals(*at)).filter_map(|at| {
        let name = *outside.get(at)?;
        // Nothing stands behind the mark where the next property begins.
        let value = outside.get(at + 2).filter(|_| !is_equals(at + 3));
        Some((name, value.copied().unwrap_or(Word { text: "", ..name })))
    });
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_name_nothing_twice() {
        let filters: Vec<&str> = FILTERS.iter().map(|(menu, ..)| *menu).collect();
        let checked: Vec<(&str, &str)> = CHECKED.iter().map(|(menu, name, ..)| (*menu, *name)).collect();
        assert!(filters.windows(2).all(|pair| pair[0] < pair[1]), "{filters:?}");
        assert!(checked.windows(2).all(|pair| pair[0] < pair[1]), "{checked:?}");
        assert!(UNRELATED.windows(2).all(|pair| pair[0] < pair[1]), "{UNRELATED:?}");
    }
}

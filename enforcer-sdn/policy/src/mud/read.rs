//! JSON of RFC 8520 and RFC 8519 to entries. A key that is not known is refused: it may be what makes the entry narrow.

use std::collections::BTreeSet;

use enforcer_packetset::{Prefix, RangeSet};
use serde_json::{Map, Value};

use super::{Entry, Head, Peer};

type Ports = RangeSet<u16>;

/// Names of the lists of the two directions, and the entries of those lists.
pub fn read(text: &str) -> Result<(Head, Vec<Entry>), Vec<String>> {
    let root: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| vec![format!("{}:{}: this is no JSON: {error}", error.line(), error.column())])?;
    let Some(mud) = root.get("ietf-mud:mud").and_then(Value::as_object) else {
        return Err(vec!["there is no `ietf-mud:mud`: this is no usage description of RFC 8520".into()]);
    };
    let word = |key: &str| mud.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let head = Head { url: word("mud-url"), about: word("systeminfo") };
    if mud.get("mud-version").and_then(Value::as_u64) != Some(1) {
        return Err(vec!["`mud-version` is not 1; this program reads version 1".into()]);
    }
    let mut refused = Vec::new();
    let mut entries = Vec::new();
    for (direction, is_outgoing) in [("from-device-policy", true), ("to-device-policy", false)] {
        for list in lists(mud, direction, &mut refused) {
            let found = root.pointer("/ietf-access-control-list:acls/acl").and_then(Value::as_array);
            let found = found.and_then(|all| all.iter().find(|acl| acl.get("name").and_then(Value::as_str) == Some(&list)));
            match found {
                Some(acl) => entries.extend(of_list(acl, &list, is_outgoing, &mut refused)),
                None => refused.push(format!("`{direction}` names the list `{list}`, which the file does not have")),
            }
        }
    }
    if entries.is_empty() && refused.is_empty() {
        refused.push("the description has no entry for either direction".into());
    }
    if refused.is_empty() { Ok((head, entries)) } else { Err(refused) }
}

fn lists(mud: &Map<String, Value>, direction: &str, refused: &mut Vec<String>) -> Vec<String> {
    let Some(policy) = mud.get(direction) else { return Vec::new() };
    let named = policy.pointer("/access-lists/access-list").and_then(Value::as_array);
    let Some(named) = named else {
        refused.push(format!("`{direction}` has no `access-lists` with `access-list`"));
        return Vec::new();
    };
    named.iter().filter_map(|one| one.get("name").and_then(Value::as_str)).map(str::to_owned).collect()
}

fn of_list(acl: &Value, list: &str, is_outgoing: bool, refused: &mut Vec<String>) -> Vec<Entry> {
    let is_ipv6 = match acl.get("type").and_then(Value::as_str).map(|kind| kind.rsplit(':').next().unwrap_or(kind)) {
        Some("ipv4-acl-type") => false,
        Some("ipv6-acl-type") => true,
        other => {
            refused.push(format!(
                "list `{list}` has type `{}`; this program reads ipv4-acl-type and ipv6-acl-type",
                other.unwrap_or("none")
            ));
            return Vec::new();
        }
    };
    let Some(aces) = acl.pointer("/aces/ace").and_then(Value::as_array) else { return Vec::new() };
    let mut found = Vec::new();
    for (at, ace) in aces.iter().enumerate() {
        let name = ace.get("name").and_then(Value::as_str).map_or_else(|| format!("number {}", at + 1), str::to_owned);
        match (Ace { is_outgoing, is_ipv6 }).entry(ace, format!("{list}/{name}")) {
            Ok(entry) => found.push(entry),
            Err(why) => refused.push(format!("{list}/{name}: {why}")),
        }
    }
    found
}

/// Where an entry stands.
#[derive(Clone, Copy)]
struct Ace {
    is_outgoing: bool,
    is_ipv6: bool,
}

/// What the matches of an entry say.
#[derive(Default)]
struct Matches {
    peer: Option<Peer>,
    protocol: Option<u8>,
    source: Option<Ports>,
    destination: Option<Ports>,
    icmp: Option<(Option<u8>, Option<u8>)>,
    from_device: Option<bool>,
}

impl Ace {
    fn entry(self, ace: &Value, name: String) -> Result<Entry, String> {
        only(object(ace, "an entry")?, &["name", "matches", "actions"])?;
        let is_allow = match ace
            .pointer("/actions/forwarding")
            .and_then(Value::as_str)
            .map(|word| word.rsplit(':').next().unwrap_or(word))
        {
            Some("accept") => true,
            Some("drop" | "reject") => false,
            other => return Err(format!("forwarding is `{}`, not accept, drop or reject", other.unwrap_or("absent"))),
        };
        let empty = Value::Object(Map::new());
        let matches = self.matches(object(ace.get("matches").unwrap_or(&empty), "`matches`")?)?;
        let (device_starts, services) = self.conversation(&matches)?;
        let peer = matches.peer.unwrap_or(Peer::Any);
        Ok(Entry { name, is_outgoing: self.is_outgoing, is_ipv6: self.is_ipv6, peer, services, device_starts, is_allow })
    }

    fn matches(self, all: &Map<String, Value>) -> Result<Matches, String> {
        let mut found = Matches::default();
        for (key, value) in all {
            let map = object(value, &format!("`{key}`"))?;
            match key.as_str() {
                "ipv4" | "ipv6" if (key == "ipv6") == self.is_ipv6 => self.network(map, &mut found)?,
                "ietf-mud:mud" => abstraction(map, &mut found)?,
                "tcp" | "udp" => {
                    let number = if key == "tcp" { 6 } else { 17 };
                    if found.protocol.is_some_and(|known| known != number) {
                        return Err(format!("`{key}` beside another protocol"));
                    }
                    found.protocol = Some(number);
                    ports(map, &mut found)?;
                }
                "icmp" => {
                    only(map, &["type", "code"])?;
                    found.icmp = Some((byte(map, "type")?, byte(map, "code")?));
                }
                other => return Err(format!("`{other}` is not known to this program in a list of this type")),
            }
        }
        Ok(found)
    }

    fn network(self, map: &Map<String, Value>, found: &mut Matches) -> Result<(), String> {
        let way = if self.is_outgoing { "destination" } else { "source" };
        let (short, family) = (if self.is_outgoing { "dst" } else { "src" }, if self.is_ipv6 { "ipv6" } else { "ipv4" });
        let (domain, network) = (format!("ietf-acldns:{short}-dnsname"), format!("{way}-{family}-network"));
        only(map, &["protocol", &domain, &network])?;
        if let Some(protocol) = byte(map, "protocol")? {
            if found.protocol.is_some_and(|known| known != protocol) {
                return Err(format!("protocol {protocol} beside another protocol"));
            }
            found.protocol = Some(protocol);
        }
        if let Some(name) = text(map, &domain)? {
            one_peer(found, Peer::Domain(name.trim_end_matches('.').to_lowercase()))?;
        }
        if let Some(prefix) = text(map, &network)? {
            let prefix: Prefix = prefix.parse().map_err(|error: String| error)?;
            one_peer(found, Peer::Network(prefix))?;
        }
        Ok(())
    }

    /// Who starts, and the services of the side that is asked.
    fn conversation(self, matches: &Matches) -> Result<(bool, BTreeSet<String>), String> {
        let Matches { source, destination, from_device, .. } = matches;
        // Without a word the port says which side serves; without a port the direction of the list.
        let begins =
            from_device.map_or_else(|| source.is_none() || destination.is_some(), |from_device| from_device == self.is_outgoing);
        let (served, own) = if begins { (destination, source) } else { (source, destination) };
        if own.is_some() {
            return Err("a port on the side that begins: a policy has ports of the side that is asked only".into());
        }
        let device_starts = begins == self.is_outgoing;
        let mut services = BTreeSet::new();
        match (matches.protocol, matches.icmp, served) {
            (None, None, None) => drop(services.insert("any".to_owned())),
            (Some(6 | 17), None, Some(ports)) => {
                let word = if matches.protocol == Some(6) { "tcp" } else { "udp" };
                let term = |&(first, last): &(u16, u16)| {
                    if first == last { format!("{word}/{first}") } else { format!("{word}/{first}-{last}") }
                };
                services.extend(ports.ranges().iter().map(term));
            }
            (Some(6), None, None) => drop(services.insert("tcp".to_owned())),
            (Some(17), None, None) => drop(services.insert("udp".to_owned())),
            (protocol @ (None | Some(1 | 58)), icmp, None) => {
                if protocol.is_some_and(|number| (number == 58) != self.is_ipv6) {
                    return Err("ICMP of the other IP version".into());
                }
                let word = if self.is_ipv6 { "icmp6" } else { "icmp" };
                services.insert(match icmp {
                    None | Some((None, None)) => word.to_owned(),
                    Some((Some(kind), None)) => format!("{word}/{kind}"),
                    Some((Some(kind), Some(code))) => format!("{word}/{kind}/{code}"),
                    Some((None, Some(_))) => return Err("an ICMP code without its type".into()),
                });
            }
            (Some(number), None, None) => drop(services.insert(format!("ip/{number}"))),
            _ => return Err("ports or ICMP types beside a protocol that has none".into()),
        }
        Ok((device_starts, services))
    }
}

fn abstraction(map: &Map<String, Value>, found: &mut Matches) -> Result<(), String> {
    for key in map.keys() {
        let peer = match key.as_str() {
            "local-networks" => Peer::Local,
            "my-controller" | "controller" => Peer::Controller,
            "manufacturer" | "same-manufacturer" | "model" => Peer::Manufacturer,
            other => return Err(format!("`ietf-mud:mud` has `{other}`, which this program does not know")),
        };
        one_peer(found, peer)?;
    }
    Ok(())
}

fn one_peer(found: &mut Matches, peer: Peer) -> Result<(), String> {
    // Both would have to hold; a zone is one or the other.
    if found.peer.as_ref().is_some_and(|known| *known != peer) {
        return Err("two conditions on the other end at once".into());
    }
    found.peer = Some(peer);
    Ok(())
}

fn ports(map: &Map<String, Value>, found: &mut Matches) -> Result<(), String> {
    only(map, &["source-port", "destination-port", "ietf-mud:direction-initiated"])?;
    found.source = port_set(map, "source-port")?;
    found.destination = port_set(map, "destination-port")?;
    found.from_device = match text(map, "ietf-mud:direction-initiated")? {
        None => None,
        Some("from-device") => Some(true),
        Some("to-device") => Some(false),
        Some(other) => return Err(format!("`direction-initiated` is `{other}`, not from-device or to-device")),
    };
    Ok(())
}

/// RFC 8519: an operator with a port, or a range.
fn port_set(map: &Map<String, Value>, key: &str) -> Result<Option<Ports>, String> {
    let Some(value) = map.get(key) else { return Ok(None) };
    let map = object(value, &format!("`{key}`"))?;
    only(map, &["operator", "port", "lower-port", "upper-port"])?;
    let number = |name: &str| -> Result<Option<u16>, String> {
        let Some(value) = map.get(name) else { return Ok(None) };
        let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
        port.map(Some).ok_or_else(|| format!("`{key}`: `{name}` is {value}, not a port"))
    };
    let (port, lower, upper) = (number("port")?, number("lower-port")?, number("upper-port")?);
    let operator = text(map, "operator")?;
    match (port, lower, upper, operator) {
        (Some(port), None, None, None | Some("eq")) => Ok(Some(Ports::of(port))),
        (Some(port), None, None, Some("neq")) => Ok(Some(Ports::of(port).complement())),
        (Some(port), None, None, Some("lte")) => Ok(Some(Ports::range(0, port))),
        (Some(port), None, None, Some("gte")) => Ok(Some(Ports::range(port, u16::MAX))),
        (None, Some(lower), Some(upper), None) if lower <= upper => Ok(Some(Ports::range(lower, upper))),
        _ => Err(format!("`{key}` is neither an operator with a port nor a range of ports")),
    }
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{what} is not an object"))
}

fn only(map: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("`{key}` is not known to this program here")),
        None => Ok(()),
    }
}

fn byte(map: &Map<String, Value>, key: &str) -> Result<Option<u8>, String> {
    let Some(value) = map.get(key) else { return Ok(None) };
    let number = value.as_u64().and_then(|number| u8::try_from(number).ok());
    number.map(Some).ok_or_else(|| format!("`{key}` is {value}, not a number from 0 to 255"))
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, String> {
    let Some(value) = map.get(key) else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| format!("`{key}` is {value}, not a text"))
}

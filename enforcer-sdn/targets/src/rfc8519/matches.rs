//! The `matches` of an ACE as a selector. For parsers only.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, Selector};

use crate::target::ParseError;
use crate::tree::{Field, Members};

/// IP versions that a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Versions {
    V4,
    V6,
    Both,
}

impl Versions {
    /// Every address.
    pub(crate) fn addresses(self) -> AddressSet {
        match self {
            Self::V4 => AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() },
            Self::V6 => AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() },
            Self::Both => AddressSet::full(),
        }
    }
}

/// What an ACE selects.
pub(crate) struct Matched<'a> {
    pub(crate) selector: Selector,
    /// RFC 8520's `direction-initiated`.
    pub(crate) direction: Option<Field<'a>>,
}

const ADVICE: &str = "packets are matched by ipv4, ipv6, tcp, udp and icmp, with prefixes, protocol, ports, type and code";

/// Reads `matches`; None selects every packet of the list's versions.
pub(crate) fn read<'a>(matches: Option<Field<'a>>, versions: Versions) -> Result<Matched<'a>, ParseError> {
    let everything = || Selector { source: versions.addresses(), destination: versions.addresses(), ..Selector::any() };
    let Some(field) = matches else { return Ok(Matched { selector: everything(), direction: None }) };
    let mut members = field.members()?;
    let network = match (members.take("ipv4")?, members.take("ipv6")?) {
        (Some(_), Some(v6)) => return Err(v6.error("`ipv4` and `ipv6` in one entry", "write an entry for each")),
        (Some(v4), None) => Some((v4, Versions::V4)),
        (None, Some(v6)) => Some((v6, Versions::V6)),
        (None, None) => None,
    };
    let (protocol, source, destination, versions) = match network {
        Some((field, version)) => {
            if versions != Versions::Both && versions != version {
                return Err(field.error("a header of the other IP version", "a list of that type cannot match it"));
            }
            let (protocol, source, destination) = internet(field, version)?;
            (protocol, source, destination, version)
        }
        None => (None, versions.addresses(), versions.addresses(), versions),
    };
    let mut direction = None;
    let mut flags = FlagSet::full();
    let mut l4 = protocol.map_or(L4::Any, L4::Protocol);
    let mut is_given = false;
    for name in ["tcp", "udp", "icmp"] {
        let Some(field) = members.take(name)? else { continue };
        if std::mem::replace(&mut is_given, true) {
            return Err(field.error("two transport headers in one entry", "write an entry for each"));
        }
        let number = match (name, versions) {
            ("tcp", _) => 6,
            ("udp", _) => 17,
            (_, Versions::V4) => 1,
            (_, Versions::V6) => 58,
            (_, Versions::Both) => {
                return Err(field.error("`icmp` of either IP version", "add `protocol` 1 in `ipv4`, or 58 in `ipv6`"));
            }
        };
        if protocol.is_some_and(|protocol| protocol != number) {
            return Err(field.error(format!("`{name}` beside another `protocol`"), "no packet is both: correct one of them"));
        }
        l4 = if name == "icmp" {
            icmp(field, number)?
        } else {
            let mut members = field.members()?;
            let mut set = None;
            if name == "tcp" {
                direction = members.take("ietf-mud:direction-initiated")?;
                set = members.take("ietf-acl-enh:flags-bitmask")?.map(flag_set).transpose()?;
            }
            flags = set.unwrap_or_else(FlagSet::full);
            ports(members, number, direction.is_some() || set.is_some())?
        };
    }
    members.done(ADVICE)?;
    Ok(Matched { selector: Selector { source, destination, l4, flags, ..Selector::any() }, direction })
}

fn internet(field: Field<'_>, version: Versions) -> Result<(Option<u8>, AddressSet, AddressSet), ParseError> {
    let mut members = field.members()?;
    let protocol = members.take("protocol")?;
    let number = protocol.map(Field::number::<u8>).transpose()?;
    if let (Some(field), Some(0 | 43 | 44 | 50 | 51 | 60 | 135 | 139 | 140), Versions::V6) = (protocol, number, version) {
        return Err(field.error("the number of an IPv6 extension header", "`protocol` is what follows the extension headers"));
    }
    let mut side = |side: &str| -> Result<AddressSet, ParseError> {
        let name = format!("{side}-{}-network", if version == Versions::V6 { "ipv6" } else { "ipv4" });
        let Some(field) = members.take(&name)? else { return Ok(version.addresses()) };
        let text = field.text()?;
        let wanted = if version == Versions::V6 { "IPv6" } else { "IPv4" };
        let prefix = text.parse::<Prefix>().ok().filter(|prefix| {
            let is_v6 = prefix.network().is_ipv6();
            is_v6 == (version == Versions::V6) && has_clean_length(text)
        });
        let advice = "write a prefix with its length and without host bits";
        prefix.map(AddressSet::from).ok_or_else(|| field.error(format!("`{text}` is no {wanted} prefix"), advice))
    };
    let (source, destination) = (side("source")?, side("destination")?);
    members.done(ADVICE)?;
    Ok((number, source, destination))
}

/// The types of RFC 6991 want a length, and no zero before it.
fn has_clean_length(text: &str) -> bool {
    text.split_once('/').is_some_and(|(_, length)| {
        length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'))
    })
}

fn icmp(field: Field<'_>, number: u8) -> Result<L4, ParseError> {
    let mut members = field.members()?;
    let mut byte = |name: &str| members.take(name)?.map(|field| field.number::<u8>().map(RangeSet::of)).transpose();
    let (types, codes) = (byte("type")?, byte("code")?);
    if types.is_none() && codes.is_none() {
        members.done(ADVICE)?;
        return Err(empty(field, number));
    }
    members.done(ADVICE)?;
    let (types, codes) = (types.unwrap_or_else(RangeSet::full), codes.unwrap_or_else(RangeSet::full));
    Ok(if number == 1 { L4::Icmp { types, codes } } else { L4::Icmp6 { types, codes } })
}

fn empty(field: Field<'_>, number: u8) -> ParseError {
    field.error("a container without members, which selects every packet", format!("write `protocol` {number}, or leave it out"))
}

fn ports(mut members: Members<'_>, number: u8, has_more: bool) -> Result<L4, ParseError> {
    let field = members.of;
    let (source, destination) = (members.take("source-port")?, members.take("destination-port")?);
    if let Some(flags) = members.take("flags")? {
        let advice = "RFC 8519 does not say whether other flags may be set: use `ietf-acl-enh:flags-bitmask` of RFC 9899";
        return Err(flags.error("`flags` without a mask", advice));
    }
    members.done(ADVICE)?;
    if source.is_none() && destination.is_none() && !has_more {
        return Err(empty(field, number));
    }
    let source = source.map_or_else(|| Ok(PortSet::full()), port_set)?;
    let destination = destination.map_or_else(|| Ok(PortSet::full()), port_set)?;
    Ok(if number == 6 { L4::Tcp { source, destination } } else { L4::Udp { source, destination } })
}

/// RFC 9899's `flags-bitmask`, of which an empty one would select nothing or everything.
fn flag_set(field: Field<'_>) -> Result<FlagSet, ParseError> {
    let mut members = field.members()?;
    let operator = members.need("operator")?;
    let (names, bits) = (members.take("explicit-tcp-flag")?, members.take("bitmask")?);
    members.done("flags are `operator` with `explicit-tcp-flag` or `bitmask`")?;
    let mut mask = 0;
    match (names, bits) {
        (Some(names), None) => {
            for name in names.items()? {
                let text = name.text()?;
                let bare = text.strip_prefix("ietf-acl-enh:").unwrap_or(text);
                match FlagSet::NAMES.iter().position(|known| *known == bare) {
                    Some(bit) => mask |= 1 << bit,
                    None => {
                        return Err(name.error(
                            format!("`{text}` is no flag of the flag byte"),
                            "write ack, syn, fin, rst, psh, urg, ece or cwr",
                        ));
                    }
                }
            }
        }
        (None, Some(bits)) => mask = bits.number::<u8>()?,
        _ => return Err(field.error("no flags, or flags in two ways", "write `explicit-tcp-flag` or `bitmask`")),
    }
    if mask == 0 {
        return Err(field.error("an empty set of flags", "name one, or leave the container out"));
    }
    let mut words: Vec<&str> = operator.text()?.split(' ').collect();
    words.sort_unstable();
    match words.as_slice() {
        ["any"] => Ok(FlagSet::any_bit(mask)),
        ["match"] => Ok(FlagSet::masked(mask, mask)),
        ["any", "not"] => Ok(FlagSet::any_bit(mask).complement()),
        ["match", "not"] => Ok(FlagSet::masked(mask, mask).complement()),
        _ => Err(operator.error("neither `any` nor `match`, perhaps with `not`", "say how the flags are compared")),
    }
}

fn port_set(field: Field<'_>) -> Result<PortSet, ParseError> {
    let mut members = field.members()?;
    let mut port = |name: &str| members.take(name)?.map(Field::number::<u16>).transpose();
    let (lower, upper, port) = (port("lower-port")?, port("upper-port")?, port("port")?);
    let operator = members.take("operator")?;
    members.done("ports are `lower-port` with `upper-port`, or `port` with `operator`")?;
    match (lower, upper, port, operator) {
        (Some(lower), Some(upper), None, None) if lower <= upper => Ok(RangeSet::range(lower, upper)),
        (Some(_), Some(_), None, None) => Err(field.error("a descending port range", "write the lower port first")),
        (None, None, Some(port), operator) => {
            let Some(operator) = operator else { return Ok(RangeSet::of(port)) };
            match operator.text()? {
                "eq" => Ok(RangeSet::of(port)),
                "neq" => Ok(RangeSet::of(port).complement()),
                "lte" => Ok(RangeSet::range(0, port)),
                "gte" => Ok(RangeSet::range(port, u16::MAX)),
                other => Err(operator.error(format!("`{other}` is no operator"), "write eq, neq, lte or gte")),
            }
        }
        _ => {
            Err(field
                .error("neither a port range nor one port", "write `lower-port` with `upper-port`, or `port` with `operator`"))
        }
    }
}

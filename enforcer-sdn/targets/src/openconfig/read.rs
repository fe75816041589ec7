//! The headers of one entry as a selector, and containers with `config` and `state`. For the parser only.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet, Selector};

use super::icmp;
use crate::target::ParseError;
use crate::tree::{Field, Members};

const ADVICE: &str = "packets are matched by addresses, protocol, ports, ICMP type and code";

/// The `config` of a container. A `state` beside it must say the same: what runs is not what is configured otherwise.
pub(super) fn config<'a>(members: &mut Members<'a>) -> Result<Option<Members<'a>>, ParseError> {
    let (config, state) = (members.take("config")?, members.take("state")?);
    if let Some(state) = state {
        let advice = "read the text when the device has taken over what is configured";
        let Some(config) = config else {
            return Err(state.error("`state` without `config`", "give the configuration"));
        };
        let mut rest = state.members()?;
        for (name, wanted) in config.members()?.entries() {
            let Some(given) = rest.take(name)? else {
                return Err(state.error(format!("`{name}` is configured and not in `state`"), advice));
            };
            if !given.says_the_same(wanted) {
                return Err(given.error(format!("`{name}` is not as configured"), advice));
            }
        }
        // Counters.
        rest.take("matched-packets")?;
        rest.take("matched-octets")?;
        if let Some(log) = rest.take("log-action")?
            && bare(log.text()?) != "LOG_NONE"
        {
            return Err(log.error("a log that is not configured", advice));
        }
        rest.done(advice)?;
    }
    config.map(Field::members).transpose()
}

/// A name without its module.
pub(super) fn bare(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, bare)| bare)
}

/// Every address of one version.
pub(super) fn all(is_ipv6: bool) -> AddressSet {
    if is_ipv6 {
        AddressSet { v4: RangeSet::empty(), v6: RangeSet::full() }
    } else {
        AddressSet { v4: RangeSet::full(), v6: RangeSet::empty() }
    }
}

/// Takes the header containers of an entry.
pub(super) fn selector(entry: &mut Members<'_>, is_ipv6: bool) -> Result<Selector, ParseError> {
    let mut selector = Selector { source: all(is_ipv6), destination: all(is_ipv6), ..Selector::any() };
    let mut protocol = None;
    let mut icmp = None;
    let (header, icmp_name) = if is_ipv6 { ("ipv6", "icmpv6") } else { ("ipv4", "icmpv4") };
    if let Some(field) = entry.take(header)? {
        let mut members = field.members()?;
        icmp = members.take(icmp_name)?;
        if let Some(mut config) = config(&mut members)? {
            protocol = config.take("protocol")?.map(|field| protocol_number(field, is_ipv6)).transpose()?;
            if let Some(field) = config.take("source-address")? {
                selector.source = prefix(field, is_ipv6)?;
            }
            if let Some(field) = config.take("destination-address")? {
                selector.destination = prefix(field, is_ipv6)?;
            }
            config.done(ADVICE)?;
        }
        members.done(ADVICE)?;
    }
    selector.l4 = protocol.map_or(L4::Any, L4::Protocol);
    if let Some(field) = icmp {
        selector.l4 = icmp_set(field, is_ipv6, protocol, selector.l4)?;
    }
    if let Some(field) = entry.take("transport")? {
        (selector.l4, selector.flags) = transport(field, protocol, selector.l4)?;
    }
    Ok(selector)
}

fn protocol_number(field: Field<'_>, is_ipv6: bool) -> Result<u8, ParseError> {
    let number = if field.is_number() {
        field.number::<u8>()?
    } else {
        match bare(field.text()?) {
            "IP_ICMP" => 1,
            "IP_IGMP" => 2,
            "IP_TCP" => 6,
            "IP_UDP" => 17,
            "IP_RSVP" => 46,
            "IP_GRE" => 47,
            "IP_AUTH" => 51,
            "IP_PIM" => 103,
            "IP_L2TP" => 115,
            other => return Err(field.error(format!("`{other}` is no protocol of the model"), "write its number")),
        }
    };
    if number == 255 {
        return Err(field.error("protocol 255", "the model ends at 254"));
    }
    if is_ipv6 && [0, 43, 44, 50, 51, 60, 135, 139, 140].contains(&number) {
        return Err(field.error("the number of an IPv6 extension header", "devices differ in what they match: leave it out"));
    }
    Ok(number)
}

fn prefix(field: Field<'_>, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let text = field.text()?;
    let has_clean_length = text.split_once('/').is_some_and(|(_, length)| {
        length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'))
    });
    let prefix = text.parse::<Prefix>().ok().filter(|prefix| has_clean_length && prefix.network().is_ipv6() == is_ipv6);
    let wanted = if is_ipv6 { "IPv6" } else { "IPv4" };
    let advice = "write a prefix of the set's IP version with its length and without host bits";
    prefix.map(AddressSet::from).ok_or_else(|| field.error(format!("`{text}` is no {wanted} prefix"), advice))
}

fn icmp_set(field: Field<'_>, is_ipv6: bool, protocol: Option<u8>, without: L4) -> Result<L4, ParseError> {
    let number = if is_ipv6 { 58 } else { 1 };
    let mut members = field.members()?;
    let Some(mut config) = config(&mut members)? else {
        members.done(ADVICE)?;
        return Ok(without);
    };
    members.done(ADVICE)?;
    let (kind, code) = (config.take("type")?, config.take("code")?);
    config.done(ADVICE)?;
    if kind.is_none() && code.is_none() {
        return Ok(without);
    }
    if protocol.is_some_and(|protocol| protocol != number) {
        return Err(field.error("an ICMP match beside another protocol", "no packet is both: correct one of them"));
    }
    let kinds = icmp::kinds(is_ipv6);
    let module = icmp::MODULES[usize::from(is_ipv6)];
    let Some(kind) = kind else { return Err(field.error("an ICMP code without a type", "name the type")) };
    let name = identity(kind, module)?;
    let Some(found) = kinds.iter().find(|kind| kind.name == name) else {
        return Err(kind.error(format!("`{name}` is no ICMP type that is known here"), format!("use the names of {module}")));
    };
    let codes = match code {
        None => RangeSet::full(),
        Some(code) => {
            let name = identity(code, module)?;
            match found.codes.iter().find(|(known, _)| *known == name) {
                Some((_, number)) => RangeSet::of(*number),
                None => {
                    return Err(
                        code.error(format!("`{name}` is no code of `{}`", found.name), format!("use the names of {module}"))
                    );
                }
            }
        }
    };
    let types = RangeSet::of(found.number);
    Ok(if is_ipv6 { L4::Icmp6 { types, codes } } else { L4::Icmp { types, codes } })
}

/// A name without the module that it may begin with.
fn identity<'a>(field: Field<'a>, module: &str) -> Result<&'a str, ParseError> {
    let text = field.text()?;
    Ok(text.strip_prefix(module).and_then(|rest| rest.strip_prefix(':')).unwrap_or(text))
}

fn transport(field: Field<'_>, protocol: Option<u8>, without: L4) -> Result<(L4, FlagSet), ParseError> {
    let mut members = field.members()?;
    let Some(mut config) = config(&mut members)? else {
        members.done(ADVICE)?;
        return Ok((without, FlagSet::full()));
    };
    members.done(ADVICE)?;
    let (source, destination) = (config.take("source-port")?, config.take("destination-port")?);
    if let Some(flags) = config.take("tcp-flags")? {
        let advice = "this leaf of older models does not say whether any or all of them: use `detail-mode`";
        return Err(flags.error("`tcp-flags` without a mode", advice));
    }
    let flags = flags(&mut config)?;
    config.done(ADVICE)?;
    if source.is_none() && destination.is_none() && flags.is_none() {
        return Ok((without, FlagSet::full()));
    }
    let source = source.map_or_else(|| Ok(PortSet::full()), ports)?;
    let destination = destination.map_or_else(|| Ok(PortSet::full()), ports)?;
    let flags = match flags {
        Some(flags) if protocol == Some(6) => flags,
        Some(_) => return Err(field.error("TCP flags without TCP", "name the protocol")),
        None => FlagSet::full(),
    };
    match protocol {
        Some(6) => Ok((L4::Tcp { source, destination }, flags)),
        Some(17) => Ok((L4::Udp { source, destination }, flags)),
        _ => {
            Err(field
                .error("ports without TCP or UDP", "name the protocol: what ports of all protocols are, the model does not say"))
        }
    }
}

fn flags(config: &mut Members<'_>) -> Result<Option<FlagSet>, ParseError> {
    let Some(mode) = config.take("detail-mode")? else { return Ok(None) };
    match mode.text()? {
        "BUILTIN" => {
            let word = config.need("builtin-detail")?;
            match word.text()? {
                "TCP_INITIAL" => Ok(Some(FlagSet::masked(FlagSet::SYN, FlagSet::SYN | FlagSet::ACK))),
                "TCP_ESTABLISHED" => Ok(Some(FlagSet::ack_or_rst())),
                other => Err(word.error(format!("`{other}` is not understood"), "write TCP_INITIAL or TCP_ESTABLISHED")),
            }
        }
        "EXPLICIT" => {
            let how = config.need("explicit-detail-match-mode")?;
            let list = config.need("explicit-tcp-flags")?;
            let mut mask = 0;
            for flag in list.items()? {
                let name = bare(flag.text()?).strip_prefix("TCP_").unwrap_or("").to_ascii_lowercase();
                match FlagSet::NAMES.iter().position(|known| *known == name) {
                    Some(bit) => mask |= 1 << bit,
                    None => return Err(flag.error("no TCP flag of the model", "write TCP_ACK, TCP_SYN and so on")),
                }
            }
            match how.text()? {
                _ if mask == 0 => Err(list.error("an empty set of flags", "name one, or leave the flags out")),
                "ANY" => Ok(Some(FlagSet::any_bit(mask))),
                "ALL" => Ok(Some(FlagSet::masked(mask, mask))),
                other => Err(how.error(format!("`{other}` is no way to match"), "write ANY or ALL")),
            }
        }
        other => Err(mode.error(format!("`{other}` is no mode"), "write EXPLICIT or BUILTIN")),
    }
}

fn ports(field: Field<'_>) -> Result<PortSet, ParseError> {
    if field.is_number() {
        return field.number::<u16>().map(RangeSet::of);
    }
    let text = field.text()?;
    if text == "ANY" {
        return Ok(PortSet::full());
    }
    let number = |digits: &str| -> Option<u16> {
        let is_clean = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        if is_clean { digits.parse().ok() } else { None }
    };
    let advice = "write a number, `\"first..last\"` or `\"ANY\"`";
    let range = text.split_once("..").and_then(|(first, last)| Some((number(first)?, number(last)?)));
    match range {
        Some((first, last)) if first <= last => Ok(RangeSet::range(first, last)),
        Some(_) => Err(field.error("a descending port range", "write the lower port first")),
        None => Err(field.error(format!("`{text}` is no port and no range"), advice)),
    }
}

//! One rule of a policy as address sets and services. For the parser only.

use enforcer_packetset::{AddressSet, FlagSet, L4, PortSet, Prefix, RangeSet};

use super::labels;
use crate::device_zones::DeviceZones;
use crate::isolated::Allowed;
use crate::target::ParseError;
use crate::tree::Field;

/// What one rule allows; `peers` is `from` or `to`.
pub(super) fn read(field: Field<'_>, peers: &str, namespace: &str, zones: &DeviceZones) -> Result<Vec<Allowed>, ParseError> {
    let mut members = field.members()?;
    let blocks = list(members.take(peers)?)?;
    let ports = list(members.take("ports")?)?;
    members.done(&format!("a rule has `{peers}` and `ports`"))?;
    let mut set = if blocks.is_empty() { AddressSet::full() } else { AddressSet::empty() };
    for block in blocks {
        set = set.union(&peer(block, namespace, zones)?);
    }
    let services = ports.into_iter().map(service).collect::<Result<Vec<_>, _>>()?;
    let services = if services.is_empty() { vec![L4::Any] } else { services };
    let allowed = |l4| Allowed { line: field.line(), peers: set.clone(), l4, flags: FlagSet::full() };
    Ok(services.into_iter().map(allowed).collect())
}

/// Items; nothing, and an explicit null, is an empty list.
pub(super) fn list(field: Option<Field<'_>>) -> Result<Vec<Field<'_>>, ParseError> {
    match field.filter(|field| !field.is_null()) {
        Some(field) => Ok(field.items()?.collect()),
        None => Ok(Vec::new()),
    }
}

fn peer(field: Field<'_>, namespace: &str, zones: &DeviceZones) -> Result<AddressSet, ParseError> {
    let mut members = field.members()?;
    // Null is as good as not there; an empty selector is everybody.
    let mut selector = |name| members.take(name).map(|field| field.filter(|field| !field.is_null()));
    let (pods, namespaces) = (selector("podSelector")?, selector("namespaceSelector")?);
    if let Some(selector) = pods.or(namespaces) {
        if zones.is_empty() {
            let name = if pods.is_some() { "podSelector" } else { "namespaceSelector" };
            let advice = "labels have no addresses here: say them in `device_zones` of the point, or write an `ipBlock`";
            return Err(selector.error(format!("a peer by `{name}`"), advice));
        }
        members.done("a peer is an `ipBlock`, or a `podSelector` with or without a `namespaceSelector`")?;
        return labels::peers(pods, namespaces, namespace, zones);
    }
    let mut block = members.need("ipBlock")?.members()?;
    members.done("a peer is an `ipBlock`")?;
    let whole = block.need("cidr")?;
    let outer = prefix(whole)?;
    let mut set = AddressSet::from(outer);
    for hole in list(block.take("except")?)? {
        let inner = prefix(hole)?;
        let is_inside = inner.length() > outer.length() && AddressSet::from(inner).is_subset(&AddressSet::from(outer));
        if !is_inside {
            return Err(hole.error(format!("`{inner}` is not inside of `{outer}`"), "the API takes only holes in the `cidr`"));
        }
        set = set.difference(&AddressSet::from(inner));
    }
    block.done("a block has `cidr` and `except`")?;
    if set.is_empty() {
        return Err(whole.error("a block of which nothing is left", "leave it out"));
    }
    Ok(set)
}

pub(super) fn prefix(field: Field<'_>) -> Result<Prefix, ParseError> {
    let text = field.text()?;
    let is_long = text.split_once('/').is_some_and(|(_, length)| {
        length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'))
    });
    let prefix = text.parse::<Prefix>().ok().filter(|_| is_long);
    prefix.ok_or_else(|| field.error(format!("`{text}` is no address block"), "write it as \"192.0.2.0/24\", without host bits"))
}

fn service(field: Field<'_>) -> Result<L4, ParseError> {
    let mut members = field.members()?;
    let (protocol, port, end) = (members.take("protocol")?, members.take("port")?, members.take("endPort")?);
    members.done("a port has `protocol`, `port` and `endPort`")?;
    let number = |field: Field<'_>| {
        if !field.is_number() {
            return Err(field.error("a port by name", "each pod may give it another number: write the number"));
        }
        let number = field.number::<u16>()?;
        if number == 0 { Err(field.error("port 0", "the API takes ports from 1 on")) } else { Ok(number) }
    };
    let destination = match (port, end) {
        (None, None) => PortSet::full(),
        (Some(port), None) => RangeSet::of(number(port)?),
        (Some(port), Some(end)) => {
            let (first, last) = (number(port)?, number(end)?);
            if last < first {
                return Err(end.error("an `endPort` below `port`", "write the lower port first"));
            }
            RangeSet::range(first, last)
        }
        (None, Some(end)) => return Err(end.error("`endPort` without `port`", "write both")),
    };
    let source = PortSet::full();
    match protocol.map_or(Ok("TCP"), Field::text)? {
        "TCP" => Ok(L4::Tcp { source, destination }),
        "UDP" => Ok(L4::Udp { source, destination }),
        "SCTP" => Ok(L4::Sctp { source, destination }),
        other => Err(field.error(format!("`{other}` is no protocol of the API"), "write TCP, UDP or SCTP")),
    }
}

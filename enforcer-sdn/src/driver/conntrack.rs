//! Linux connection tracking, for the drivers of its packet filters: which connections there are, and the end of those that are denied.
//!
//! Words that differ: "established" is conntrack's memory, so a rule that is gone does not end what it once admitted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::thread;

use anyhow::{Context, Result};
use enforcer_packetset::{ConnectionState, Packet};

use crate::clock;
use crate::driver::Cut;
use crate::driver::via::Via;

/// Ends the tracked connections whose opening packet `denied` names.
pub fn cut(via: &Via, denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
    let minute_of_week = clock::minute_of_week(clock::now());
    let mut cut = Cut::default();
    let mut pairs: BTreeMap<(IpAddr, IpAddr), Vec<(Packet, bool)>> = BTreeMap::new();
    for table in tracked(via)? {
        for opening in table.lines().filter_map(|line| opening_packet(line, minute_of_week)) {
            let is_denied = denied(&opening);
            cut.examined += 1;
            cut.removed += u64::from(is_denied);
            pairs.entry((opening.source, opening.destination)).or_default().push((opening, is_denied));
        }
    }
    if cut.removed > 0 {
        // An entry that ended by itself in between is not an error: nothing is left to cut.
        via.run(&["conntrack", "-R", "-"], &deletions(&pairs)).context("cannot cut tracked connections")?;
    }
    Ok(cut)
}
/// What is tracked, a table for each family; both are asked at once, since a live connection goes on meanwhile.
fn tracked(via: &Via) -> Result<[String; 2]> {
    let list = |family| via.run(&["conntrack", "-L", "-f", family], "").context("cannot list tracked connections");
    let (v4, v6) = thread::scope(|scope| {
        let v6 = scope.spawn(|| list("ipv6"));
        (list("ipv4"), v6.join())
    });
    let v6 = v6.map_err(|_| anyhow::anyhow!("listing tracked IPv6 connections stopped unexpectedly"))??;
    Ok([v4?, v6])
}

/// Lines for `conntrack --load-file`. Each costs a walk over the kernel's whole table (10 ms and more), so two hosts that may not
/// speak at all are one line; where they may, each denied connection is.
fn deletions(pairs: &BTreeMap<(IpAddr, IpAddr), Vec<(Packet, bool)>>) -> String {
    let mut lines = String::new();
    for ((source, destination), openings) in pairs {
        let family = if source.is_ipv4() { "ipv4" } else { "ipv6" };
        let mut line = |filter: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "-D -f {family} -s {source} -d {destination}{filter}");
        };
        if openings.iter().all(|(_, is_denied)| *is_denied) {
            line("");
        } else {
            openings.iter().filter(|(_, is_denied)| *is_denied).for_each(|(opening, _)| line(&filter(opening)));
        }
    }
    lines
}

/// The packet that opened the connection which a line of `conntrack -L` describes; None for lines that are not one.
///
/// `tcp 6 431999 ESTABLISHED src=A dst=B sport=1 dport=2 src=B dst=A sport=2 dport=1 [ASSURED] mark=0 use=1`:
/// the first of each key is of the original direction.
fn opening_packet(line: &str, minute_of_week: u16) -> Option<Packet> {
    let protocol: u8 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let first = |key: &str| line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let number = |key: &str| first(key).and_then(|text| text.parse::<u16>().ok());
    let source: IpAddr = first("src")?.parse().ok()?;
    let destination: IpAddr = first("dst")?.parse().ok()?;
    let (source_port, destination_port) = match protocol {
        1 | 58 => (number("type")?, number("code")?),
        6 | 17 | 132 => (number("sport")?, number("dport")?),
        _ => (0, 0),
    };
    let ports = (source_port, destination_port);
    Some(Packet::new(source, destination, protocol, ports, ConnectionState::New, minute_of_week))
}

/// Protocol and ports of one connection, as options of `conntrack`.
fn filter(opening: &Packet) -> String {
    let Packet { source_port, destination_port, .. } = opening;
    match opening.protocol {
        6 => format!(" -p tcp --sport {source_port} --dport {destination_port}"),
        17 => format!(" -p udp --sport {source_port} --dport {destination_port}"),
        132 => format!(" -p sctp --sport {source_port} --dport {destination_port}"),
        1 => format!(" -p icmp --icmp-type {source_port} --icmp-code {destination_port}"),
        58 => format!(" -p icmpv6 --icmpv6-type {source_port} --icmpv6-code {destination_port}"),
        number => format!(" -p {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_direction_of_a_tracked_connection_is_read() {
        let line = "tcp      6 431999 ESTABLISHED src=10.0.2.9 dst=10.0.1.2 sport=40000 dport=445 src=10.0.1.2 dst=10.0.2.9 sport=445 dport=40000 [ASSURED] mark=0 use=1";
        let opening = opening_packet(line, 5).unwrap();
        assert_eq!(opening.to_string(), "tcp 10.0.2.9 port 40000 -> 10.0.1.2 port 445 (new, Mon 00:05 UTC)");
    }

    #[test]
    fn one_line_cuts_a_pair_of_hosts_and_spares_what_is_allowed() {
        let (source, destination) = (IpAddr::from([10, 0, 2, 9]), IpAddr::from([10, 0, 1, 2]));
        let opening = |port| Packet::new(source, destination, 6, (40000, port), ConnectionState::New, 0);
        let lines = |openings: &[(Packet, bool)]| {
            deletions(&BTreeMap::from([((openings[0].0.source, openings[0].0.destination), openings.to_vec())]))
        };
        assert_eq!(lines(&[(opening(445), true), (opening(3389), true)]), "-D -f ipv4 -s 10.0.2.9 -d 10.0.1.2\n");
        assert_eq!(
            lines(&[(opening(445), true), (opening(502), false)]),
            "-D -f ipv4 -s 10.0.2.9 -d 10.0.1.2 -p tcp --sport 40000 --dport 445\n"
        );
        assert_eq!(lines(&[(opening(502), false)]), "");
    }

    #[test]
    fn icmp_has_type_and_code_instead_of_ports() {
        let line = "icmpv6   58 29 src=fd00::1 dst=fd00::2 type=128 code=0 id=7 src=fd00::2 dst=fd00::1 type=129 code=0 id=7 mark=0 use=1";
        let opening = opening_packet(line, 0).unwrap();
        assert_eq!((opening.protocol, opening.source_port, opening.destination_port), (58, 128, 0));
    }

    #[test]
    fn other_lines_are_no_connection() {
        assert_eq!(opening_packet("conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.", 0), None);
        assert_eq!(opening_packet("", 0), None);
    }
}

//! An Open vSwitch bridge: `ovs-ofctl` replaces our flows as one bundle, `ovs-appctl` cuts.
//!
//! Words that differ: flows of others stand in the same table; ours are known by the upper 16 bits of their cookie, and nothing else is
//! read, replaced or removed. A bundle is all or nothing (OpenFlow 1.4 7.3.9). The datapath remembers decisions, so after a change
//! it is made to forget them: otherwise some packets pass for as long as it takes to look all of them up again. The bridge is the only one of the switch; with several, name the others' away by a
//! database of their own (`OVS_RUNDIR`).

use anyhow::{Context, Result, bail};
use enforcer_packetset::{ConnectionState, Packet};

use crate::clock;
use crate::config::Point;
use crate::driver::via::Via;
use crate::driver::{Cut, Driver, DriverKind, Running};

pub const KIND: DriverKind = DriverKind { name: "ovs", target: "openflow", open };
pub const STATELESS: DriverKind = DriverKind { name: "ovs-stateless", target: "openflow-stateless", open };

/// Cookies of our flows, with the mask under which they are equal.
const COOKIE: &str = "cookie=0xc0de000000000000/0xffff000000000000";
/// Our zone of connection tracking.
const ZONE: &str = "zone=49374";
const OFCTL: [&str; 3] = ["ovs-ofctl", "-O", "OpenFlow14"];

struct Ovs {
    via: Via,
}

fn open(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Ovs { via: Via::new(&point.via) }))
}

impl Driver for Ovs {
    fn read_back(&self) -> Result<Running> {
        let bridge = self.bridge()?;
        let own = self.ofctl(&["--no-stats", "dump-flows", &bridge, COOKIE])?;
        let mut flows: Vec<&str> = own.lines().map(str::trim).filter(|line| line.starts_with("cookie=")).collect();
        // The switch lists them in an order of its own.
        flows.sort_unstable();
        if flows.is_empty() {
            return Ok(Running(None));
        }
        let added: String = flows.iter().map(|flow| format!("add {flow}\n")).collect();
        Ok(Running(Some(format!("delete {COOKIE}\n{added}"))))
    }

    fn apply(&self, text: &str) -> Result<()> {
        let bridge = self.bridge()?;
        let line = [&OFCTL[..], &["--bundle", "add-flows", &bridge, "-"]].concat();
        self.via.run(&line, text).context("the flows are refused")?;
        self.via.run(&["ovs-appctl", "revalidator/purge"], "").map(drop)
    }

    fn restore(&self, checkpoint: &Running) -> Result<()> {
        self.apply(checkpoint.0.as_deref().unwrap_or(&format!("delete {COOKIE}\n")))
    }

    /// Without connection tracking nothing is known of connections, and the new flows bite on the next packet.
    fn cut(&self, denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
        let minute_of_week = clock::minute_of_week(clock::now());
        let tracked =
            self.via.run(&["ovs-appctl", "dpctl/dump-conntrack", ZONE], "").context("cannot list tracked connections")?;
        let mut cut = Cut::default();
        for (opening, id) in tracked.lines().filter_map(|line| opening_packet(line, minute_of_week)) {
            cut.examined += 1;
            if denied(&opening) {
                cut.removed += 1;
                self.via
                    .run(&["ovs-appctl", "dpctl/flush-conntrack", ZONE, &tuple(&opening, id)], "")
                    .context("cannot cut a connection")?;
            }
        }
        Ok(cut)
    }
}

impl Ovs {
    fn bridge(&self) -> Result<String> {
        // `ovs-vsctl` asks the database's socket in OVS_RUNDIR.
        let listed = self.via.run(&["ovs-vsctl", "--timeout=10", "list-br"], "").context("cannot list the bridges")?;
        match listed.lines().collect::<Vec<_>>().as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => bail!("the switch has no bridge; add one with `ovs-vsctl add-br`"),
            several => {
                bail!("the switch has several bridges ({}); reach one of them in an `OVS_RUNDIR` of its own", several.join(", "))
            }
        }
    }

    fn ofctl(&self, words: &[&str]) -> Result<String> {
        self.via.run(&[&OFCTL[..], words].concat(), "").context("cannot list the flows")
    }
}

/// The packet that opened the connection, and the identifier of ICMP, which a line of `dump-conntrack` describes:
/// `tcp,orig=(src=A,dst=B,sport=1,dport=2),reply=(...),zone=49374,protoinfo=(state=ESTABLISHED)`.
fn opening_packet(line: &str, minute_of_week: u16) -> Option<(Packet, u16)> {
    let (protocol, rest) = line.split_once(",orig=(")?;
    let original = rest.split(')').next()?;
    let value = |key: &str| original.split(',').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let number = |key: &str| value(key).and_then(|text| text.parse::<u16>().ok());
    let protocol = match protocol {
        "tcp" => 6,
        "udp" => 17,
        "sctp" => 132,
        "icmp" => 1,
        "icmpv6" => 58,
        number => number.parse().ok()?,
    };
    let ports = match protocol {
        1 | 58 => (number("type")?, number("code")?),
        6 | 17 | 132 => (number("sport")?, number("dport")?),
        _ => (0, 0),
    };
    let (source, destination) = (value("src")?.parse().ok()?, value("dst")?.parse().ok()?);
    let packet = Packet::new(source, destination, protocol, ports, ConnectionState::New, minute_of_week);
    Some((packet, number("id").unwrap_or(0)))
}

/// One connection, as `flush-conntrack` names it.
fn tuple(opening: &Packet, id: u16) -> String {
    let Packet { source, destination, protocol, source_port, destination_port, .. } = opening;
    let family = if source.is_ipv4() { ("ct_nw_src", "ct_nw_dst") } else { ("ct_ipv6_src", "ct_ipv6_dst") };
    let hosts = format!("{}={source},{}={destination},ct_nw_proto={protocol}", family.0, family.1);
    match protocol {
        6 | 17 | 132 => format!("{hosts},ct_tp_src={source_port},ct_tp_dst={destination_port}"),
        1 | 58 => format!("{hosts},icmp_type={source_port},icmp_code={destination_port},icmp_id={id}"),
        _ => hosts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_direction_of_a_tracked_connection_is_read() {
        let line = "tcp,orig=(src=fd20::26,dst=fd10::31,sport=42947,dport=502),reply=(src=fd10::31,dst=fd20::26,sport=502,dport=42947),zone=49374,protoinfo=(state=SYN_SENT)";
        let (opening, id) = opening_packet(line, 5).unwrap();
        assert_eq!((opening.protocol, opening.source_port, opening.destination_port), (6, 42947, 502));
        assert_eq!(tuple(&opening, id), "ct_ipv6_src=fd20::26,ct_ipv6_dst=fd10::31,ct_nw_proto=6,ct_tp_src=42947,ct_tp_dst=502");
    }

    #[test]
    fn protocols_without_a_name_have_their_number() {
        let line =
            "103,orig=(src=10.0.0.1,dst=10.0.0.2,sport=0,dport=0),reply=(src=10.0.0.2,dst=10.0.0.1,sport=0,dport=0),zone=49374";
        assert_eq!(opening_packet(line, 0).map(|(packet, _)| packet.protocol), Some(103));
        assert_eq!(opening_packet("", 0), None);
    }
}

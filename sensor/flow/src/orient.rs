//! Who asked whom, from the first packet of a flow alone.

use sensor_model::DirectionReason;
use sensor_wire::{Family, Packet, TcpFlags};

use crate::icmp;
use crate::key::{ICMP, ICMP_V6, SCTP, TCP, UDP};

/// What the first packet says of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    pub sender_is_originator: bool,
    pub reason: DirectionReason,
}

/// Reads the first packet of a flow.
pub fn orient(packet: &Packet) -> Orientation {
    match (packet.protocol, packet.tcp) {
        (TCP, segment) => orient_tcp(packet, segment.map(|segment| segment.flags).unwrap_or_default()),
        (UDP | SCTP, _) => orient_datagram(packet),
        (ICMP | ICMP_V6, _) => orient_icmp(packet),
        _ => by(true, DirectionReason::FirstSeen),
    }
}

const fn by(sender_is_originator: bool, reason: DirectionReason) -> Orientation {
    Orientation { sender_is_originator, reason }
}

fn orient_tcp(packet: &Packet, flags: TcpFlags) -> Orientation {
    let (source, destination) = (rank_tcp(packet.source_port), rank_tcp(packet.destination_port));
    if flags.has(TcpFlags::SYN | TcpFlags::ACK) {
        // A SYN-ACK out of nothing towards a service is how a scan looks that hopes for a RST; else the SYN was missed.
        return if destination >= Rank::System && source < Rank::System {
            by(true, DirectionReason::PortRank)
        } else {
            by(false, DirectionReason::SynAck)
        };
    }
    if flags.has(TcpFlags::SYN) {
        return by(true, DirectionReason::Syn);
    }
    // Picked up in the middle: whoever is heard first says nothing.
    match source.cmp(&destination) {
        std::cmp::Ordering::Greater => by(false, DirectionReason::PortRank),
        std::cmp::Ordering::Less => by(true, DirectionReason::PortRank),
        std::cmp::Ordering::Equal if source == Rank::Service && packet.source_port != packet.destination_port => {
            by(packet.source_port > packet.destination_port, DirectionReason::PortRank)
        }
        std::cmp::Ordering::Equal => by(true, DirectionReason::FirstSeen),
    }
}

fn orient_datagram(packet: &Packet) -> Orientation {
    let (source, destination) = (is_service(packet.source_port), is_service(packet.destination_port));
    if destination && !source {
        return by(true, DirectionReason::PortRank);
    }
    // A group cannot have asked.
    if source && !destination && !is_group(packet) {
        return by(false, DirectionReason::PortRank);
    }
    by(true, DirectionReason::FirstSeen)
}

fn orient_icmp(packet: &Packet) -> Orientation {
    let v6 = packet.protocol == ICMP_V6;
    if icmp::is_answer(v6, packet.source_port) && !is_group(packet) {
        by(false, DirectionReason::Role)
    } else if icmp::is_request(v6, packet.source_port) {
        by(true, DirectionReason::Syn)
    } else {
        by(true, DirectionReason::FirstSeen)
    }
}

fn is_group(packet: &Packet) -> bool {
    let [first, ..] = packet.destination;
    let by_address = match packet.family {
        Family::V4 => first >= 224,
        Family::V6 => first == 0xff,
    };
    // The frame knows subnet broadcasts, which addresses alone do not tell; in a tunnel it is another frame's.
    by_address || packet.tunnel.is_none() && packet.destination_mac.is_group()
}

/// How much a TCP port looks like the side that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Where hosts take their own ports from (IANA dynamic ports, and Linux's default below them).
    Ephemeral,
    User,
    /// Needs privileges on most systems (RFC 6335 6).
    System,
    Service,
}

fn rank_tcp(port: u16) -> Rank {
    match port {
        _ if is_service(port) => Rank::Service,
        0..1024 => Rank::System,
        1024..32_768 => Rank::User,
        _ => Rank::Ephemeral,
    }
}

/// Ports on which something is served (IANA service names and port numbers, and what industrial devices use).
fn is_service(port: u16) -> bool {
    SERVICES.binary_search(&port).is_ok()
}

const SERVICES: &[u16] = &[
    7, 9, 13, 17, 19, 21, 22, 23, 25, 37, 42, 43, 49, 53, 67, 69, 70, 79, 80, 81, 88, 102, 104, 110, 111, 113, 119, 123, 135,
    137, 138, 139, 143, 161, 162, 177, 179, 194, 264, 319, 320, 389, 427, 443, 445, 464, 465, 500, 502, 514, 515, 520, 521, 523,
    547, 548, 554, 563, 585, 587, 593, 614, 623, 631, 636, 646, 789, 853, 860, 873, 902, 989, 990, 992, 993, 995, 1080, 1089,
    1090, 1091, 1102, 1194, 1217, 1433, 1434, 1521, 1701, 1720, 1723, 1740, 1741, 1742, 1812, 1813, 1883, 1900, 1911, 1962, 2049,
    2055, 2123, 2152, 2222, 2223, 2375, 2379, 2404, 2455, 2575, 2761, 2762, 2811, 2905, 3128, 3260, 3268, 3269, 3306, 3389, 3478,
    3544, 3702, 4000, 4011, 4369, 4500, 4712, 4713, 4739, 4754, 4786, 4789, 4840, 4843, 4911, 5006, 5007, 5060, 5061, 5072, 5094,
    5190, 5222, 5223, 5269, 5353, 5355, 5357, 5432, 5450, 5601, 5671, 5672, 5683, 5684, 5900, 5938, 5984, 5985, 5986, 6081, 6343,
    6379, 6514, 6633, 6653, 6666, 6667, 6668, 6669, 6881, 7400, 8000, 8008, 8080, 8081, 8086, 8123, 8291, 8443, 8554, 8883, 8888,
    9000, 9042, 9090, 9092, 9093, 9100, 9200, 9300, 9443, 9600, 9995, 10001, 10050, 10051, 10161, 11112, 11211, 11740, 15672,
    17185, 18245, 18246, 19132, 19999, 20000, 20256, 20547, 22222, 27017, 28784, 30718, 34962, 34963, 34964, 36412, 36422, 37777,
    37810, 41794, 44818, 47808, 48898, 51820, 55000, 55001, 55002, 55003, 55553, 61616,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_services_can_be_searched() {
        assert!(SERVICES.is_sorted_by(|a, b| a < b));
    }
}

//! Random packets between the hosts that random policies are about, and others.

use std::net::IpAddr;

use enforcer_packetset::{ConnectionState, Packet};
use proptest::prelude::*;

pub const HOSTS: [&str; 8] =
    ["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.9", "2001:db8::1", "2001:db8::2", "192.0.2.1", "2001:db8:f::1"];

pub fn any_packet() -> impl Strategy<Value = Packet> {
    let family = prop::sample::select(vec![true, false]);
    let host = || any::<prop::sample::Index>();
    let protocol = prop::sample::select(vec![6u8, 6, 17, 1, 58, 47, 132, 99]);
    let port = || prop::sample::select(vec![0u16, 7, 8, 53, 100, 128, 200, 502, 600, 60000]);
    let state = prop::sample::select(vec![ConnectionState::New, ConnectionState::New, ConnectionState::Established]);
    (family, host(), host(), protocol, port(), port(), state, 0u16..10080).prop_map(
        |(is_ipv4, source, destination, protocol, source_port, destination_port, state, minute_of_week)| {
            let hosts: Vec<IpAddr> =
                HOSTS.iter().map(|text| text.parse::<IpAddr>().unwrap()).filter(|ip| ip.is_ipv4() == is_ipv4).collect();
            let (source, destination) = (*source.get(&hosts), *destination.get(&hosts));
            Packet::new(source, destination, protocol, (source_port, destination_port), state, minute_of_week)
        },
    )
}

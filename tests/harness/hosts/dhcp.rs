//! DHCPINFORM (RFC 2131 4.4.3): a host with a fixed address tells its name and maker to everyone on its wire.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::service::{Client, Identity, Task};

pub const INFORMER: Client = Client { name: "dhcp-inform", run: inform };

fn inform(task: &Task<'_>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 68))?;
    socket.set_broadcast(true)?;
    let IpAddr::V4(own) = own_address(task)? else { return Ok(()) };
    for id in 1u32.. {
        socket.send_to(&message(id, own, hardware_address(), task.identity), task.target)?;
        task.tally.add("dhcp inform");
        task.rest();
    }
    Ok(())
}

pub(super) fn message(id: u32, own: Ipv4Addr, mac: [u8; 6], identity: &Identity) -> Vec<u8> {
    // BOOTREQUEST over Ethernet.
    let mut message = vec![1, 1, 6, 0];
    message.extend(id.to_be_bytes());
    message.extend([0; 4]);
    message.extend(own.octets());
    message.extend([0; 12]);
    message.extend(mac);
    message.extend([0; 10 + 192]);
    message.extend([99, 130, 83, 99]);
    // Message type INFORM, host name, vendor class, requested parameters.
    message.extend([53, 1, 8]);
    for (option, text) in [(12, &identity.name), (60, &identity.product)] {
        message.extend([option, u8::try_from(text.len()).unwrap_or(255)]);
        message.extend(text.as_bytes().iter().take(255));
    }
    message.extend([55, 3, 1, 3, 6, 255]);
    message
}

fn own_address(task: &Task<'_>) -> io::Result<IpAddr> {
    // Connecting a datagram socket sends nothing; it asks the routing table. The broadcast address itself needs a permission.
    let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    probe.set_broadcast(true)?;
    probe.connect(task.target)?;
    Ok(probe.local_addr()?.ip())
}

fn hardware_address() -> [u8; 6] {
    let text = std::fs::read_to_string("/sys/class/net/eth0/address").unwrap_or_default();
    text.trim().parse::<sensor_model::MacAddr>().unwrap_or_default().0
}

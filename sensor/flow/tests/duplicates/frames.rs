//! IPv4 frames from 10.1.0.1 to 10.2.0.1, built by naming what is special about them.

use sensor_model::MacAddr;

pub const HOST: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
pub const SERVER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
pub const ROUTER_IN: MacAddr = MacAddr([2, 0, 0, 0, 0xff, 1]);
pub const ROUTER_OUT: MacAddr = MacAddr([2, 0, 0, 0, 0xff, 2]);

pub const ACK: u8 = 0x10;

#[derive(Clone, Debug)]
pub struct Frame {
    source: MacAddr,
    destination: MacAddr,
    vlan: Option<u16>,
    type_of_service: u8,
    id: u16,
    ttl: u8,
    protocol: u8,
    transport: Vec<u8>,
}

impl Frame {
    pub fn new(source: MacAddr, destination: MacAddr) -> Self {
        let empty =
            Self { source, destination, vlan: None, type_of_service: 0, id: 0, ttl: 64, protocol: 0, transport: Vec::new() };
        empty.udp(b"hello")
    }

    pub const fn vlan(mut self, vlan: u16) -> Self {
        self.vlan = Some(vlan);
        self
    }

    pub const fn type_of_service(mut self, value: u8) -> Self {
        self.type_of_service = value;
        self
    }

    pub const fn id(mut self, id: u16) -> Self {
        self.id = id;
        self
    }

    pub const fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    pub fn udp(mut self, payload: &[u8]) -> Self {
        let len = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
        self.protocol = 17;
        self.transport = [&[0x13, 0x88, 0, 161, len[0], len[1], 0, 0], payload].concat();
        self
    }

    pub fn tcp(mut self, sequence: u32, flags: u8, payload: &[u8]) -> Self {
        self.protocol = 6;
        let rest = [0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0];
        self.transport = [&[0x9c, 0x40, 1, 0xbb][..], &sequence.to_be_bytes(), &rest, payload].concat();
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut frame = [self.destination.0, self.source.0].concat();
        if let Some(vlan) = self.vlan {
            frame.extend([0x81, 0]);
            frame.extend(vlan.to_be_bytes());
        }
        let len = u16::try_from(20 + self.transport.len()).unwrap().to_be_bytes();
        let id = self.id.to_be_bytes();
        frame.extend([8, 0, 0x45, self.type_of_service, len[0], len[1], id[0], id[1], 0x40, 0, self.ttl, self.protocol]);
        // The header's checksum changes with the TTL and is not looked at.
        frame.extend([self.ttl, self.ttl, 10, 1, 0, 1, 10, 2, 0, 1]);
        frame.extend(&self.transport);
        frame
    }
}

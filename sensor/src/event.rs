//! What the packet path tells the control plane: small values, in packet order.

use sensor_dissect::Finding;
use sensor_flow::{FlowEvent, FlowId};
use sensor_identify::Sighting;
use sensor_model::{Fact, MacAddr, VlanStack};

use crate::link_layer::Mention;

/// Something the hub must know, caused by packet `number` of its worker or capture.
#[derive(Clone, Debug)]
pub struct Event {
    pub number: u64,
    pub table: u16,
    pub what: What,
}

/// The kinds of news.
#[derive(Clone, Debug)]
pub enum What {
    Flow(FlowEvent),
    Found {
        flow: FlowId,
        finding: Finding,
    },
    Sighted(Sighting),
    /// Heard outside any flow (ARP).
    Heard(Fact),
    /// A MAC sent a frame without IP.
    Linked {
        mac: MacAddr,
        tags: VlanStack,
        to_group: bool,
    },
    /// Somebody spoke of a VLAN.
    Mentioned(Mention),
}

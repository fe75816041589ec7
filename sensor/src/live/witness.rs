//! Sees whether the packets of a flow come to more than one queue: then neither queue's worker sees the whole flow. Looks at one flow
//! in eight, so that it costs next to nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sensor_flow::shard_of;
use sensor_wire::Packet;

/// Shared by all queues of a port.
#[derive(Debug)]
pub struct Witness {
    /// Of the latest flow that fell on this place: which one, and at which queue.
    places: Box<[AtomicU64]>,
    split: AtomicBool,
}

const PLACES: usize = 4_096;
/// One in eight begins with three zeroes.
const SAMPLE_SHIFT: u32 = 61;
const QUEUE_BITS: u32 = 16;
const TCP: u8 = 6;
const UDP: u8 = 17;

impl Witness {
    #[must_use]
    pub fn new() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(), split: AtomicBool::new(false) }
    }

    /// A packet that came to `queue`.
    pub fn note(&self, queue: usize, packet: &Packet) {
        if !matches!(packet.protocol, TCP | UDP) {
            return;
        }
        let flow = name_of(packet);
        if flow >> SAMPLE_SHIFT != 0 {
            return;
        }
        let Some(place) = self.places.get(flow as usize % PLACES) else { return };
        let now = (flow >> QUEUE_BITS << QUEUE_BITS) | (queue as u64 & ((1 << QUEUE_BITS) - 1));
        let before = place.load(Ordering::Relaxed);
        if before == now {
            return;
        }
        if before >> QUEUE_BITS == flow >> QUEUE_BITS && before != 0 {
            self.split.store(true, Ordering::Relaxed);
        }
        place.store(now, Ordering::Relaxed);
    }

    /// Whether a flow came to two queues.
    #[must_use]
    pub fn saw_split(&self) -> bool {
        self.split.load(Ordering::Relaxed)
    }
}

/// The same number for both directions, and another for nearly every other flow.
fn name_of(packet: &Packet) -> u64 {
    let addresses = shard_of(packet, 1 << 40) as u64;
    let (low, high) = if packet.source_port <= packet.destination_port {
        (packet.source_port, packet.destination_port)
    } else {
        (packet.destination_port, packet.source_port)
    };
    let ports = u64::from(low) << 16 | u64::from(high);
    // Two odd constants of the golden ratio and of pi: any would do, nobody gains from a collision here.
    let mixed = (addresses ^ ports.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0x2436_6a88_85a3_08d3 | 1);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use sensor_wire::{LinkType, Options, Outcome, decode};

    use super::*;

    fn packet(from: (u8, u16), to: (u8, u16)) -> Packet {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0]);
        frame.extend([from.1.to_be_bytes(), to.1.to_be_bytes(), [0, 8], [0, 0]].concat());
        match decode(LinkType::Ethernet, &frame, 60, Options::default()) {
            Outcome::Packet(packet) => packet,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flow_whose_answers_come_to_another_queue_is_split() {
        let witness = Witness::new();
        (0..100).for_each(|port| witness.note(0, &packet((1, 40_000 + port), (2, 8))));
        assert!(!witness.saw_split());
        (0..100).for_each(|port| witness.note(1, &packet((2, 8), (1, 40_000 + port))));
        assert!(witness.saw_split());
    }

    #[test]
    fn flows_that_stay_at_their_queue_are_not_split_whatever_else_is_there() {
        let witness = Witness::new();
        for round in 0..3_u16 {
            for port in 0..20_000_u16 {
                let queue = usize::from(port % 4);
                witness.note(queue, &packet((1, 40_000 + port), (2, 443)));
                witness.note(queue, &packet((2, 443), (1, 40_000 + port)));
            }
            assert!(!witness.saw_split(), "round {round}");
        }
    }
}

//! Internet mix: many biflows at once, sizes 7:4:1, with tags, both IP versions, fragments, whole TCP connections.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use anyhow::Result;

use super::Recipe;
use super::random::Random;
use super::recorder::Recorder;
use super::talk::{Talk, Way};
use crate::packet::{self, ETHERTYPE_ARP, ICMP, ICMPV6, Link, TCP, UDP};

/// Biflows of the length that they have on the internet: opening and closing them is most of the work.
pub const RECIPE: Recipe = Recipe {
    name: "imix",
    about: "biflows with 802.1Q, QinQ, IPv6, fragments, ICMP, TCP opened and closed, in random order; some 20 packets each",
    counts: ("biflows", 50_000),
    make: |recorder, count, random| make(recorder, count, 4..28, random),
};

/// Biflows that stay, as machines' do.
pub const LONG: Recipe = Recipe {
    name: "imix-long",
    about: "the same with some 100 packets each",
    counts: ("biflows", 50_000),
    make: |recorder, count, random| make(recorder, count, 40..160, random),
};

/// Flows that are under way at the same time.
const AT_ONCE: usize = 50_000;
const GAP_NANOS: u64 = 20_000;
/// IP packet lengths of the simple IMIX, seven to four to one.
const SIZES: [usize; 12] = [46, 46, 46, 46, 46, 46, 46, 576, 576, 576, 576, 1500];

struct Course {
    talk: Talk,
    /// Payload frames still to come.
    left: u64,
    opened: bool,
    fragmented: bool,
}

/// `payloads` frames with payload in each biflow.
fn make(recorder: &mut Recorder, count: u64, payloads: Range<u64>, random: &mut Random) -> Result<()> {
    let mut next = 0;
    let mut under_way: Vec<Course> = Vec::new();
    loop {
        while under_way.len() < AT_ONCE && next < count {
            under_way.push(begin(next, &payloads, random));
            next += 1;
        }
        if under_way.is_empty() {
            return Ok(());
        }
        let at = usize::try_from(random.below(under_way.len() as u64))?;
        let Some(course) = under_way.get_mut(at) else { continue };
        if !step(course, recorder, random)? {
            under_way.swap_remove(at);
        }
    }
}

fn begin(number: u64, payloads: &Range<u64>, random: &mut Random) -> Course {
    let is_v6 = random.chance(20);
    let vlans = match random.below(10) {
        0 => vec![100 + (number % 8) as u16, 10 + (number % 4) as u16],
        1..=3 => vec![10 + (number % 16) as u16],
        _ => Vec::new(),
    };
    let protocol = match random.below(50) {
        0 if is_v6 => ICMPV6,
        0 => ICMP,
        1..=15 => UDP,
        _ => TCP,
    };
    let is_icmp = matches!(protocol, ICMP | ICMPV6);
    // Every biflow has a client of its own: the number is in the address, so no two share a key.
    let [_, a, b, c] = (number as u32).to_be_bytes();
    let (client, server): (IpAddr, IpAddr) = if is_v6 {
        (
            [0xfd00, 1, 0, 0, 0, 0, u16::from(a), u16::from_be_bytes([b, c])].into(),
            [0xfd00, 2, 0, 0, 0, 0, 0, u16::from(c)].into(),
        )
    } else {
        ([10, a, b, c].into(), [172, 16, 0, c].into())
    };
    let ports = if is_icmp { (0, 0) } else { (1024 + random.below(60_000) as u16, [443, 80, 53, 502, 445][usize::from(c) % 5]) };
    let link = Link { vlans, ..Link::between([2, 0, 0, a, b, c], [2, 1, 0, 0, 0, c]) };
    let talk = Talk::new(link, protocol, SocketAddr::new(client, ports.0), SocketAddr::new(server, ports.1));
    let left = payloads.start + random.below(payloads.end - payloads.start);
    Course { talk, left, opened: false, fragmented: protocol == UDP && random.chance(15) }
}

/// One more round of a flow; false when it is over.
fn step(course: &mut Course, recorder: &mut Recorder, random: &mut Random) -> Result<bool> {
    let is_tcp = course.talk.protocol == TCP;
    if is_tcp && !course.opened {
        course.opened = true;
        let frames = course.talk.open();
        put_all(&course.talk, recorder, &frames)?;
        return Ok(true);
    }
    if course.left == 0 {
        if is_tcp {
            let frames = course.talk.close();
            put_all(&course.talk, recorder, &frames)?;
        }
        if random.chance(5) {
            recorder.now += GAP_NANOS;
            let ask = packet::arp(1, (course.talk.link.source, [10, 0, 0, 1].into()), ([0; 6], [10, 0, 0, 2].into()));
            recorder.put_other(&Link::between(course.talk.link.source, [0xff; 6]).frame(ETHERTYPE_ARP, &ask))?;
        }
        return Ok(false);
    }
    course.left -= 1;
    let way = if random.chance(50) { Way::ToServer } else { Way::ToClient };
    if course.fragmented && random.chance(50) {
        let pieces = course.talk.say_in_pieces(way, &vec![0x46; 1600 + random.below(2400) as usize], 1480);
        for (at, piece) in pieces.iter().enumerate() {
            recorder.now += GAP_NANOS;
            if at == 0 {
                recorder.put(&course.talk, way, piece)?;
            } else {
                recorder.put_later_fragment(&course.talk, way, piece)?;
            }
        }
        return Ok(true);
    }
    let size = SIZES[random.below(SIZES.len() as u64) as usize % SIZES.len()];
    let headers = if course.talk.client.is_ipv6() { 40 } else { 20 } + if is_tcp { 20 } else { 8 };
    let frame = course.talk.say(way, &vec![0x49; size.saturating_sub(headers)]);
    recorder.now += GAP_NANOS;
    recorder.put(&course.talk, way, &frame)?;
    Ok(true)
}

fn put_all(talk: &Talk, recorder: &mut Recorder, frames: &[(Way, Vec<u8>)]) -> Result<()> {
    for (way, frame) in frames {
        recorder.now += GAP_NANOS;
        recorder.put(talk, *way, frame)?;
    }
    Ok(())
}

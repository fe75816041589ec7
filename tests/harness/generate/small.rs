//! The worst case of a tap: smallest frames, a million flows, no two after another from the same.

use std::net::SocketAddr;

use anyhow::Result;

use super::Recipe;
use super::random::Random;
use super::recorder::Recorder;
use super::talk::{Talk, Way};
use crate::packet::{Link, TCP, UDP};

pub const RECIPE: Recipe = Recipe {
    name: "small",
    about: "64-byte frames (60 without checksum) of TCP and UDP over IPv4, ten a biflow, in random order",
    counts: ("biflows", 100_000),
    make,
};

const FRAMES_EACH: u64 = 10;
const GAP_NANOS: u64 = 672;

fn make(recorder: &mut Recorder, count: u64, random: &mut Random) -> Result<()> {
    for _ in 0..count * FRAMES_EACH {
        let number = random.below(count);
        let [a, b, c, d] = (number as u32).to_be_bytes();
        let protocol = if number.is_multiple_of(2) { TCP } else { UDP };
        let client = SocketAddr::from(([10, b, c, d], 1024 + u16::from(a)));
        let link = Link::between([2, 0, 0, b, c, d], [2, 1, 0, 0, 0, d]);
        let mut talk = Talk::new(link, protocol, client, SocketAddr::from(([172, 16, d, c], 443)));
        let way = if random.chance(50) { Way::ToServer } else { Way::ToClient };
        let frame = talk.say(way, &[]);
        recorder.now += GAP_NANOS;
        recorder.put(&talk, way, &frame)?;
    }
    Ok(())
}

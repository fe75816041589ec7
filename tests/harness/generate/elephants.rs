//! Few flows, big frames: what a backup window or a video wall looks like.

use std::net::SocketAddr;

use anyhow::Result;

use super::Recipe;
use super::random::Random;
use super::recorder::Recorder;
use super::talk::{Talk, Way};
use crate::packet::{Link, TCP};

pub const RECIPE: Recipe =
    Recipe { name: "elephants", about: "1514-byte frames of eight TCP connections", counts: ("frames", 200_000), make };

const FLOWS: u8 = 8;
const PAYLOAD_LEN: usize = 1460;
const GAP_NANOS: u64 = 12_304;

fn make(recorder: &mut Recorder, count: u64, random: &mut Random) -> Result<()> {
    let begin = |number| {
        let client = SocketAddr::from(([10, 0, 0, number], 40_000 + u16::from(number)));
        let link = Link::between([2, 0, 0, 0, 0, number], [2, 1, 0, 0, 0, number]);
        Talk::new(link, TCP, client, SocketAddr::from(([172, 16, 0, number], 443)))
    };
    let mut talks: Vec<Talk> = (1..=FLOWS).map(begin).collect();
    for talk in &mut talks {
        for (way, frame) in talk.open() {
            recorder.now += GAP_NANOS;
            recorder.put(talk, way, &frame)?;
        }
    }
    let payload = [0x45; PAYLOAD_LEN];
    for _ in 0..count {
        let Some(talk) = talks.get_mut(random.below(u64::from(FLOWS)) as usize) else { continue };
        let frame = talk.say(Way::ToServer, &payload);
        recorder.now += GAP_NANOS;
        recorder.put(talk, Way::ToServer, &frame)?;
    }
    for talk in &mut talks {
        for (way, frame) in talk.close() {
            recorder.now += GAP_NANOS;
            recorder.put(talk, way, &frame)?;
        }
    }
    Ok(())
}

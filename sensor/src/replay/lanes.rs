//! Pieces of a capture through a fixed number of flow tables by any number of threads, with the same output for every number.
//!
//! The traffic is cut into pieces of so many frames and sorted to so many tables; both numbers are fixed, so a table sees its packets in
//! the same batches whoever carries them. With one lane there is one thread. With several, each lane has a thread that takes every piece,
//! in its own time, while this one reads ahead, finds the owners of ordinary frames and puts what the lanes tell into packet order. Nothing
//! but frames goes from one core to another: each lane decodes what is its own, and what only decoding can tell to be anybody's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use sensor_capture::{CaptureError, CaptureFile, Chunk, ChunkEnd};
use sensor_flow::FlowId;
use sensor_model::Timestamp;

use super::lane::{Lane, SHARDS, Told};
use super::lines::Line;
use crate::event::Event;
use crate::export::conn_log::push_line;
use crate::export::staged::StagedError;
use crate::sort::find_owners;

/// Few enough that what was decoded is still in the cache when the tables take it.
pub const PIECE_FRAMES: usize = 2_048;
/// Pieces that are read before the slowest lane has taken them, and the bytes beyond which no further one is read.
const PIECES_AHEAD: usize = 8;
const BYTES_AHEAD: u64 = 8 << 20;
/// Flows whose last records are made together: their lines stay in the cache until they are written.
const LAST_FLOWS: usize = 256;
/// Flows whose memory is asked for before theirs is wanted; a core has room for few wishes at a time.
const WISHES_AHEAD: usize = 8;
/// Batches of last records that a thread makes before the first of them is told.
const LAST_AHEAD: usize = 2;

/// What some pieces came to, in packet order.
#[derive(Debug, Default)]
pub struct News {
    /// Empty where nobody listens to the map.
    pub events: Vec<Event>,
    /// Whole lines of `conn.log`.
    pub lines: Vec<u8>,
}

/// How reading a capture ended, where nothing went wrong with the output.
pub type FileEnd = Result<ChunkEnd, CaptureError>;

/// Reads a capture to its end, or to what is wrong with it. `tell` empties the news; it is also given how much of the file is read.
pub fn read(
    file: &mut CaptureFile,
    lanes: &mut [Lane],
    tell: impl FnMut(&mut News, u64) -> Result<(), StagedError>,
) -> Result<FileEnd, StagedError> {
    match lanes {
        [lane] => read_alone(file, lane, tell),
        lanes => read_together(file, lanes, tell),
    }
}

fn read_alone(
    file: &mut CaptureFile,
    lane: &mut Lane,
    mut tell: impl FnMut(&mut News, u64) -> Result<(), StagedError>,
) -> Result<FileEnd, StagedError> {
    let (mut piece, mut told, mut news) = (Chunk::default(), [Told::default()], News::default());
    loop {
        let end = file.next_chunk(PIECE_FRAMES, &mut piece);
        if !matches!(end, Ok(ChunkEnd::More)) {
            return Ok(end);
        }
        told.iter_mut().for_each(|told| lane.take(&piece.frames(), None, told));
        put_in_order(&mut told, &mut news);
        tell(&mut news, file.taken_bytes())?;
    }
}

/// Frames, and whose they are.
#[derive(Debug, Default)]
struct Piece {
    chunk: Chunk,
    owners: Vec<u8>,
}

/// A piece for a lane, and the place for what it comes to.
type Post = (Arc<Piece>, Told);

fn read_together(
    file: &mut CaptureFile,
    lanes: &mut [Lane],
    mut tell: impl FnMut(&mut News, u64) -> Result<(), StagedError>,
) -> Result<FileEnd, StagedError> {
    thread::scope(|scope| {
        let posts: Vec<(Sender<Post>, Receiver<Told>)> = lanes
            .iter_mut()
            .map(|lane| {
                // Never more than `PIECES_AHEAD` are under way.
                let ((to_lane, pieces), (tells, from_lane)) = (unbounded::<Post>(), unbounded());
                scope.spawn(move || {
                    for (piece, mut told) in pieces {
                        lane.take(&piece.chunk.frames(), Some(&piece.owners), &mut told);
                        drop(piece);
                        // A reader that met a full disk is gone.
                        let _ = tells.send(told);
                    }
                });
                (to_lane, from_lane)
            })
            .collect();
        let (mut under_way, mut bytes): (VecDeque<Arc<Piece>>, u64) = (VecDeque::new(), 0);
        let (mut unused, mut told, mut spare) = (Vec::new(), Vec::new(), Vec::new());
        let (mut news, mut end) = (News::default(), Ok(ChunkEnd::More));
        loop {
            while matches!(end, Ok(ChunkEnd::More)) && under_way.len() < PIECES_AHEAD && bytes < BYTES_AHEAD {
                let mut piece: Piece = unused.pop().unwrap_or_default();
                end = file.next_chunk(PIECE_FRAMES, &mut piece.chunk);
                if matches!(end, Ok(ChunkEnd::More)) {
                    bytes += piece.chunk.bytes();
                    find_owners(&piece.chunk.frames(), SHARDS, &mut piece.owners);
                    let piece = Arc::new(piece);
                    for (to_lane, _) in &posts {
                        // A lane ends before its sender only by a panic, which the scope passes on.
                        let _ = to_lane.send((Arc::clone(&piece), spare.pop().unwrap_or_default()));
                    }
                    under_way.push_back(piece);
                }
            }
            let Some(piece) = under_way.pop_front() else { return Ok(end) };
            told.extend(posts.iter().filter_map(|(_, from_lane)| from_lane.recv().ok()));
            bytes -= piece.chunk.bytes();
            unused.extend(Arc::try_unwrap(piece));
            put_in_order(&mut told, &mut news);
            spare.append(&mut told);
            tell(&mut news, file.taken_bytes())?;
        }
    })
}

/// Empties what the lanes told of one piece.
fn put_in_order(told: &mut [Told], news: &mut News) {
    let start = news.events.len();
    for told in told.iter_mut() {
        news.events.append(&mut told.events);
    }
    if let Some(new) = news.events.get_mut(start..) {
        // Stable: what one packet caused stays in its order, for it happened in one table.
        new.sort_by_key(|event| event.number);
    }
    let mut lines: Vec<Line<'_>> = told.iter().flat_map(|told| told.lines.iter()).collect();
    lines.sort_by_key(|line| line.number);
    lines.iter().for_each(|line| news.lines.extend_from_slice(line.text));
    told.iter_mut().for_each(|told| told.lines.clear());
}

/// The last word on every flow that is still there; those that began first in front.
pub fn last_records(lanes: &[Lane], mut tell: impl FnMut(&mut News) -> Result<(), StagedError>) -> Result<(), StagedError> {
    let flows = by_age(lanes);
    if let [_] = lanes {
        let mut news = News::default();
        return flows.chunks(LAST_FLOWS).try_for_each(|part| {
            make_last(lanes, part, &mut news);
            tell(&mut news)
        });
    }
    thread::scope(|scope| {
        let threads = lanes.len();
        let made: Vec<Receiver<News>> = (0..threads)
            .map(|first| {
                let (makes, made) = bounded(LAST_AHEAD);
                let parts = flows.chunks(LAST_FLOWS).skip(first).step_by(threads);
                scope.spawn(move || {
                    for part in parts {
                        let mut news = News::default();
                        make_last(lanes, part, &mut news);
                        if makes.send(news).is_err() {
                            return;
                        }
                    }
                });
                made
            })
            .collect();
        let mut in_turn = made.iter().cycle();
        while let Some(mut news) = in_turn.next().and_then(|made| made.recv().ok()) {
            tell(&mut news)?;
        }
        Ok(())
    })
}

/// Every flow that is still there: when it began, table and number; those that began first in front.
fn by_age(lanes: &[Lane]) -> Vec<(Timestamp, usize, FlowId)> {
    let mut flows: Vec<_> = thread::scope(|scope| {
        let each: Vec<_> = lanes.iter().map(|lane| scope.spawn(|| lane.flows().collect::<Vec<_>>())).collect();
        // What a thread panicked with, the scope passes on.
        each.into_iter().filter_map(|flows| flows.join().ok()).flatten().collect()
    });
    // Stable: that sort is quick where there are a few long runs that are sorted already.
    flows.sort_by_key(|(since, table, flow)| (*since, *table, flow.0));
    flows
}

fn make_last(lanes: &[Lane], flows: &[(Timestamp, usize, FlowId)], news: &mut News) {
    // They lie anywhere in the tables.
    let wish = |(_, table, flow): &(Timestamp, usize, FlowId)| lanes.iter().for_each(|lane| lane.prefetch(*table, *flow));
    flows.iter().take(WISHES_AHEAD).for_each(wish);
    let mut ahead = flows.iter().skip(WISHES_AHEAD);
    for (_, table, flow) in flows {
        ahead.next().into_iter().for_each(wish);
        for lane in lanes {
            if let Some(record) = lane.record_of(*table, *flow) {
                push_line(&mut news.lines, &record);
                news.events.extend(lane.last_event(*table, *flow, record));
            }
        }
    }
}

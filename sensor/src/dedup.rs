//! Leaves mirrored copies out of what goes to a flow table.

use sensor_capture::Frame;
use sensor_flow::{DuplicateConfig, DuplicateCounts, Duplicates, Identified, Observation, Verdict};
use sensor_model::DuplicatePath;

#[derive(Debug)]
pub struct Dedup {
    duplicates: Duplicates,
    // Emptied after each use, kept for their memory.
    identified: Vec<Identified>,
    observations: Vec<Observation>,
    places: Vec<u32>,
}

impl Dedup {
    #[must_use]
    pub fn new(config: DuplicateConfig, seed: u64) -> Self {
        Self { duplicates: Duplicates::new(config, seed), identified: Vec::new(), observations: Vec::new(), places: Vec::new() }
    }

    /// The originals among `observations`, with their places; both as they were given where there is no copy.
    pub fn originals<'a>(
        &'a mut self,
        observations: &'a [Observation],
        places: &'a [u32],
        frames: &[Frame<'_>],
    ) -> (&'a [Observation], &'a [u32]) {
        let Self { duplicates, identified, observations: kept, places: kept_places } = self;
        let frame = |place: u32| frames.get(place as usize).map_or(&[][..], |frame| frame.bytes);
        identified.clear();
        identified.extend(observations.iter().zip(places).map(|(of, place)| duplicates.identify(&of.packet, frame(*place))));
        let mut is_copy = |at: usize, of: &Observation| {
            let identified = identified.get(at);
            identified.is_some_and(|it| duplicates.judge_identified(&of.packet, it, of.seen_at) != Verdict::Original)
        };
        let Some(first) = observations.iter().enumerate().position(|(at, observation)| is_copy(at, observation)) else {
            return (observations, places);
        };
        kept.clear();
        kept_places.clear();
        kept.extend_from_slice(observations.get(..first).unwrap_or_default());
        kept_places.extend_from_slice(places.get(..first).unwrap_or_default());
        for (at, (observation, place)) in observations.iter().zip(places).enumerate().skip(first + 1) {
            if !is_copy(at, observation) {
                kept.push(*observation);
                kept_places.push(*place);
            }
        }
        (kept, kept_places)
    }

    #[must_use]
    pub const fn counts(&self) -> &DuplicateCounts {
        self.duplicates.counts()
    }

    #[must_use]
    pub fn paths(&self) -> Vec<DuplicatePath> {
        self.duplicates.paths()
    }
}

//! Leaves mirrored copies out of what goes to a flow table.

use sensor_capture::Frame;
use sensor_flow::{DuplicateConfig, DuplicateCounts, Duplicates, Observation, Verdict};
use sensor_model::DuplicatePath;

#[derive(Debug)]
pub struct Dedup {
    duplicates: Duplicates,
    // Emptied after each use, kept for their memory.
    observations: Vec<Observation>,
    places: Vec<u32>,
}

impl Dedup {
    #[must_use]
    pub fn new(config: DuplicateConfig, seed: u64) -> Self {
        Self { duplicates: Duplicates::new(config, seed), observations: Vec::new(), places: Vec::new() }
    }

    /// The originals among `observations`, with their places; both as they were given where there is no copy.
    pub fn originals<'a>(
        &'a mut self,
        observations: &'a [Observation],
        places: &'a [u32],
        frames: &[Frame<'_>],
    ) -> (&'a [Observation], &'a [u32]) {
        let Some(first) =
            observations.iter().zip(places).position(|(observation, place)| self.is_copy(observation, *place, frames))
        else {
            return (observations, places);
        };
        self.observations.clear();
        self.places.clear();
        self.observations.extend_from_slice(observations.get(..first).unwrap_or_default());
        self.places.extend_from_slice(places.get(..first).unwrap_or_default());
        for (observation, place) in observations.iter().zip(places).skip(first + 1) {
            if !self.is_copy(observation, *place, frames) {
                self.observations.push(*observation);
                self.places.push(*place);
            }
        }
        (&self.observations, &self.places)
    }

    #[must_use]
    pub const fn counts(&self) -> &DuplicateCounts {
        self.duplicates.counts()
    }

    #[must_use]
    pub fn paths(&self) -> Vec<DuplicatePath> {
        self.duplicates.paths()
    }

    fn is_copy(&mut self, observation: &Observation, place: u32, frames: &[Frame<'_>]) -> bool {
        let Some(frame) = frames.get(place as usize) else { return false };
        self.duplicates.judge(&observation.packet, frame.bytes, observation.seen_at) != Verdict::Original
    }
}

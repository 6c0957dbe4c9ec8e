//! How fast a run of several batches goes, with what is done once told apart.

use serde::Serialize;
use std::time::Instant;
use tintype_accel::Stats;

/// How fast a run of several batches went. The first batch warms up: its time holds all that is done once, such as loading,
/// compiling, capturing and encoding the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// Pictures of the first batch.
    pub warmup_pictures: usize,
    /// Seconds from the start of the run until they were finished.
    pub warmup_seconds: f64,
    /// Pictures of the other batches, without what fills the last one up.
    pub pictures: usize,
    /// Their seconds, decoding and handing over included.
    pub seconds: f64,
    /// The two divided.
    pub pictures_per_second: f64,
    /// What the device compiled in them: none, since all batches have one size.
    pub compiles: u64,
    /// What it captured or recorded in them.
    pub captures: u64,
}

/// The clock of a run.
pub(crate) struct Pace {
    started: Instant,
    /// When the first batch was done, how many pictures it had, and what the device had done by then.
    warm: Option<(Instant, usize, Stats)>,
    throughput: Option<Throughput>,
}

impl Pace {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), warm: None, throughput: None }
    }

    /// A batch of so many pictures is finished; `stats` is what the device has done up to now.
    pub(crate) fn batch(&mut self, pictures: usize, stats: Stats) {
        let now = Instant::now();
        let Some((since, warmup_pictures, before)) = self.warm else {
            self.warm = Some((now, pictures, stats));
            return;
        };
        let pictures = pictures + self.throughput.map_or(0, |known| known.pictures);
        let seconds = (now - since).as_secs_f64();
        let done = stats - before;
        self.throughput = Some(Throughput {
            warmup_pictures,
            warmup_seconds: (since - self.started).as_secs_f64(),
            pictures,
            seconds,
            pictures_per_second: pictures as f64 / seconds.max(f64::MIN_POSITIVE),
            compiles: done.compiles,
            captures: done.captures,
        });
    }

    /// None of a run that had one batch.
    pub(crate) fn throughput(&self) -> Option<Throughput> {
        self.throughput
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_batch_is_not_counted() {
        let mut pace = Pace::start();
        let with = |compiles| Stats { compiles, ..Stats::default() };
        pace.batch(5, with(7));
        assert_eq!(pace.throughput(), None);
        pace.batch(5, with(7));
        pace.batch(1, with(8));
        let told = pace.throughput().unwrap();
        assert_eq!((told.warmup_pictures, told.pictures, told.compiles), (5, 6, 1));
        assert!((told.pictures_per_second * told.seconds - 6.0).abs() < 1e-6);
    }
}

//! What becomes of the queue when a job fails.

use tintype_accel::{Error, Result};

/// The failure that the queue stands at, and the one before.
///
/// A failing job takes every job with it that is enqueued before the failure is known: they were enqueued in the belief
/// that it would succeed. The first wait behind the failure reports it; from then on the queue works again.
#[derive(Default)]
pub(super) struct Failures {
    pending: Option<(u64, Error)>,
    lost: Option<Lost>,
    /// How many failures were reported.
    reported: u64,
}

/// Jobs that did not run to their end, and were reported.
struct Lost {
    first: u64,
    last: u64,
    reason: String,
}

impl Failures {
    /// Enters the failure of a job.
    pub(super) fn enter(&mut self, number: u64, error: Error) {
        self.pending.get_or_insert((number, error));
    }

    /// Whether a job is one of those that an earlier one took with it.
    pub(super) fn skips(&self, number: u64) -> bool {
        self.pending.is_some() || self.lost.as_ref().is_some_and(|lost| number <= lost.last)
    }

    /// How many failures were reported so far: fences remember it, to tell what they stand before.
    pub(super) fn reported(&self) -> u64 {
        self.reported
    }

    /// What a wait at `point`, recorded after `known` reports, has to say when `enqueued` jobs are known to the queue.
    pub(super) fn report(&mut self, point: u64, known: u64, enqueued: u64, device: &str) -> Result<()> {
        if let Some((first, error)) = self.pending.take_if(|(number, _)| *number <= point) {
            self.lost = Some(Lost { first, last: enqueued, reason: error.to_string() });
            self.reported += 1;
            return Err(error);
        }
        match &self.lost {
            Some(lost) if known < self.reported && lost.first <= point => Err(lost.error(device)),
            _ => Ok(()),
        }
    }

    /// Why a job that did not succeed gave nothing.
    pub(super) fn explain(&self, device: &str) -> Error {
        match &self.lost {
            Some(lost) => lost.error(device),
            None => Error::Device { device: device.into(), reason: "the job did not run".into() },
        }
    }
}

impl Lost {
    fn error(&self, device: &str) -> Error {
        let reason = format!("work was dropped, since what it follows failed: {}", self.reason);
        Error::Device { device: device.into(), reason }
    }
}

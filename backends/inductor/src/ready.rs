//! How long packages take until they can run.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seconds that packages took until they were ready, and what comes before and behind it: added up over all Programs that run as
/// packages, those compiled side by side included.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Ready {
    /// To open libtorch: once a process, and nothing where it was open.
    pub libtorch: f64,
    /// To choose packages, hold them against their digests and load their code.
    pub packages: f64,
    /// To make a model for each run of a package: with `packages`, from the call that loads them to ready.
    pub models: f64,
    /// Of the host, to enqueue the first run of each instance, in which the driver loads kernels.
    pub first_runs: f64,
}

/// Adds up [`Ready`].
#[derive(Default)]
pub(crate) struct Clock(Mutex<Ready>);

impl Clock {
    pub(crate) fn read(&self) -> Ready {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`, and adds what it took where `part` says, unless it failed.
    pub(crate) fn time<T, E>(
        &self,
        part: impl FnOnce(&mut Ready) -> &mut f64,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let started = Instant::now();
        let done = work()?;
        let seconds = started.elapsed().as_secs_f64();
        *part(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)) += seconds;
        Ok(done)
    }
}

//! What a run would take of a device.

use super::memory::PhaseMemory;
use super::plan::Plan;
use super::remedy::{Alternative, listed};
use super::work::{Asked, Fused};
use crate::flux::{Flux, Phase};
use crate::{Arithmetic, Error, Request, Result, Tiles};
use serde::Serialize;
use tintype_accel::{Accelerator, Device, LaunchMode};

/// What a device does in a second at most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Floating-point operations.
    pub flops_per_second: f64,
    /// Bytes read from or written to its memory.
    pub bytes_per_second: f64,
    /// Where the numbers are from, in words.
    pub basis: String,
}

/// Whether a run fits into a device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// With room to spare.
    Fits,
    /// All but the weights that stay in their files: the system will read those from disk again and again.
    Rereads,
    /// No.
    DoesNotFit,
    /// The device does not tell what is free.
    Unknown,
}

/// What a run would take of a device.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// The device.
    pub device: Device,
    /// What was asked for, defaults filled in.
    pub asked: Asked,
    /// The launch mode.
    pub launch: LaunchMode,
    /// Memory by phase.
    pub phases: Vec<PhaseMemory>,
    /// The most bytes held at once in any phase, mapped weights aside.
    pub peak: u64,
    /// Bytes of weights that stay in their files' pages.
    pub mapped: u64,
    /// Whether the device planned its memory itself; if not, the numbers are those of a cautious plugin.
    pub exact: bool,
    /// The tiles that pictures are decoded in; none where whole.
    pub tiles: Option<Tiles>,
    /// The peak of decoding whole, where tiles are taken because that does not fit.
    pub whole: Option<u64>,
    /// Bytes that are free now, where the device tells.
    pub free: Option<u64>,
    /// Whether it fits.
    pub fit: Fit,
    /// The least time, where the device's rates are known.
    pub prediction: Option<Prediction>,
}

/// The least seconds that a run takes: every operation at the device's peak, one after another. A device takes longer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The device's peak.
    pub rates: Rates,
    /// Seconds of what comes before the loop: encoding the prompts, and the picture where one is started from, and what
    /// all steps are told.
    pub encoding: f64,
    /// Seconds of one denoising step of a whole batch.
    pub step: f64,
    /// Seconds of decoding one picture.
    pub decoding: f64,
    /// Seconds of the whole run.
    pub total: f64,
}

/// What a run would take, and whether it fits into what is free; into `most` bytes, if that is less.
pub(crate) fn forecast(
    flux: &Flux,
    request: &Request,
    accelerator: &dyn Accelerator,
    arithmetic: Arithmetic,
    launch: LaunchMode,
    rates: Option<&Rates>,
    most: Option<u64>,
) -> Result<Forecast> {
    let free = accelerator.free_memory();
    // What the device holds of this process already is not free, and would not have to be allocated again.
    let available = free.map(|free| free.saturating_add(accelerator.memory().held()));
    let available = available.into_iter().chain(most).min();
    let Plan { settings, batch, stages, phases, exact, tiles, whole } =
        Plan::of(flux, request, accelerator, (arithmetic, launch), available)?;
    let peak = phases.iter().map(|phase| phase.peak).max().unwrap_or(0);
    let mapped = phases.iter().map(|phase| phase.mapped).max().unwrap_or(0);
    let runs = tiles.map_or(1, |tiles| tiles.count());
    let prediction =
        rates.map(|rates| Prediction::of(stages.into_iter().map(Fused::of).collect(), runs, rates));
    Ok(Forecast {
        device: accelerator.device().clone(),
        asked: Asked::of(&settings, batch),
        launch,
        fit: fit(peak, mapped, available),
        phases,
        peak,
        mapped,
        exact,
        tiles,
        whole,
        free,
        prediction,
    })
}

impl Forecast {
    /// The error of a run that does not fit, saying what would. `held` is what the device holds already.
    pub(crate) fn refusal(&self, others: &[Alternative], held: u64) -> Error {
        let asked = &self.asked;
        let none = "choose a device with more memory: no smaller picture of this model fits either";
        let remedy = listed("it would fit with", others).unwrap_or_else(|| none.into());
        let tiles =
            self.tiles.map_or_else(String::new, |tiles| format!(", decoded in tiles of {},", tiles.side));
        let pictures = match asked.batch_size {
            1 => "a picture".to_owned(),
            batch => format!("a batch of {batch} pictures"),
        };
        Error::DoesNotFit {
            what: format!(
                "{pictures} of {} x {} in {}{tiles}",
                asked.width,
                asked.height,
                asked.arithmetic()
            ),
            device: self.device.label(),
            needed: self.peak,
            free: self.free.unwrap_or(0).saturating_add(held),
            remedy,
        }
    }
}

fn fit(peak: u64, mapped: u64, available: Option<u64>) -> Fit {
    match available {
        None => Fit::Unknown,
        Some(available) if peak > available => Fit::DoesNotFit,
        // Weights of which copies were made are read from their files once, not in every step.
        Some(available) if peak.saturating_add(mapped) > available && mapped > peak => Fit::Rereads,
        Some(_) => Fit::Fits,
    }
}

impl Prediction {
    /// `tiles` is how often the decoder runs for a picture.
    fn of(stages: Vec<Fused>, tiles: usize, rates: &Rates) -> Self {
        let mut prediction =
            Self { rates: rates.clone(), encoding: 0.0, step: 0.0, decoding: 0.0, total: 0.0 };
        for stage in stages {
            let once = stage.least_seconds(rates.flops_per_second, rates.bytes_per_second);
            let work = stage.work();
            let all = once * work.runs as f64;
            match work.phase {
                Phase::TextEncoding | Phase::ImageEncoding | Phase::Conditioning => {
                    prediction.encoding += all
                }
                Phase::Denoising => prediction.step += once,
                Phase::Decoding => prediction.decoding += once * tiles as f64,
            }
            prediction.total += all;
        }
        prediction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_told_apart() {
        assert_eq!(fit(10, 5, None), Fit::Unknown);
        assert_eq!(fit(10, 0, Some(10)), Fit::Fits);
        assert_eq!(fit(10, 0, Some(9)), Fit::DoesNotFit);
        assert_eq!(fit(10, 50, Some(40)), Fit::Rereads);
        assert_eq!(fit(30, 25, Some(40)), Fit::Fits, "packed copies stand for what is mapped");
    }
}

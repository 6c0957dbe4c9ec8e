//! What a model is and what it will take, known before a weight is read.
//!
//! ```
//! use tintype_pipeline::{PipelineOptions, Request, inspect::Inspector};
//! # use tintype_accel::{Driver, OpenOptions};
//! # let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base");
//! # let device = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default())?;
//!
//! let inspector = Inspector::open(&folder)?;
//! let request = Request { width: Some(64), height: Some(64), ..Request::default() };
//! let forecast = inspector.forecast(&request, &*device, &PipelineOptions::default(), None)?;
//! println!("{} bytes at most, on {}", forecast.peak, forecast.device.label());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The Programs of a run are traced as the run traces them, their memory planned as the device plans it
//! ([`Accelerator::footprint`]), and their work counted by [`tintype_program::cost`]. [`check`] is the one part that reads
//! weights.

mod check;
mod forecast;
mod memory;
mod model;
mod plan;
mod remedy;
mod report;
mod timings;
mod work;

pub use crate::flux::Phase;
pub use check::{AllZero, Checked, Problem, check};
pub use forecast::{Fit, Forecast, Prediction, Rates};
pub use memory::PhaseMemory;
pub use model::{ComponentReport, ModelReport};
pub use remedy::Alternative;
pub use report::{DeviceReport, Inspection, Known};
pub use timings::{TimedRun, Timing, Timings};
pub use work::{Asked, StageWork, Work};

pub(crate) use forecast::forecast;
pub(crate) use remedy::{alternatives, listed};

use crate::flux::Flux;
use crate::folder::{Location, ModelFolder, PipelineClass};
use crate::{Arithmetic, PipelineOptions, Request, Result};
use std::sync::Arc;
use tintype_accel::Accelerator;
use tintype_program::{DType, Program};

/// A model that is looked at without a device.
pub struct Inspector {
    folder: ModelFolder,
    flux: Flux,
}

impl Inspector {
    /// Opens a model folder: configs, tokenizers and the headers of weights.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the folder, named.
    pub fn open(root: impl Into<Location>) -> Result<Self> {
        Self::of(ModelFolder::open(root)?)
    }

    /// As [`Inspector::open`], of a folder some of whose components may come from single files.
    ///
    /// # Errors
    ///
    /// As [`Inspector::open`].
    pub fn of(folder: ModelFolder) -> Result<Self> {
        let flux = match folder.class() {
            PipelineClass::Flux => Flux::open(&folder)?,
        };
        Ok(Self { folder, flux })
    }

    /// The components and their weights.
    pub fn model(&self) -> ModelReport {
        ModelReport::of(&self.folder, &self.flux)
    }

    /// The dtype that a run computes in where it is not told: the model's own choice, else that of the stored weights.
    pub fn default_dtype(&self) -> DType {
        self.flux.default_dtype().unwrap_or_else(|| self.flux.stored_dtype())
    }

    /// The Programs that a run of `request` compiles, by the components' names, in the order of a run. The encoder of
    /// pictures is among them, whether `request` starts from one or not.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Request`] for what the model cannot do.
    pub fn programs(
        &self,
        request: &Request,
        arithmetic: impl Into<Arithmetic>,
    ) -> Result<Vec<(&'static str, Program)>> {
        let stages = self.flux.every_stage(request, arithmetic.into())?;
        Ok(stages.into_iter().map(|stage| (stage.name, Arc::unwrap_or_clone(stage.program))).collect())
    }

    /// As [`Inspector::programs`], and only those that `request` itself runs.
    ///
    /// # Errors
    ///
    /// As [`Inspector::programs`].
    pub fn programs_of_run(
        &self,
        request: &Request,
        arithmetic: impl Into<Arithmetic>,
    ) -> Result<Vec<(&'static str, Program)>> {
        let (_, _, stages) = self.flux.stages(request, arithmetic.into())?;
        Ok(stages.into_iter().map(|stage| (stage.name, Arc::unwrap_or_clone(stage.program))).collect())
    }

    /// Every tensor that is missing, not used, or of another shape or dtype than the model's configs ask for. Headers say
    /// that: no weight is read.
    ///
    /// # Errors
    ///
    /// Configs that make no model.
    pub fn differences(&self) -> Result<Vec<Problem>> {
        check::compare(&self.flux)
    }

    /// What a run of `request` has to do, on whatever device.
    ///
    /// # Errors
    ///
    /// As [`Inspector::programs`].
    pub fn work(&self, request: &Request, arithmetic: impl Into<Arithmetic>) -> Result<Work> {
        Work::of(&self.flux, request, arithmetic.into())
    }

    /// What a run of `request` would take of a device, whether it fits, and, where the device's rates are known, the
    /// least time that it takes.
    ///
    /// # Errors
    ///
    /// As [`Inspector::programs`]; a dtype or launch mode that the device does not have; an operation that it cannot run.
    pub fn forecast(
        &self,
        request: &Request,
        accelerator: &dyn Accelerator,
        options: &PipelineOptions,
        rates: Option<&Rates>,
    ) -> Result<Forecast> {
        let (arithmetic, launch) = options.choose(accelerator.device(), self.default_dtype())?;
        forecast(&self.flux, request, accelerator, arithmetic, launch, rates, None)
    }

    /// What would fit, where `request` does not: other settings with what they take. Empty where nothing would.
    ///
    /// # Errors
    ///
    /// As [`Inspector::forecast`].
    pub fn alternatives(
        &self,
        request: &Request,
        accelerator: &dyn Accelerator,
        options: &PipelineOptions,
    ) -> Result<Vec<Alternative>> {
        let (arithmetic, launch) = options.choose(accelerator.device(), self.default_dtype())?;
        Ok(alternatives(&self.flux, request, accelerator, arithmetic, launch, None))
    }
}

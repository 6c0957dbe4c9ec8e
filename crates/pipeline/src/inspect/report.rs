//! Everything about a model and the devices that it may run on, as one value.

use super::forecast::{Fit, Forecast, Rates};
use super::{Alternative, Inspector, ModelReport, TimedRun, Timing, Timings, Work};
use crate::{PipelineOptions, Request};
use serde::Serialize;
use tintype_accel::Accelerator;

/// A model, what a run of it has to do, and what that would take of each device.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The model on disk.
    pub model: ModelReport,
    /// The work of a run.
    pub work: Work,
    /// The devices, and the backends that have none.
    pub devices: Vec<DeviceReport>,
}

/// What a run would take of a device, or why it cannot run there.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceReport {
    /// `backend:ordinal`, or the backend alone where it has no device.
    pub label: String,
    /// The forecast.
    pub forecast: Option<Forecast>,
    /// What would fit, where the run does not.
    pub alternatives: Vec<Alternative>,
    /// What a step took when this run was last made.
    pub measured: Option<Timing>,
    /// Why there is no forecast.
    pub obstacle: Option<String>,
}

impl DeviceReport {
    /// A device or backend that cannot run the model.
    pub fn obstructed(label: impl Into<String>, obstacle: impl ToString) -> Self {
        Self {
            label: label.into(),
            forecast: None,
            alternatives: Vec::new(),
            measured: None,
            obstacle: Some(obstacle.to_string()),
        }
    }
}

/// What is known of a device beside what it says itself.
#[derive(Clone, Debug, Default)]
pub struct Known<'k> {
    /// Its peak.
    pub rates: Option<Rates>,
    /// What steps took.
    pub timings: Option<&'k Timings>,
    /// Threads that it was opened with; none for all.
    pub threads: Option<usize>,
}

impl Inspector {
    /// What a run of `request` would take of a device. What cannot run there is said in the report.
    pub fn report(
        &self,
        request: &Request,
        accelerator: &dyn Accelerator,
        options: &PipelineOptions,
        known: &Known<'_>,
    ) -> DeviceReport {
        let label = accelerator.device().label();
        let forecast = match self.forecast(request, accelerator, options, known.rates.as_ref()) {
            Ok(forecast) => forecast,
            Err(error) => return DeviceReport::obstructed(label, error),
        };
        let alternatives = match forecast.fit {
            Fit::DoesNotFit => self.alternatives(request, accelerator, options).unwrap_or_default(),
            _ => Vec::new(),
        };
        let run = TimedRun::forecast(self.flux.fingerprint(), &forecast, known.threads);
        let measured = known.timings.and_then(|timings| timings.find(&run)).cloned();
        DeviceReport { label, forecast: Some(forecast), alternatives, measured, obstacle: None }
    }
}

//! `DPMSolverMultistepScheduler` of diffusers 0.36 on flow-matching noise levels: DPM-Solver++ of order 1 to 3
//! (Lu et al. 2022, arXiv:2211.01095), which keeps up to two earlier predictions of the clean sample.

use super::dpm_step::{Level, SolverStep, solve};
use super::noise_levels::{Shift, linspace};
use super::{Sampler, ScheduleRequest, StepRow, StepTable, Steps};
use crate::error::{Error, Result};
use serde::Deserialize;

/// The scheduler's `scheduler_config.json`, as far as flow matching uses it. Keys that are left out have diffusers'
/// defaults, so `use_flow_sigmas` must be set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct DpmSolverMultistep {
    /// The scale of timesteps.
    pub num_train_timesteps: u32,
    /// The first noise variance of training; it sets the last level where `final_sigmas_type` is `sigma_min`.
    pub beta_start: f64,
    /// 1, 2 or 3: how many predictions a step uses.
    pub solver_order: u32,
    /// What the model predicts: `flow_prediction`, `epsilon`, `sample` or `v_prediction`.
    pub prediction_type: String,
    /// Clipping by quantile: refused.
    pub thresholding: bool,
    /// `dpmsolver++`, or `sde-dpmsolver++`, which adds fresh noise.
    pub algorithm_type: String,
    /// `midpoint` or `heun`, for steps of order 2.
    pub solver_type: String,
    /// Lower the order of the last steps of a schedule of fewer than 15.
    pub lower_order_final: bool,
    /// Make the last step an Euler step.
    pub euler_at_final: bool,
    /// Karras' spacing: refused.
    pub use_karras_sigmas: Option<bool>,
    /// Exponential spacing: refused.
    pub use_exponential_sigmas: Option<bool>,
    /// Beta spacing: refused.
    pub use_beta_sigmas: Option<bool>,
    /// Spacing by log-SNR: refused.
    pub use_lu_lambdas: Option<bool>,
    /// Flow-matching noise levels: must be true.
    pub use_flow_sigmas: Option<bool>,
    /// The shift where it does not depend on the picture's size.
    pub flow_shift: Option<f64>,
    /// `zero` or `sigma_min`: the level after the last step.
    pub final_sigmas_type: Option<String>,
    /// Whether the shift depends on the picture's size, by the same line as Flux's own scheduler.
    pub use_dynamic_shifting: bool,
}

impl Default for DpmSolverMultistep {
    fn default() -> Self {
        DpmSolverMultistep {
            num_train_timesteps: 1000,
            beta_start: 0.0001,
            solver_order: 2,
            prediction_type: "epsilon".into(),
            thresholding: false,
            algorithm_type: "dpmsolver++".into(),
            solver_type: "midpoint".into(),
            lower_order_final: true,
            euler_at_final: false,
            use_karras_sigmas: Some(false),
            use_exponential_sigmas: Some(false),
            use_beta_sigmas: Some(false),
            use_lu_lambdas: Some(false),
            use_flow_sigmas: Some(false),
            flow_shift: Some(1.0),
            final_sigmas_type: Some("zero".into()),
            use_dynamic_shifting: false,
        }
    }
}

impl DpmSolverMultistep {
    /// The noise levels of the full schedule, one more than there are steps, and the whole-number timesteps.
    fn levels(&self, request: &ScheduleRequest) -> Result<(Vec<f32>, Vec<f32>)> {
        let count = request.steps.count()?;
        if let Steps::Sigmas(sigmas) = &request.steps {
            return Err(Error::Schedule {
                option: "sigmas",
                value: format!("{sigmas:?}"),
                remedy: "this scheduler spaces its own noise levels; give a number of steps instead".into(),
            });
        }
        let train = f64::from(self.num_train_timesteps);
        let line = Shift { base_tokens: 256.0, max_tokens: 4096.0, base_shift: 0.5, max_shift: 1.15 };
        let shift = match self.use_dynamic_shifting {
            true => line.mu(request.image_tokens).exp(),
            false => self.flow_shift.unwrap_or(1.0),
        };
        let mut sigmas: Vec<f64> = linspace(1.0, 1.0 / train, count + 1)
            .into_iter()
            .map(|alpha| 1.0 - alpha)
            .map(|sigma| shift * sigma / (1.0 + (shift - 1.0) * sigma))
            .rev()
            .collect();
        sigmas.pop();
        // PyTorch casts the levels to int64 for timesteps, which cuts the fraction off.
        let timesteps = sigmas.iter().map(|sigma| (sigma * train).trunc() as f32).collect();
        let mut sigmas: Vec<f32> = sigmas.into_iter().map(|sigma| sigma as f32).collect();
        sigmas.push(match self.final_sigmas_type.as_deref() {
            Some("sigma_min") => {
                let kept = 1.0 - self.beta_start as f32;
                ((1.0 - kept) / kept).sqrt()
            }
            _ => 0.0,
        });
        Ok((sigmas, timesteps))
    }

    /// x0 from sample and model output at noise level `sigma`: their two shares.
    fn prediction(&self, sigma: f64) -> (f64, f64) {
        let alpha = 1.0 - sigma;
        match self.prediction_type.as_str() {
            "epsilon" => (1.0 / alpha, -sigma / alpha),
            "sample" => (0.0, 1.0),
            "v_prediction" => (alpha, -sigma),
            _ => (1.0, -sigma),
        }
    }

    /// The order of step `index` of `count`, if `known` earlier predictions exist.
    fn order(&self, index: usize, count: usize, known: usize) -> usize {
        let few = self.lower_order_final && count < 15;
        let to_zero = self.final_sigmas_type.as_deref() != Some("sigma_min");
        let order = (self.solver_order as usize).min(known + 1);
        if index + 1 == count && (self.euler_at_final || few || to_zero) {
            1
        } else if index + 2 == count && few {
            order.min(2)
        } else {
            order
        }
    }
}

impl Sampler for DpmSolverMultistep {
    fn table(&self, request: &ScheduleRequest) -> Result<StepTable> {
        let (sigmas, timesteps) = self.levels(request)?;
        let count = timesteps.len();
        let first = request.first(count)?;
        let level = |index: usize| sigmas.get(index).map(|sigma| Level::flow(f64::from(*sigma)));
        let mut rows = Vec::with_capacity(count - first);
        for (index, timestep) in timesteps.iter().enumerate().skip(first) {
            let (Some(now), Some(next)) = (level(index), level(index + 1)) else { break };
            let (a_sample, a_model) = self.prediction(now.sigma);
            let step = SolverStep {
                next,
                now,
                before: [index.checked_sub(1).and_then(level), index.checked_sub(2).and_then(level)],
                order: self.order(index, count, index - first),
                heun: self.solver_type == "heun",
                stochastic: self.algorithm_type == "sde-dpmsolver++",
            };
            let shares = solve(&step);
            rows.push(StepRow {
                timestep: *timestep,
                sigma: now.sigma as f32,
                sigma_next: next.sigma as f32,
                a_sample: a_sample as f32,
                a_model: a_model as f32,
                c_sample: shares.sample as f32,
                c_x0: shares.x0[0] as f32,
                c_hist0: shares.x0[1] as f32,
                c_hist1: shares.x0[2] as f32,
                c_noise: shares.noise as f32,
            });
        }
        StepTable::new(rows, first)
    }

    fn history(&self) -> usize {
        (self.solver_order as usize).saturating_sub(1)
    }
}

//! `FlowMatchEulerDiscreteScheduler` of diffusers 0.36: Euler steps along a flow-matching path.

use super::noise_levels::{Shift, TimeShift, apply_static, linspace};
use super::{Sampler, ScheduleRequest, StepRow, StepTable, Steps};
use crate::error::{Error, Result};
use serde::Deserialize;

/// The scheduler's `scheduler_config.json`. Keys that are left out have diffusers' defaults.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct FlowMatchEulerDiscrete {
    /// The scale of timesteps.
    pub num_train_timesteps: u32,
    /// The shift where it does not depend on the picture's size.
    pub shift: f64,
    /// Whether the shift depends on the picture's size.
    pub use_dynamic_shifting: bool,
    /// The shift of a picture of `base_image_seq_len` tokens.
    pub base_shift: Option<f64>,
    /// The shift of a picture of `max_image_seq_len` tokens.
    pub max_shift: Option<f64>,
    /// Tokens of the small picture.
    pub base_image_seq_len: Option<u32>,
    /// Tokens of the large picture.
    pub max_image_seq_len: Option<u32>,
    /// Run from 0 to 1 instead of from 1 to 0.
    pub invert_sigmas: bool,
    /// Stretch the schedule so that it ends at this level before the closing zero.
    pub shift_terminal: Option<f64>,
    /// Space the shifted levels as Karras et al. (2022) do, with rho 7.
    pub use_karras_sigmas: Option<bool>,
    /// Space the shifted levels evenly in their logarithm.
    pub use_exponential_sigmas: Option<bool>,
    /// Beta spacing: refused.
    pub use_beta_sigmas: Option<bool>,
    /// How dynamic shifting bends the schedule.
    pub time_shift_type: TimeShift,
    /// Draw fresh noise at each step.
    pub stochastic_sampling: bool,
}

impl Default for FlowMatchEulerDiscrete {
    fn default() -> Self {
        FlowMatchEulerDiscrete {
            num_train_timesteps: 1000,
            shift: 1.0,
            use_dynamic_shifting: false,
            base_shift: Some(0.5),
            max_shift: Some(1.15),
            base_image_seq_len: Some(256),
            max_image_seq_len: Some(4096),
            invert_sigmas: false,
            shift_terminal: None,
            use_karras_sigmas: Some(false),
            use_exponential_sigmas: Some(false),
            use_beta_sigmas: Some(false),
            time_shift_type: TimeShift::Exponential,
            stochastic_sampling: false,
        }
    }
}

impl FlowMatchEulerDiscrete {
    /// The line that gives the dynamic shift; nulls have diffusers' defaults.
    pub fn size_line(&self) -> Shift {
        Shift {
            base_tokens: f64::from(self.base_image_seq_len.unwrap_or(256)),
            max_tokens: f64::from(self.max_image_seq_len.unwrap_or(4096)),
            base_shift: self.base_shift.unwrap_or(0.5),
            max_shift: self.max_shift.unwrap_or(1.15),
        }
    }

    /// The noise levels of the full schedule, one more than there are steps, in f32 as diffusers computes them.
    ///
    /// Steps given as a count are spaced as FluxPipeline spaces them: evenly from 1 to 1/count.
    ///
    /// # Errors
    ///
    /// [`Error::Schedule`] if the request cannot be met.
    pub fn sigmas(&self, request: &ScheduleRequest) -> Result<Vec<f32>> {
        self.sigmas_at(&request.steps, self.size_line().mu(request.image_tokens))
    }

    /// As [`FlowMatchEulerDiscrete::sigmas`], with the dynamic shift `mu` given instead of the picture's size.
    ///
    /// # Errors
    ///
    /// As [`FlowMatchEulerDiscrete::sigmas`].
    pub fn sigmas_at(&self, steps: &Steps, mu: f64) -> Result<Vec<f32>> {
        steps.count()?;
        let given = match steps {
            Steps::Count(count) => linspace(1.0, 1.0 / *count as f64, *count),
            Steps::Sigmas(sigmas) => sigmas.clone(),
        };
        let mut sigmas: Vec<f32> = given.into_iter().map(|sigma| sigma as f32).collect();
        if self.use_dynamic_shifting {
            self.time_shift_type.apply(mu, &mut sigmas);
        } else {
            apply_static(self.shift, &mut sigmas);
        }
        if let Some(end) = self.shift_terminal.filter(|end| *end != 0.0) {
            stretch_to(end, &mut sigmas);
        }
        if self.use_karras_sigmas == Some(true) {
            respace(&mut sigmas, |sigma| sigma.powf(1.0 / 7.0), |root| root.powf(7.0));
        } else if self.use_exponential_sigmas == Some(true) {
            respace(&mut sigmas, f64::ln, f64::exp);
        }
        if self.invert_sigmas {
            sigmas.iter_mut().for_each(|sigma| *sigma = 1.0 - *sigma);
        }
        sigmas.push(if self.invert_sigmas { 1.0 } else { 0.0 });
        if sigmas.iter().any(|sigma| !sigma.is_finite()) {
            return Err(Error::Schedule {
                option: "steps",
                value: format!("{:?}", steps),
                remedy: "these noise levels are not finite once shifted; give others, or the published \
                         scheduler_config.json"
                    .into(),
            });
        }
        Ok(sigmas)
    }
}

impl Sampler for FlowMatchEulerDiscrete {
    fn table(&self, request: &ScheduleRequest) -> Result<StepTable> {
        let sigmas = self.sigmas(request)?;
        let first = request.first(sigmas.len() - 1)?;
        let scale = self.num_train_timesteps as f32;
        let steps = sigmas.windows(2).skip(first);
        let rows = steps.filter_map(|pair| match *pair {
            [sigma, sigma_next] => {
                let row = StepRow { timestep: sigma * scale, sigma, sigma_next, ..StepRow::default() };
                Some(if self.stochastic_sampling {
                    StepRow {
                        a_sample: 1.0,
                        a_model: -sigma,
                        c_x0: 1.0 - sigma_next,
                        c_noise: sigma_next,
                        ..row
                    }
                } else {
                    // x0 is the model's output itself here: sample + (sigma_next - sigma) · output.
                    StepRow { a_model: 1.0, c_sample: 1.0, c_x0: sigma_next - sigma, ..row }
                })
            }
            _ => None,
        });
        StepTable::new(rows.collect(), first)
    }

    fn history(&self) -> usize {
        0
    }
}

/// Spaces levels evenly, from the first to the last, in what `bend` makes of them; `unbend` is its inverse.
fn respace(sigmas: &mut [f32], bend: impl Fn(f64) -> f64, unbend: impl Fn(f64) -> f64) {
    let ends = sigmas.first().zip(sigmas.last()).map(|(a, b)| (bend(f64::from(*a)), bend(f64::from(*b))));
    let Some((first, last)) = ends else { return };
    let spaced = linspace(first, last, sigmas.len());
    for (sigma, at) in sigmas.iter_mut().zip(spaced) {
        *sigma = unbend(at) as f32;
    }
}

/// Stretches levels linearly so that the last one becomes `end` and 1 stays 1.
fn stretch_to(end: f64, sigmas: &mut [f32]) {
    let Some(last) = sigmas.last() else { return };
    let scale = (1.0 - last) / (1.0 - end) as f32;
    for sigma in sigmas {
        *sigma = 1.0 - (1.0 - *sigma) / scale;
    }
}

//! The table of coefficients that a scheduler is.

use crate::error::{Error, Result};

/// One step's timestep and coefficients; see the [module](super) for the update they stand for.
///
/// They are computed in f64 from the f32 noise levels that diffusers keeps, and stored in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepRow {
    /// What the model is told, on the scheduler's scale (0 to 1000). Flux divides it by 1000 first.
    pub timestep: f32,
    /// The noise level before the step.
    pub sigma: f32,
    /// The noise level after the step.
    pub sigma_next: f32,
    /// x0: the share of the sample.
    pub a_sample: f32,
    /// x0: the share of the model's output.
    pub a_model: f32,
    /// Next sample: the share of the sample.
    pub c_sample: f32,
    /// Next sample: the share of x0.
    pub c_x0: f32,
    /// Next sample: the share of the x0 of one step before.
    pub c_hist0: f32,
    /// Next sample: the share of the x0 of two steps before.
    pub c_hist1: f32,
    /// Next sample: the share of fresh noise.
    pub c_noise: f32,
}

/// The rows of the steps that are run, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTable {
    /// One row a step.
    pub rows: Vec<StepRow>,
    /// How many steps of the full schedule come before the first row: above 0 for image-to-image.
    pub first: usize,
}

impl StepTable {
    /// The table of these rows.
    ///
    /// # Errors
    ///
    /// [`Error::Schedule`] if a coefficient is not finite, which settings far from any published scheduler's make.
    pub(super) fn new(rows: Vec<StepRow>, first: usize) -> Result<Self> {
        let numbers = |row: &StepRow| {
            let StepRow { timestep, sigma, sigma_next, a_sample, a_model, c_sample, .. } = *row;
            let StepRow { c_x0, c_hist0, c_hist1, c_noise, .. } = *row;
            let model = [timestep, sigma, sigma_next, a_sample, a_model];
            [model, [c_sample, c_x0, c_hist0, c_hist1, c_noise]]
        };
        match rows.iter().position(|row| numbers(row).as_flattened().iter().any(|n| !n.is_finite())) {
            None => Ok(Self { rows, first }),
            Some(step) => Err(Error::Schedule {
                option: "scheduler",
                value: format!("one whose step {step} has coefficients that are not finite numbers"),
                remedy: "use the scheduler_config.json published with the model".into(),
            }),
        }
    }

    /// Whether any step adds fresh noise.
    pub fn draws_noise(&self) -> bool {
        self.rows.iter().any(|row| row.c_noise != 0.0)
    }

    /// The noise level at which the first row starts; 1 for an empty table.
    pub fn initial_sigma(&self) -> f32 {
        self.rows.first().map_or(1.0, |row| row.sigma)
    }
}

impl StepRow {
    /// Runs the step on the host: returns the next sample and x0, element by element.
    ///
    /// `history` holds the x0 of one and of two steps before; a slot or noise that is empty counts as zeros.
    /// The result is as long as the shorter of `sample` and `model_output`.
    pub fn apply(
        &self,
        sample: &[f32],
        model_output: &[f32],
        history: [&[f32]; 2],
        noise: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let at = |values: &[f32], i: usize| values.get(i).copied().unwrap_or(0.0);
        let pairs = sample.iter().zip(model_output).enumerate();
        pairs
            .map(|(i, (s, m))| {
                let x0 = self.a_sample * s + self.a_model * m;
                let next = self.c_sample * s
                    + self.c_x0 * x0
                    + self.c_hist0 * at(history[0], i)
                    + self.c_hist1 * at(history[1], i)
                    + self.c_noise * at(noise, i);
                (next, x0)
            })
            .unzip()
    }
}

/// Mixes noise into a clean sample at noise level `sigma`, as diffusers' `scale_noise` does for flow matching:
/// `sigma · noise + (1 - sigma) · sample`. As long as the shorter of the two.
pub fn mix_noise(sample: &[f32], noise: &[f32], sigma: f32) -> Vec<f32> {
    sample.iter().zip(noise).map(|(s, n)| sigma * n + (1.0 - sigma) * s).collect()
}

//! Noise levels and how they are shifted with the picture's size.

use serde::Deserialize;

/// How dynamic shifting bends the noise levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeShift {
    /// `e^mu / (e^mu + 1/t - 1)`.
    #[default]
    Exponential,
    /// `mu / (mu + 1/t - 1)`.
    Linear,
}

/// The line through two picture sizes that gives the shift `mu` (diffusers' `calculate_shift`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Tokens at which the shift is `base_shift`.
    pub base_tokens: f64,
    /// Tokens at which the shift is `max_shift`.
    pub max_tokens: f64,
    /// The shift of a small picture.
    pub base_shift: f64,
    /// The shift of a large picture.
    pub max_shift: f64,
}

impl Shift {
    /// `mu` for a picture of so many tokens.
    pub fn mu(&self, image_tokens: usize) -> f64 {
        let slope = (self.max_shift - self.base_shift) / (self.max_tokens - self.base_tokens);
        let offset = self.base_shift - slope * self.base_tokens;
        image_tokens as f64 * slope + offset
    }
}

impl TimeShift {
    /// Shifts noise levels in place, in f32 as numpy does for an f32 array and a Python number.
    pub(super) fn apply(self, mu: f64, sigmas: &mut [f32]) {
        let weight = match self {
            TimeShift::Exponential => mu.exp(),
            TimeShift::Linear => mu,
        } as f32;
        for sigma in sigmas {
            *sigma = weight / (weight + (1.0 / *sigma - 1.0));
        }
    }
}

/// `shift · s / (1 + (shift - 1) · s)` in place, in f32.
pub(super) fn apply_static(shift: f64, sigmas: &mut [f32]) {
    let (whole, less_one) = (shift as f32, (shift - 1.0) as f32);
    for sigma in sigmas {
        *sigma = whole * *sigma / (1.0 + less_one * *sigma);
    }
}

/// numpy's `linspace(start, stop, count)`: the last value is `stop` itself.
pub(super) fn linspace(start: f64, stop: f64, count: usize) -> Vec<f64> {
    if count < 2 {
        return vec![start; count];
    }
    let step = (stop - start) / (count - 1) as f64;
    let mut values: Vec<f64> = (0..count).map(|i| i as f64 * step + start).collect();
    if let Some(last) = values.last_mut() {
        *last = stop;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_is_a_line_through_both_sizes() {
        let shift = Shift { base_tokens: 256.0, max_tokens: 4096.0, base_shift: 0.5, max_shift: 1.15 };
        assert!((shift.mu(256) - 0.5).abs() < 1e-12);
        assert!((shift.mu(4096) - 1.15).abs() < 1e-12);
    }

    #[test]
    fn a_shift_of_nothing_keeps_the_levels() {
        let mut sigmas = [1.0, 0.5, 0.25];
        TimeShift::Exponential.apply(0.0, &mut sigmas);
        apply_static(1.0, &mut sigmas);
        assert_eq!(sigmas, [1.0, 0.5, 0.25]);
    }
}

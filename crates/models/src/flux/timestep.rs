//! Sinusoidal features of a time or a guidance (`get_timestep_embedding` of diffusers with `flip_sin_to_cos`).

use half::{bf16, f16};
use tintype_program::DType;

/// Features of one number.
pub const FEATURES: usize = 256;
const MAX_PERIOD: f64 = 10_000.0;

/// A time in `0..=1`, or a guidance, as the model multiplies it: rounded to the compute dtype, times 1000, rounded
/// again. In bf16 that moves it by up to half a percent; published models have always been run so.
pub fn scaled_time(value: f64, dtype: DType) -> f64 {
    let value = value as f32;
    match dtype {
        DType::Bf16 => bf16::from_f32(bf16::from_f32(value).to_f32() * 1000.0).to_f64(),
        DType::F16 => f16::from_f32(f16::from_f32(value).to_f32() * 1000.0).to_f64(),
        _ => f64::from(value * 1000.0),
    }
}

/// [`FEATURES`] of each number, in rows: cosines of the number times each of 128 frequencies, then their sines.
/// The numbers are those of [`scaled_time`].
///
/// Frequencies and angles are rounded to f32, since published models were trained with such angles: at a time of
/// 1000 the rounding turns the fastest ones by 3e-5.
pub fn timestep_features(values: &[f64]) -> Vec<f32> {
    let frequencies: Vec<f32> = (0..FEATURES / 2).map(frequency).collect();
    let mut features = Vec::with_capacity(values.len().saturating_mul(FEATURES));
    for &value in values {
        let angles = || frequencies.iter().map(move |frequency| f64::from(value as f32 * frequency));
        features.extend(angles().map(|angle| angle.cos() as f32));
        features.extend(angles().map(|angle| angle.sin() as f32));
    }
    features
}

/// The `i`-th of 128 frequencies, as PyTorch has it in f32.
///
/// Two exponentials lie so close to the middle of two f32 that PyTorch (MKL's, on every instruction set) rounds them
/// up where the nearest is below. One unit in the last place turns the angle at time 1000 by 3e-5, so they count.
fn frequency(i: usize) -> f32 {
    const ROUNDED_UP: [usize; 2] = [12, 106];
    let exponent = -MAX_PERIOD.ln() as f32 * i as f32 / (FEATURES / 2) as f32;
    let nearest = f64::from(exponent).exp() as f32;
    if ROUNDED_UP.contains(&i) { nearest.next_up() } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: [(usize, f32); 5] =
        [(0, 0.562_379_06), (12, 0.749_766_5), (106, 0.883_756), (140, 0.661_702_45), (234, 0.467_948_08)];

    #[test]
    fn features_are_cosines_then_sines() {
        let features = timestep_features(&[0.0, 1000.0]);
        assert_eq!(features.len(), 2 * FEATURES);
        assert!(features[..128].iter().all(|&c| c == 1.0) && features[128..256].iter().all(|&s| s == 0.0));
        // PyTorch 2.11.0: get_timestep_embedding(tensor([1000.]), 256, True, 0) at the two frequencies that are not
        // the nearest to the true ones.
        for (position, expected) in GOLDEN {
            assert!(
                (features[256 + position] - expected).abs() < 2e-7,
                "{position}: {}",
                features[256 + position]
            );
        }
    }

    #[test]
    fn times_are_rounded_as_the_model_rounds_them() {
        assert_eq!(scaled_time(0.123_456_789, DType::F32), f64::from(0.123_456_79_f32 * 1000.0));
        assert_eq!(scaled_time(0.7, DType::Bf16), 700.0);
        assert_eq!(scaled_time(3.5, DType::F16), 3500.0);
    }
}

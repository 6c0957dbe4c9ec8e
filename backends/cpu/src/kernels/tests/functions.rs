use super::support::extent;
use crate::kernels::convert::narrow;
use crate::kernels::math;
use half::{bf16, f16};

/// `2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!` (Abramowitz and Stegun 7.1.6).
pub fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return 1f64.copysign(x);
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while f64::abs(term) > f64::abs(sum) * 1e-17 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

fn worst(from: f32, to: f32, actual: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
    let steps = extent(200_000, 50) as i32;
    let at = |i: i32| from + (to - from) * i as f32 / steps as f32;
    let error = |x: f32| {
        let exact = exact(f64::from(x));
        ((f64::from(actual(x)) - exact) / exact.abs().max(1e-37)).abs()
    };
    (0..=steps).map(at).map(error).fold(0.0, f64::max)
}

#[test]
fn functions_are_accurate_to_about_a_unit_in_the_last_place() {
    let found = [
        worst(-87.0, 88.7, math::exp, f64::exp),
        worst(-1.0, 1.0, math::exp, f64::exp),
        worst(-30.0, 30.0, math::sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        worst(-10.0, 10.0, math::tanh, f64::tanh),
        worst(-0.7, 0.7, math::tanh, f64::tanh),
        worst(-6.0, 6.0, math::erf, erf),
        worst(-1.0, 1.0, math::erf, erf),
    ];
    assert!(found.iter().all(|error| *error < 2.0e-7), "{found:?}");
}

#[test]
fn functions_keep_their_ends() {
    assert_eq!(
        [math::exp(f32::INFINITY), math::exp(f32::NEG_INFINITY), math::exp(0.0)],
        [f32::INFINITY, 0.0, 1.0]
    );
    assert_eq!([math::exp(89.5), math::exp(-200.0)], [f32::INFINITY, 0.0]);
    assert!((math::exp(-100.0) / 3.783_5e-44 - 1.0).abs() < 0.05, "subnormal results are kept");
    assert_eq!([math::erf(f32::INFINITY), math::erf(f32::NEG_INFINITY), math::erf(9.0)], [1.0, -1.0, 1.0]);
    assert_eq!([math::tanh(f32::INFINITY), math::tanh(-50.0)], [1.0, -1.0]);
    assert_eq!([math::sigmoid(f32::INFINITY), math::sigmoid(f32::NEG_INFINITY)], [1.0, 0.0]);
    for function in [math::exp, math::erf, math::tanh, math::sigmoid] {
        assert!(function(f32::NAN).is_nan());
    }
    assert!(math::max(f32::NAN, 1.0).is_nan() && math::max(1.0, f32::NAN).is_nan());
    assert!(math::min(f32::NAN, 1.0).is_nan() && math::min(1.0, f32::NAN).is_nan());
}

#[test]
fn slices_convert_as_elements_do() {
    use crate::kernels::convert::{from_f32, to_f32};
    let bits: Vec<u16> = (0..=u16::MAX).step_by(extent(1, 97)).collect();
    let narrow: Vec<bf16> = bits.iter().map(|b| bf16::from_bits(*b)).collect();
    let mut wide = vec![0f32; narrow.len()];
    to_f32(&narrow, &mut wide);
    assert!(wide.iter().zip(&narrow).all(|(w, n)| *w == n.to_f32() || (w.is_nan() && n.is_nan())));
    let values: Vec<f32> =
        (0..extent(1 << 20, 999)).map(|i| f32::from_bits((i as u32).wrapping_mul(4099))).collect();
    let (mut brain, mut half) = (vec![bf16::ZERO; values.len()], vec![f16::ZERO; values.len()]);
    from_f32(&values, &mut brain);
    from_f32(&values, &mut half);
    for (i, value) in values.iter().enumerate() {
        assert!(brain[i] == bf16::from_f32(*value) || (brain[i].is_nan() && value.is_nan()), "{value}");
        assert!(half[i] == f16::from_f32(*value) || (half[i].is_nan() && value.is_nan()), "{value}");
    }
}

#[test]
fn narrowing_keeps_what_decides_a_rounding() {
    let tie = 1.0 + f64::powi(2.0, -11);
    assert_eq!(f16::from_f32(narrow(tie)).to_f64(), 1.0);
    assert_eq!(f16::from_f32(narrow(tie + f64::powi(2.0, -40))).to_f64(), 1.0 + f64::powi(2.0, -10));
    assert_eq!(f16::from_f32(narrow(-tie - f64::powi(2.0, -40))).to_f64(), -1.0 - f64::powi(2.0, -10));
    assert_eq!(f16::from_f32(narrow(tie - f64::powi(2.0, -40))).to_f64(), 1.0);
    assert_eq!([narrow(0.0), narrow(-3.5), narrow(1e300)], [0.0, -3.5, f32::INFINITY]);
}

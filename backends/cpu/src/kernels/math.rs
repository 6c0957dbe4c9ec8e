//! Functions of one f32, without branches or calls where the compiler can then vectorise loops over them, and without
//! fused multiply-adds, so that every processor gives the same bits.

// The constants are given as published, with more digits than an f32 holds.
#![allow(clippy::excessive_precision)]

/// Adding and subtracting this rounds a magnitude below 2^22 to an integer, ties to even.
const ROUNDER: f32 = 12_582_912.0;

/// `e^x` to about one unit of the last place (Cephes `expf`; Moshier 1989).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these ends the result is infinity or zero whatever the rest says. NaN passes both.
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    // ln 2 in two parts, of which the first has few enough bits for an exact product.
    let r = x - n * 0.693_359_375 + n * 2.121_944_4e-4;
    let p = ((((1.987_569_15e-4 * r + 1.398_199_95e-3) * r + 8.333_451_9e-3) * r + 4.166_579_6e-2) * r
        + 1.666_666_55e-1)
        * r
        + 5.000_000_1e-1;
    let mantissa = p * r * r + r + 1.0;
    // In two factors, because 2^n may lie outside the normal range where the result does not.
    let n = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32;
    let half = n >> 1;
    mantissa * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `2^n` for `n` of a normal number.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent (Cephes `tanhf`).
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = (((-5.704_988_727_45e-3 * z + 2.063_908_879_54e-2) * z - 5.373_971_555_31e-2) * z
        + 1.333_144_220_36e-1)
        * z
        - 3.333_328_194_22e-1;
    let small = p * z * x + x;
    let large = (1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0)).copysign(x);
    if x.abs() < 0.625 { small } else { large }
}

/// The error function to about one unit of the last place (after N. Juffa's minimax polynomials).
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let (t, s) = (x.abs(), x * x);
    let high = (-1.728_534_70e-5 * t + 3.831_971_26e-4) * s + (-3.883_964_38e-3 * t + 2.425_462_19e-2);
    let high = ((high * t - 1.067_778_77e-1) * t - 6.348_466_87e-1) * t - 1.287_175_12e-1;
    let large = (1.0 - exp(high * t - t)).copysign(x);
    let low = (((-5.967_617_03e-4 * s + 4.991_194_23e-3) * s - 2.676_813_49e-2) * s + 1.128_199_25e-1) * s;
    let small = ((low - 3.761_253_36e-1) * s + 1.283_791_66e-1) * x + x;
    // Far out the polynomial's argument is no longer that of its fit; NaN goes the way of `large`.
    let large = if t > 4.0 { 1f32.copysign(x) } else { large };
    if t > 0.927_734_375 { large } else { small }
}

/// The larger; NaN if either is.
#[inline(always)]
pub(crate) fn max(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN if either is.
#[inline(always)]
pub(crate) fn min(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

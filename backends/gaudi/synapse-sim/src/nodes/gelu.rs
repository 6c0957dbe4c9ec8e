//! Row "gelu" of the reference.

use super::lanes::{floats, from_floats};
use super::support::{same, typed};
use super::{Call, Data, Kind, Results};

pub const KINDS: &[Kind] = &[typed!("gelu_fwd", check, run)];

/// Two outputs: the result, and the tanh that a backward pass would read.
fn check(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 2..=2)?;
    call.sizes_of_params(&[1, 8])?;
    call.no_layouts()?;
    call.float()?;
    let x = call.input(0)?;
    call.typed(x, "the input")?;
    for index in [0, 1] {
        call.typed(call.output(index)?, "an output")?;
        same(&x.sizes, &call.output(index)?.sizes, "input and output")?;
    }
    Ok(())
}

fn run(call: &Call, data: &Data) -> Results {
    let dtype = call.input(0)?.dtype;
    let x = floats(data[0].unwrap_or_default(), dtype);
    let tanh: Vec<f32> = x.iter().map(|&x| (0.797_884_6 * (x + 0.044_715 * x * x * x)).tanh()).collect();
    let y: Vec<f32> = if call.flag(0) {
        x.iter().zip(&tanh).map(|(x, tanh)| 0.5 * x * (1.0 + tanh)).collect()
    } else {
        x.iter()
            .map(|&x| {
                (0.5 * f64::from(x) * (1.0 + erf(f64::from(x) * std::f64::consts::FRAC_1_SQRT_2))) as f32
            })
            .collect()
    };
    Ok(vec![Some(from_floats(&y, dtype)), Some(from_floats(&tanh, dtype))])
}

/// The error function: its series near 0, a continued fraction of its complement further out.
fn erf(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude < 2.5 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 * sum.abs() {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    if magnitude > 6.0 {
        return x.signum();
    }
    let mut fraction = 0.0;
    for k in (1..=60).rev() {
        fraction = f64::from(k) / 2.0 / (magnitude + fraction);
    }
    let complement = (-x * x).exp() / (magnitude + fraction) * std::f64::consts::FRAC_2_SQRT_PI / 2.0;
    x.signum() * (1.0 - complement)
}

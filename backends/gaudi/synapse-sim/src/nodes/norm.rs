//! Rows "layer norm", "layer norm PT" and "rms norm" of the reference.

use super::lanes::{floats, from_floats};
use super::support::{is, need, same, typed};
use super::{Call, Data, Desc, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[
    typed!("layer_norm_fwd", check_layer, run_layer),
    typed!("layer_norm_fwd_pt", check_layer, run_layer),
    typed!("rms_norm_ex_fwd", check_rms, run_rms),
    typed!("rms_norm_fast_fwd", check_rms, run_rms),
];

/// The structure's epsilon; without `epsValid` there is none the reference knows of.
fn epsilon(call: &Call) -> Result<f32, String> {
    need(call.flag(0) && call.f32(4) >= 0.0, || "epsValid must be set, and eps not be negative".into())?;
    Ok(call.f32(4))
}

/// Elements normalised together, and how many first dimensions they are.
fn row(call: &Call) -> Result<(usize, usize), String> {
    let x = call.input(0)?;
    let dims = if call.base == "layer_norm_fwd_pt" { call.u32(16) as usize } else { 1 };
    need((1..=x.rank()).contains(&dims), || format!("{dims} of {} dimensions", x.rank()))?;
    Ok((x.sizes[..dims].iter().product::<u64>() as usize, dims))
}

/// Mean and inverse deviation: f32, the normalised dimensions of size 1.
fn statistics(call: &Call, x: &Desc, dims: usize, outputs: &[usize]) -> Result<(), String> {
    let mut sizes = x.sizes.clone();
    sizes[..dims].fill(1);
    for &index in outputs {
        let output = call.output(index)?;
        is(output, DataType::F32, "a statistic")?;
        same(&sizes, &output.sizes, "a statistic")?;
    }
    Ok(())
}

/// Where weight and bias are: the plain node has the bias first.
fn affine(call: &Call) -> (usize, usize) {
    if call.base == "layer_norm_fwd" { (2, 1) } else { (1, 2) }
}

fn check_layer(call: &Call) -> Result<(), String> {
    let pt = call.base == "layer_norm_fwd_pt";
    call.counts(3..=3, 3..=3)?;
    call.sizes_of_params(if pt { &[20] } else { &[8] })?;
    call.no_layouts()?;
    call.float()?;
    epsilon(call)?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")?;
    let (_, dims) = row(call)?;
    for index in [1, 2] {
        let each = call.input(index)?;
        // The plain node wants f32; the other's type is not spoken of: that of x, or f32.
        need(each.dtype == DataType::F32 || pt && each.dtype == x.dtype, || {
            format!("input {index} is {}", each.dtype.suffix())
        })?;
        same(&x.sizes[..dims], &each.sizes, "weight or bias and the normalised dimensions")?;
    }
    statistics(call, x, dims, &[1, 2])
}

fn run_layer(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let ((count, _), eps) = (row(call)?, epsilon(call)?);
    let (weight, bias) = affine(call);
    let load = |index: usize| -> Result<Vec<f32>, String> {
        Ok(floats(data[index].unwrap_or_default(), call.input(index)?.dtype))
    };
    let (weight, bias) = (load(weight)?, load(bias)?);
    let mut values = load(0)?;
    let (mut means, mut inverses) = (Vec::new(), Vec::new());
    for row in values.chunks_exact_mut(count) {
        let (mean, inverse) = moments(row, eps);
        for (value, (weight, bias)) in row.iter_mut().zip(weight.iter().zip(&bias)) {
            *value = (*value - mean) * inverse * weight + bias;
        }
        means.push(mean);
        inverses.push(inverse);
    }
    let statistic = |values: &[f32]| Some(from_floats(values, DataType::F32));
    Ok(vec![Some(from_floats(&values, x.dtype)), statistic(&means), statistic(&inverses)])
}

/// Mean and inverse deviation of a row, in two passes.
pub fn moments(row: &[f32], eps: f32) -> (f32, f32) {
    let count = row.len() as f64;
    let mean = row.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let variance = row.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, (1.0 / (variance + f64::from(eps)).sqrt()) as f32)
}

/// ParamsRmsNorm (24 bytes), of which eps alone changes what is computed here.
fn check_rms(call: &Call) -> Result<(), String> {
    call.counts(2..=2, 2..=2)?;
    call.sizes_of_params(&[24])?;
    call.no_layouts()?;
    call.float()?;
    epsilon(call)?;
    let (x, gamma, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")?;
    need(gamma.dtype == x.dtype || gamma.dtype == DataType::F32, || "gamma has another type".into())?;
    same(&x.sizes[..1], &gamma.sizes, "gamma and the first dimension")?;
    statistics(call, x, 1, &[1])
}

fn run_rms(call: &Call, data: &Data) -> Results {
    let (x, gamma) = (call.input(0)?, call.input(1)?);
    let eps = epsilon(call)?;
    let weight = floats(data[1].unwrap_or_default(), gamma.dtype);
    let mut values = floats(data[0].unwrap_or_default(), x.dtype);
    let mut inverses = Vec::new();
    for row in values.chunks_exact_mut(weight.len()) {
        let square = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / row.len() as f64;
        let inverse = (1.0 / (square + f64::from(eps)).sqrt()) as f32;
        row.iter_mut().zip(&weight).for_each(|(value, weight)| *value *= inverse * weight);
        inverses.push(inverse);
    }
    Ok(vec![Some(from_floats(&values, x.dtype)), Some(from_floats(&inverses, DataType::F32))])
}

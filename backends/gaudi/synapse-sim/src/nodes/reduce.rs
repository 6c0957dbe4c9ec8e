//! Rows "reduce", "reduce multi" and "softmax" of the reference.

use super::lanes::{floats, from_floats};
use super::support::{need, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};

pub const KINDS: &[Kind] = &[
    typed!("reduce_sum_fwd", check, run),
    typed!("reduce_mean_fwd", check, run),
    typed!("reduce_max_fwd", check, run),
    typed!("reduce_min_fwd", check, run),
    typed!("reduce_prod_fwd", check, run),
    typed!("reduce_sum_multi_dim_fwd", check, run),
    typed!("reduce_mean_multi_dim_fwd", check, run),
    typed!("reduce_max_multi_dim_fwd", check, run),
    typed!("softmax_fwd", check_softmax, run_softmax),
];

/// Which dimensions go, and whether they stay with size 1.
fn reduced(call: &Call) -> Result<(Vec<bool>, bool), String> {
    let rank = call.input(0)?.rank();
    if call.base.contains("multi_dim") {
        call.sizes_of_params(&[8])?;
        let mask = call.u32(0);
        need(mask != 0 && mask >> rank == 0, || format!("mask {mask:#b} of {rank} dimensions"))?;
        return Ok(((0..rank).map(|dim| mask >> dim & 1 == 1).collect(), call.flag(4)));
    }
    call.sizes_of_params(&[4])?;
    let dim = call.u32(0) as usize;
    need(dim < rank, || format!("dimension {dim} of {rank}"))?;
    Ok(((0..rank).map(|each| each == dim).collect(), true))
}

fn check(call: &Call) -> Result<(), String> {
    // The indices of max and min are not computed here.
    call.counts(1..=1, 1..=1)?;
    call.no_layouts()?;
    call.float()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    let (gone, kept) = reduced(call)?;
    let mut sizes: Vec<u64> =
        x.sizes.iter().zip(&gone).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
    if !kept {
        let mut gone = gone.iter();
        sizes.retain(|_| gone.next() == Some(&false));
    }
    if sizes.is_empty() {
        sizes.push(1);
    }
    same(&sizes, &y.sizes, "reduced input and output")
}

fn run(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let values = floats(data[0].unwrap_or_default(), x.dtype);
    let (gone, _) = reduced(call)?;
    let left: Vec<u64> =
        x.sizes.iter().zip(&gone).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
    let (steps, out_steps) = (strides(&x.sizes), strides(&left));
    let kind = call.base.split('_').nth(1).unwrap_or_default();
    let (start, join): (f32, fn(f32, f32) -> f32) = match kind {
        "max" => (f32::NEG_INFINITY, f32::max),
        "min" => (f32::INFINITY, f32::min),
        "prod" => (1.0, |a, b| a * b),
        _ => (0.0, |a, b| a + b),
    };
    let mut out = vec![start; y.elements() as usize];
    walk(&x.sizes, [&steps, &out_steps], |[from, to]| out[to] = join(out[to], values[from]));
    if kind == "mean" {
        let count = (x.elements() / y.elements()) as f32;
        out.iter_mut().for_each(|value| *value /= count);
    }
    Ok(vec![Some(from_floats(&out, y.dtype))])
}

fn check_softmax(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[4, 8, 12, 16, 20, 24])?;
    call.no_layouts()?;
    call.float()?;
    // What later versions add is not explained: valid counts, triangles and modes must be off.
    need(call.params.iter().skip(4).all(|&byte| byte == 0), || "fields beyond dim must be 0 here".into())?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    need(usize::try_from(call.i32(0)).is_ok_and(|dim| dim < x.rank()), || {
        format!("dim {} of {}", call.i32(0), x.rank())
    })?;
    same(&x.sizes, &y.sizes, "input and output")
}

fn run_softmax(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let dim = call.i32(0) as usize;
    let mut values = floats(data[0].unwrap_or_default(), x.dtype);
    let inner = x.sizes[..dim].iter().product::<u64>() as usize;
    let count = x.sizes[dim] as usize;
    let mut row = vec![0f32; count];
    for block in values.chunks_exact_mut(inner * count) {
        for at in 0..inner {
            row.iter_mut().enumerate().for_each(|(index, value)| *value = block[at + index * inner]);
            softmax(&mut row);
            row.iter().enumerate().for_each(|(index, value)| block[at + index * inner] = *value);
        }
    }
    Ok(vec![Some(from_floats(&values, x.dtype))])
}

/// Softmax of a row in place; gives its maximum and the sum of exponentials. A row of nothing but -inf becomes 0.
pub fn softmax(row: &mut [f32]) -> (f32, f32) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = if most == f32::NEG_INFINITY { 0.0 } else { (*value - most).exp() };
        sum += *value;
    }
    if sum > 0.0 {
        row.iter_mut().for_each(|value| *value /= sum);
    }
    (most, sum)
}

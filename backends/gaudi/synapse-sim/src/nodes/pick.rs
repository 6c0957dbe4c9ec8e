//! Constants and choices: rows "constant", "range", "where", "clamp" and "binary_with_alpha" of the reference.

use super::elementwise::broadcast;
use super::lanes::{doubles, floats, from_doubles, from_floats};
use super::support::{is, need, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[
    typed!("constant", check_constant, run_constant),
    typed!("range", check_range, run_range),
    typed!("where_fwd", check_where, run_where),
    typed!("clamp_pt_fwd", check_clamp, run_clamp),
    typed!("binary_with_alpha_fwd", check_alpha, run_alpha),
];

/// A union of float and int in the parameters: which one is by the node's type.
pub fn number(call: &Call, offset: usize, dtype: DataType) -> f64 {
    if dtype.is_float() { f64::from(call.f32(offset)) } else { f64::from(call.i32(offset)) }
}

/// The same, as the bytes of one element.
pub fn value(call: &Call, offset: usize, dtype: DataType) -> Vec<u8> {
    from_doubles(&[number(call, offset, dtype)], dtype)
}

fn check_constant(call: &Call) -> Result<(), String> {
    call.counts(0..=0, 1..=1)?;
    call.sizes_of_params(&[4])?;
    call.no_layouts()?;
    call.typed(call.output(0)?, "the output").map(drop)
}

fn run_constant(call: &Call, _: &Data) -> Results {
    let y = call.output(0)?;
    Ok(vec![Some(value(call, 0, y.dtype).repeat(y.elements() as usize))])
}

fn check_range(call: &Call) -> Result<(), String> {
    call.counts(0..=0, 1..=1)?;
    call.sizes_of_params(&[12])?;
    let y = call.output(0)?;
    let dtype = call.typed(y, "the output")?;
    let [start, limit, delta] = [0, 4, 8].map(|offset| number(call, offset, dtype));
    let count = ((limit - start) / delta).ceil();
    need(y.rank() == 1 && count == y.sizes[0] as f64, || format!("{count} elements for {:?}", y.sizes))
}

fn run_range(call: &Call, _: &Data) -> Results {
    let y = call.output(0)?;
    let (start, delta) = (number(call, 0, y.dtype), number(call, 8, y.dtype));
    let values: Vec<f64> = (0..y.sizes[0]).map(|at| start + at as f64 * delta).collect();
    Ok(vec![Some(from_doubles(&values, y.dtype))])
}

fn check_where(call: &Call) -> Result<(), String> {
    call.counts(3..=3, 1..=1)?;
    call.sizes_of_params(&[0])?;
    call.no_layouts()?;
    let (condition, a, b, y) = (call.input(0)?, call.input(1)?, call.input(2)?, call.output(0)?);
    is(condition, DataType::I8, "the condition")?;
    for (desc, what) in [(a, "input 1"), (b, "input 2"), (y, "the output")] {
        call.typed(desc, what)?;
    }
    let sizes = broadcast(&broadcast(&condition.sizes, &a.sizes)?, &b.sizes)?;
    same(&sizes, &y.sizes, "broadcast of the inputs and the output")
}

fn run_where(call: &Call, data: &Data) -> Results {
    let y = call.output(0)?;
    let size = y.dtype.size() as usize;
    let steps = [0, 1, 2].map(|index| call.input(index).map(|desc| strides(&desc.sizes)).unwrap_or_default());
    let [condition, a, b] = [0, 1, 2].map(|index| data[index].unwrap_or_default());
    let mut out = Vec::with_capacity(y.bytes() as usize);
    walk(&y.sizes, [&steps[0], &steps[1], &steps[2]], |[c, i, j]| {
        let (from, at) = if condition[c] != 0 { (a, i * size) } else { (b, j * size) };
        out.extend_from_slice(&from[at..at + size]);
    });
    Ok(vec![Some(out)])
}

fn check_clamp(call: &Call) -> Result<(), String> {
    call.counts(1..=3, 1..=1)?;
    call.sizes_of_params(&[0, 8])?;
    call.no_layouts()?;
    let x = call.input(0)?;
    call.typed(x, "the input")?;
    call.typed(call.output(0)?, "the output")?;
    for index in [1, 2] {
        if let Some(bound) = call.maybe(index) {
            call.typed(bound, "a bound")?;
            same(&broadcast(&x.sizes, &bound.sizes)?, &x.sizes, "a bound and the input")?;
        }
    }
    let tensors = call.maybe(1).is_some() || call.maybe(2).is_some();
    need(tensors == call.params.is_empty(), || "bounds are tensors or parameters, one of both".into())?;
    same(&x.sizes, &call.output(0)?.sizes, "input and output")
}

fn run_clamp(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let mut values = doubles(data[0].unwrap_or_default(), x.dtype);
    if !call.params.is_empty() {
        let (upper, lower) = (number(call, 0, x.dtype), number(call, 4, x.dtype));
        values.iter_mut().for_each(|value| *value = value.max(lower).min(upper));
    }
    for (index, bound) in [(1, f64::max as fn(f64, f64) -> f64), (2, f64::min)] {
        if let (Some(desc), Some(Some(bytes))) = (call.maybe(index), data.get(index)) {
            let (bounds, steps) = (doubles(bytes, desc.dtype), strides(&desc.sizes));
            let mut at = values.iter_mut();
            walk(&x.sizes, [&steps], |[offset]| {
                if let Some(value) = at.next() {
                    *value = bound(*value, bounds[offset]);
                }
            });
        }
    }
    Ok(vec![Some(from_doubles(&values, x.dtype))])
}

/// alpha, then the mode: ADD 0, SUB 1, RSUB 2. CMUL and CDIV are not explained by the reference.
fn check_alpha(call: &Call) -> Result<(), String> {
    call.counts(2..=2, 1..=1)?;
    call.sizes_of_params(&[8])?;
    call.no_layouts()?;
    call.float()?;
    need(call.u32(4) <= 2, || format!("mode {} is not computed here", call.u32(4)))?;
    let (a, b, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    for (desc, what) in [(a, "input 0"), (b, "input 1"), (y, "the output")] {
        call.typed(desc, what)?;
    }
    same(&broadcast(&a.sizes, &b.sizes)?, &y.sizes, "broadcast of the inputs and the output")
}

fn run_alpha(call: &Call, data: &Data) -> Results {
    let (a, b, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    let (left, right) =
        (floats(data[0].unwrap_or_default(), a.dtype), floats(data[1].unwrap_or_default(), b.dtype));
    let alpha = call.f32(0);
    let mode = call.u32(4);
    let mut values = Vec::with_capacity(y.elements() as usize);
    walk(&y.sizes, [&strides(&a.sizes), &strides(&b.sizes)], |[i, j]| {
        values.push(match mode {
            0 => left[i] + alpha * right[j],
            1 => left[i] - alpha * right[j],
            _ => right[j] - alpha * left[i],
        });
    });
    Ok(vec![Some(from_floats(&values, y.dtype))])
}

//! Row "RoPE" of the reference: rotary_pos_embedding.

use super::lanes::{floats, from_floats};
use super::support::{need, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[typed!("rotary_pos_embedding_fwd", check, run)];

/// Pairs are halves of the first dimension (BLOCKWISE, 0) or neighbours (PAIRWISE, 1).
const PAIRWISE: u32 = 1;

fn check(call: &Call) -> Result<(), String> {
    call.counts(3..=4, 1..=1)?;
    call.sizes_of_params(&[8])?;
    call.no_layouts()?;
    call.float()?;
    need(call.maybe(3).is_none(), || "position ids are not computed here".into())?;
    // What an offset counts is not said.
    need(call.u32(0) == 0, || "an offset other than 0 is not computed here".into())?;
    need(call.u32(4) <= PAIRWISE, || format!("mode {}", call.u32(4)))?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")?;
    need(x.sizes[0] % 2 == 0, || format!("a first dimension of {}, pairs are turned", x.sizes[0]))?;
    let (sin, cos) = (call.input(1)?, call.input(2)?);
    same(&sin.sizes, &cos.sizes, "sin and cos")?;
    for table in [sin, cos] {
        need(table.dtype == x.dtype || table.dtype == DataType::F32, || {
            "sin or cos has another type".into()
        })?;
        need(table.sizes[0] == x.sizes[0], || "sin and cos span the first dimension".into())?;
        same(&super::elementwise::broadcast(&x.sizes, &table.sizes)?, &x.sizes, "the input and sin")?;
    }
    Ok(())
}

fn run(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let load = |index: usize| -> Result<Vec<f32>, String> {
        Ok(floats(data[index].unwrap_or_default(), call.input(index)?.dtype))
    };
    let (values, sin, cos) = (load(0)?, load(1)?, load(2)?);
    let width = x.sizes[0] as usize;
    let steps = strides(&call.input(1)?.sizes);
    let mut out = Vec::with_capacity(values.len());
    let mut rows = values.chunks_exact(width);
    walk(&x.sizes[1..], [&steps[1..]], |[table]| {
        let Some(row) = rows.next() else { return };
        for at in 0..width {
            let turned = if call.u32(4) == PAIRWISE {
                if at % 2 == 0 { -row[at + 1] } else { row[at - 1] }
            } else if at < width / 2 {
                -row[at + width / 2]
            } else {
                row[at - width / 2]
            };
            out.push(row[at] * cos[table + at] + turned * sin[table + at]);
        }
    });
    Ok(vec![Some(from_floats(&out, x.dtype))])
}

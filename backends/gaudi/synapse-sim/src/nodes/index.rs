//! Row "gather" of the reference.

use super::support::{is, need, same, typed};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[typed!("gather_fwd", check_gather, run_gather)];

fn axis(call: &Call) -> Result<usize, String> {
    call.sizes_of_params(&[4, 8])?;
    need(call.params.len() == 4 || call.u32(4) == 0, || "batched gathers are not computed here".into())?;
    let (axis, rank) = (call.i32(0), call.input(0)?.rank());
    usize::try_from(axis)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("axis {axis} of {rank} dimensions"))
}

fn check_gather(call: &Call) -> Result<(), String> {
    call.counts(2..=2, 1..=1)?;
    call.no_layouts()?;
    let (x, index, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    is(index, DataType::I32, "the indices")?;
    let axis = axis(call)?;
    let mut sizes = x.sizes[..axis].to_vec();
    sizes.extend(&index.sizes);
    sizes.extend(&x.sizes[axis + 1..]);
    same(&sizes, &y.sizes, "gathered input and output")
}

/// An index outside is a failure of the launch: what the device would read there is not defined.
fn run_gather(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let axis = axis(call)?;
    let run = x.sizes[..axis].iter().product::<u64>() as usize * x.dtype.size() as usize;
    let rows = x.sizes[axis] as usize;
    let (table, indices) = (data[0].unwrap_or_default(), data[1].unwrap_or_default());
    let mut out = Vec::with_capacity(y.bytes() as usize);
    for block in table.chunks_exact(run * rows) {
        for &index in indices.as_chunks::<4>().0 {
            let index = i32::from_le_bytes(index);
            let row = usize::try_from(index).ok().filter(|&row| row < rows);
            let at = row.ok_or_else(|| format!("index {index} of {rows}"))? * run;
            out.extend_from_slice(&block[at..at + run]);
        }
    }
    Ok(vec![Some(out)])
}

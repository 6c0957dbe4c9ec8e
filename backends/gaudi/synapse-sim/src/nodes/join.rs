//! Rows "concat" and "split" of the reference.

use super::logical::gather;
use super::support::{is, moving, need, same, strides};
use super::{Call, Data, Kind, Results};

pub const KINDS: &[Kind] =
    &[moving!("concat", check_concat, run_concat), moving!("split", check_split, run_split)];

fn axis(call: &Call, rank: usize) -> Result<usize, String> {
    call.sizes_of_params(&[4])?;
    let axis = call.u32(0) as usize;
    need(axis < rank, || format!("axis {axis} of {rank} dimensions"))?;
    Ok(axis)
}

/// The parts along an axis must add up to the whole, and agree in all else.
fn parts(call: &Call, whole: &super::Desc, parts: &[Option<super::Desc>]) -> Result<usize, String> {
    call.no_layouts()?;
    let axis = axis(call, whole.rank())?;
    let mut sum = 0;
    for part in parts {
        let part = part.as_ref().ok_or("a part is missing")?;
        is(part, whole.dtype, "a part")?;
        need(part.rank() == whole.rank(), || format!("{:?} in {:?}", part.sizes, whole.sizes))?;
        let mut sizes = part.sizes.clone();
        sum += sizes[axis];
        sizes[axis] = whole.sizes[axis];
        same(&sizes, &whole.sizes, "a part and the whole")?;
    }
    need(sum == whole.sizes[axis], || {
        format!("the parts have {sum} of {} along axis {axis}", whole.sizes[axis])
    })?;
    Ok(axis)
}

fn check_concat(call: &Call) -> Result<(), String> {
    call.counts(1..=usize::MAX, 1..=1)?;
    parts(call, call.output(0)?, call.inputs).map(drop)
}

fn run_concat(call: &Call, data: &Data) -> Results {
    let y = call.output(0)?;
    let axis = axis(call, y.rank())?;
    let outer: usize = y.sizes[axis + 1..].iter().product::<u64>() as usize;
    let mut out = Vec::with_capacity(y.bytes() as usize);
    for at in 0..outer {
        for part in data.iter().flatten() {
            let run = part.len() / outer;
            out.extend_from_slice(&part[at * run..(at + 1) * run]);
        }
    }
    Ok(vec![Some(out)])
}

fn check_split(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=usize::MAX)?;
    parts(call, call.input(0)?, call.outputs).map(drop)
}

fn run_split(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let axis = axis(call, x.rank())?;
    let steps = strides(&x.sizes);
    let mut begin = 0;
    let below: u64 = x.sizes[..axis].iter().product();
    let mut results = Vec::new();
    for part in call.outputs.iter().flatten() {
        let bytes = gather(data[0].unwrap_or_default(), x.dtype.size() as usize, &part.sizes, &steps, begin);
        results.push(Some(bytes));
        begin += (part.sizes[axis] * below) as usize;
    }
    Ok(results)
}

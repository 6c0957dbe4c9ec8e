//! Parts of a tensor: rows "slice", "slice_axis", "slice_insert", "strided_view / insert" of the reference, and pad.

use super::logical::gather;
use super::support::{is, moving, need, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};
use crate::abi::DIM_MAX;

pub const KINDS: &[Kind] = &[
    moving!("slice", check_slice, run_slice),
    moving!("slice_axis", check_slice, run_slice),
    moving!("slice_insert", check_insert, run_insert),
    moving!("strided_view", check_view, run_view),
    moving!("strided_insert", check_view_insert, run_view_insert),
    // The structure is in the reference, the name is a guess.
    typed!("pad_fwd", check_pad, run_pad),
];

/// What is cut out: first element and step of each dimension, and the sizes that gives.
struct Cut {
    starts: Vec<u64>,
    steps: Vec<u64>,
    sizes: Vec<u64>,
}

fn cut(call: &Call, whole: &[u64]) -> Result<Cut, String> {
    let mut cut = Cut { starts: vec![0; whole.len()], steps: vec![1; whole.len()], sizes: whole.to_vec() };
    let mut seen = vec![false; whole.len()];
    for (axis, [start, end, step]) in ranges(call, whole.len())? {
        let axis = axis as usize;
        need(axis < whole.len(), || format!("axis {axis} of {whole:?}"))?;
        // Lists shorter than the structure repeat axis 0 with nothing; only a real second entry is refused.
        if seen[axis] || step == 0 && start == 0 && end == 0 {
            need(step == 0 && start == 0 && end == 0, || format!("axis {axis} is cut twice"))?;
            continue;
        }
        seen[axis] = true;
        need(start <= end && end <= whole[axis] && step >= 1, || {
            format!("{start}..{end} by {step} of {} along axis {axis}", whole[axis])
        })?;
        cut.starts[axis] = start;
        cut.steps[axis] = step;
        cut.sizes[axis] = (end - start).div_ceil(step);
    }
    Ok(cut)
}

/// Axis with start, end and step, from any of the structures.
fn ranges(call: &Call, rank: usize) -> Result<Vec<(u32, [u64; 3])>, String> {
    if call.base == "slice_axis" {
        call.sizes_of_params(&[12, 24])?;
        return Ok(vec![if call.params.len() == 12 {
            (call.u32(0), [u64::from(call.u32(4)), u64::from(call.u32(8)), 1])
        } else {
            (call.u32(0), [call.u64(8), call.u64(16), 1])
        }]);
    }
    call.sizes_of_params(&[80, 400, 704])?;
    let entry = |at: usize| match call.params.len() {
        704 => (call.u32(4 * at), [104, 304, 504].map(|list| call.u64(list + 8 * at))),
        size => {
            let room = size / 16;
            (call.u32(4 * at), [1, 2, 3].map(|list| u64::from(call.u32(4 * (list * room + at)))))
        }
    };
    let room = if call.params.len() == 80 { 5 } else { DIM_MAX };
    Ok((0..rank.min(room)).map(entry).collect())
}

fn check_slice(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.no_layouts()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    is(y, x.dtype, "the output")?;
    same(&cut(call, &x.sizes)?.sizes, &y.sizes, "the cut and the output")
}

/// Steps in elements and the first element of a cut.
fn places(cut: &Cut, whole: &[u64]) -> (Vec<usize>, usize) {
    let dense = strides(whole);
    let begin = cut.starts.iter().zip(&dense).map(|(&start, step)| start as usize * step).sum();
    (cut.steps.iter().zip(&dense).map(|(&step, dense)| step as usize * dense).collect(), begin)
}

fn run_slice(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let cut = cut(call, &x.sizes)?;
    let (steps, begin) = places(&cut, &x.sizes);
    Ok(vec![Some(gather(data[0].unwrap_or_default(), x.dtype.size() as usize, &cut.sizes, &steps, begin))])
}

fn check_insert(call: &Call) -> Result<(), String> {
    call.counts(2..=2, 1..=1)?;
    call.no_layouts()?;
    let (x, part, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    is(part, x.dtype, "input 1")?;
    is(y, x.dtype, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")?;
    same(&cut(call, &x.sizes)?.sizes, &part.sizes, "the cut and what is inserted")
}

/// Puts the elements of `part`, in order, where `steps` and `begin` say.
fn scatter(out: &mut [u8], part: &[u8], size: usize, sizes: &[u64], steps: &[usize], begin: usize) {
    let mut pieces = part.chunks_exact(size);
    walk(sizes, [steps], |[offset]| {
        if let Some(piece) = pieces.next() {
            let at = (begin + offset) * size;
            out[at..at + size].copy_from_slice(piece);
        }
    });
}

fn run_insert(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let cut = cut(call, &x.sizes)?;
    let (steps, begin) = places(&cut, &x.sizes);
    let mut out = data[0].unwrap_or_default().to_vec();
    scatter(&mut out, data[1].unwrap_or_default(), x.dtype.size() as usize, &cut.sizes, &steps, begin);
    Ok(vec![Some(out)])
}

/// Base and strides of a view, in elements, which must stay inside `elements`.
fn view(call: &Call, sizes: &[u64], elements: u64) -> Result<(Vec<usize>, usize), String> {
    call.sizes_of_params(&[208])?;
    let base = call.u64(0);
    let steps: Vec<u64> = (0..sizes.len()).map(|dim| call.u64(8 + 8 * dim)).collect();
    let reach = sizes
        .iter()
        .zip(&steps)
        .try_fold(base, |sum, (&size, &step)| sum.checked_add((size - 1).checked_mul(step)?));
    need(reach.is_some_and(|last| last < elements), || {
        format!("a view {sizes:?} by {steps:?} from {base} of {elements}")
    })?;
    Ok((steps.into_iter().map(|step| step as usize).collect(), base as usize))
}

fn check_view(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.no_layouts()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    is(y, x.dtype, "the output")?;
    view(call, &y.sizes, x.elements()).map(drop)
}

fn run_view(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let (steps, begin) = view(call, &y.sizes, x.elements())?;
    Ok(vec![Some(gather(data[0].unwrap_or_default(), x.dtype.size() as usize, &y.sizes, &steps, begin))])
}

fn check_view_insert(call: &Call) -> Result<(), String> {
    call.counts(2..=2, 1..=1)?;
    call.no_layouts()?;
    let (x, part, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    is(part, x.dtype, "input 1")?;
    is(y, x.dtype, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")?;
    view(call, &part.sizes, x.elements()).map(drop)
}

fn run_view_insert(call: &Call, data: &Data) -> Results {
    let (x, part) = (call.input(0)?, call.input(1)?);
    let (steps, begin) = view(call, &part.sizes, x.elements())?;
    let mut out = data[0].unwrap_or_default().to_vec();
    scatter(&mut out, data[1].unwrap_or_default(), x.dtype.size() as usize, &part.sizes, &steps, begin);
    Ok(vec![Some(out)])
}

/// Elements before each dimension; those after come five further (how the list is divided is a guess).
fn check_pad(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[44])?;
    call.no_layouts()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    let pad = |dim: usize| u64::from(call.u32(4 + 4 * dim)) + u64::from(call.u32(24 + 4 * dim));
    let sizes: Vec<u64> = x.sizes.iter().enumerate().map(|(dim, &size)| size + pad(dim)).collect();
    same(&sizes, &y.sizes, "padded input and output")
}

fn run_pad(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let value = super::pick::value(call, 0, y.dtype);
    let mut out = value.repeat(y.elements() as usize);
    let steps = strides(&y.sizes);
    let begin = (0..x.rank()).map(|dim| call.u32(4 + 4 * dim) as usize * steps[dim]).sum();
    scatter(&mut out, data[0].unwrap_or_default(), x.dtype.size() as usize, &x.sizes, &steps, begin);
    Ok(vec![Some(out)])
}

//! Data moved as it is: rows "transpose", "reshape / view", "expand_dims/squeeze/flatten",
//! "broadcast", "identity/memcpy", "memset", "reinterpret_cast" of the reference.

use super::support::{is, moving, need, same, strides, walk};
use super::{Call, Data, Kind, Results};

pub const KINDS: &[Kind] = &[
    moving!("transpose", check_transpose, run_transpose),
    moving!("reshape", check_reshape, run_copy),
    moving!("expand_dims", check_expand, run_copy),
    moving!("squeeze", check_squeeze, run_copy),
    moving!("flatten", check_flatten, run_copy),
    moving!("identity", check_copy, run_copy),
    moving!("memcpy", check_copy, run_copy),
    moving!("memset", check_memset, run_memset),
    moving!("reinterpret_cast", check_reinterpret, run_copy),
    moving!("broadcast", check_broadcast, run_broadcast),
];

/// Input and output of one type, no layouts.
fn one_to_one(call: &Call) -> Result<(), String> {
    call.no_layouts()?;
    is(call.output(0)?, call.input(0)?.dtype, "the output")
}

fn run_copy(_: &Call, data: &Data) -> Results {
    Ok(vec![data[0].map(<[u8]>::to_vec)])
}

fn check_copy(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[0])?;
    one_to_one(call)?;
    same(&call.input(0)?.sizes, &call.output(0)?.sizes, "input and output")
}

fn elements(call: &Call) -> Result<(), String> {
    one_to_one(call)?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    need(x.elements() == y.elements(), || {
        format!("{:?} and {:?} hold different numbers of elements", x.sizes, y.sizes)
    })
}

fn check_reshape(call: &Call) -> Result<(), String> {
    // The shape tensor is for dynamic shapes only.
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[0])?;
    elements(call)
}

fn check_expand(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[4])?;
    one_to_one(call)?;
    let (mut sizes, axis) = (call.input(0)?.sizes.clone(), call.u32(0) as usize);
    need(axis <= sizes.len(), || format!("axis {axis} of {sizes:?}"))?;
    sizes.insert(axis, 1);
    same(&sizes, &call.output(0)?.sizes, "expanded input and output")
}

fn check_squeeze(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[0, 4])?;
    one_to_one(call)?;
    let mut sizes = call.input(0)?.sizes.clone();
    if call.params.is_empty() {
        sizes.retain(|&size| size != 1);
    } else {
        let axis = call.u32(0) as usize;
        need(sizes.get(axis) == Some(&1), || format!("axis {axis} of {sizes:?} is not of size 1"))?;
        sizes.remove(axis);
    }
    same(&sizes, &call.output(0)?.sizes, "squeezed input and output")
}

fn check_flatten(call: &Call) -> Result<(), String> {
    // The reference does not say how the axis cuts; only that the result has two dimensions is held to.
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[4])?;
    need(call.output(0)?.rank() == 2, || "the output has two dimensions".into())?;
    elements(call)
}

fn check_reinterpret(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[0])?;
    call.no_layouts()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    need(x.sizes[1..] == y.sizes[1..] && x.bytes() == y.bytes(), || {
        format!("{:?} and {:?}: the first size goes with the elements' size", x.sizes, y.sizes)
    })
}

fn check_memset(call: &Call) -> Result<(), String> {
    call.counts(0..=0, 1..=1)?;
    call.sizes_of_params(&[0])?;
    call.output(0).map(drop)
}

fn run_memset(call: &Call, _: &Data) -> Results {
    Ok(vec![Some(vec![0; call.output(0)?.bytes() as usize])])
}

/// The permutation of either structure: out.sizes[i] = in.sizes[permutation[i]] (section 6).
fn permutation(call: &Call) -> Result<Vec<usize>, String> {
    call.sizes_of_params(&[24, 104])?;
    let rank = call.input(0)?.rank();
    let (first, dims) = if call.params.len() == 24 { (0, call.u32(20)) } else { (4, call.u32(0)) };
    need(dims as usize == rank, || format!("a permutation of {dims} dimensions for {rank}"))?;
    need(call.params.len() == 104 || rank <= 5, || "synTransposeParams has five dimensions".into())?;
    let order: Vec<usize> = (0..rank).map(|dim| call.u32(first + 4 * dim) as usize).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    need(sorted.iter().copied().eq(0..rank), || format!("{order:?} is no permutation"))?;
    Ok(order)
}

fn check_transpose(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    one_to_one(call)?;
    let x = call.input(0)?;
    let sizes: Vec<u64> = permutation(call)?.iter().map(|&dim| x.sizes[dim]).collect();
    same(&sizes, &call.output(0)?.sizes, "permuted input and output")
}

fn run_transpose(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let steps = strides(&x.sizes);
    let steps: Vec<usize> = permutation(call)?.iter().map(|&dim| steps[dim]).collect();
    Ok(vec![Some(gather(data[0].unwrap_or_default(), x.dtype.size() as usize, &y.sizes, &steps, 0))])
}

/// Elements of `data` in the order of `sizes`, `steps` elements apart, from element `begin` on.
pub fn gather(data: &[u8], size: usize, sizes: &[u64], steps: &[usize], begin: usize) -> Vec<u8> {
    // As long as the first dimensions are dense they are moved in one piece.
    let mut run = 1;
    let mut dense = 0;
    while dense < sizes.len() && (steps[dense] == run || sizes[dense] == 1) {
        run *= sizes[dense] as usize;
        dense += 1;
    }
    let mut out = Vec::with_capacity(sizes.iter().product::<u64>() as usize * size);
    walk(&sizes[dense..], [&steps[dense..]], |[offset]| {
        let at = (begin + offset) * size;
        out.extend_from_slice(&data[at..at + run * size]);
    });
    out
}

fn check_broadcast(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[0])?;
    one_to_one(call)?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    same(&super::elementwise::broadcast(&x.sizes, &y.sizes)?, &y.sizes, "broadcast input and output")
}

fn run_broadcast(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    Ok(vec![Some(gather(
        data[0].unwrap_or_default(),
        x.dtype.size() as usize,
        &y.sizes,
        &strides(&x.sizes),
        0,
    ))])
}

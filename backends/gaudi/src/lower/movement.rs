//! What moves elements without changing them.

use super::builder::{Builder, Laid, around, flat};
use crate::graph::{MAX_OPERANDS, MAX_RANK, Params, TensorId};
use tintype_program::{DType, PadMode, TensorType};

pub(super) fn slice(
    b: &mut Builder,
    [starts, ends, steps]: [&Vec<usize>; 3],
    x: &Laid,
    ty: &TensorType,
) -> Result<Laid, String> {
    let mut shape = ty.shape.clone();
    let mut id = b.read(x, &flat(&shape), ty.dtype)?;
    let cut = |axis: usize, extent| starts[axis] > 0 || ends[axis] < extent || steps[axis] > 1;
    for axis in 0..shape.len() {
        if cut(axis, shape[axis]) {
            let three = around(&shape, axis);
            id = b.reshape(id, &three);
            id = range(b, id, three, starts[axis], ends[axis], steps[axis], ty.dtype);
            shape[axis] = b.shape(id)[1];
        }
    }
    Ok(Laid::Tensor(id))
}

/// A range of the middle axis of three.
fn range(
    b: &mut Builder,
    id: TensorId,
    [outer, _, inner]: [usize; 3],
    start: usize,
    end: usize,
    step: usize,
    dtype: DType,
) -> TensorId {
    let step = step.min(end - start).max(1);
    let taken = (end - start).div_ceil(step);
    let params =
        Params::slice(&[0, start as u64, 0], &[inner as u64, end as u64, outer as u64], &[1, step as u64, 1]);
    b.node("slice", &[id], dtype, &[outer, taken, inner], params)
}

pub(super) fn concat(
    b: &mut Builder,
    axis: usize,
    x: &[Laid],
    types: &[TensorType],
    to: &TensorType,
) -> Result<Laid, String> {
    let mut parts = Vec::new();
    for (x, ty) in x.iter().zip(types).filter(|(_, ty)| ty.elements() > 0) {
        parts.push(b.read(x, &around(&ty.shape, axis), ty.dtype)?);
    }
    Ok(Laid::Tensor(join(b, &parts, around(&to.shape, axis), to.dtype)))
}

/// Tensors of three axes joined along the middle one: some at a time, then what came of these, where there are more than one
/// node takes.
fn join(b: &mut Builder, parts: &[TensorId], to: [usize; 3], dtype: DType) -> TensorId {
    match parts {
        [only] => *only,
        parts if parts.len() <= MAX_OPERANDS => b.node("concat", parts, dtype, &to, Params::axis(1)),
        parts => {
            let extent = |b: &Builder, id: &TensorId| b.graph.tensors[id.0].shape[1];
            let joined = parts.chunks(MAX_OPERANDS).map(|some| {
                let along = some.iter().map(|id| extent(b, id)).sum();
                join(b, some, [to[0], along, to[2]], dtype)
            });
            let joined: Vec<_> = joined.collect();
            join(b, &joined, to, dtype)
        }
    }
}

pub(super) fn pad(
    b: &mut Builder,
    before: &[usize],
    after: &[usize],
    mode: PadMode,
    x: &Laid,
    ty: &TensorType,
) -> Result<Laid, String> {
    if ty.elements() == 0 {
        let to: Vec<usize> = (0..ty.rank()).map(|i| before[i] + ty.shape[i] + after[i]).collect();
        return Ok(Laid::Tensor(b.zeros(ty.dtype, &flat(&to))));
    }
    let mut shape = ty.shape.clone();
    let mut id = b.read(x, &flat(&shape), ty.dtype)?;
    for axis in 0..shape.len() {
        let (first, last) = (before[axis], after[axis]);
        if first == 0 && last == 0 {
            continue;
        }
        let three @ [outer, extent, inner] = around(&shape, axis);
        id = b.reshape(id, &three);
        let rim = |b: &mut Builder, extra: usize, at: usize| {
            let edge = [outer, extra, inner];
            match mode {
                PadMode::Zero => b.zeros(ty.dtype, &edge),
                PadMode::Replicate => {
                    let one = range(b, id, three, at, at + 1, 1, ty.dtype);
                    if extra == 1 {
                        one
                    } else {
                        b.node("broadcast", &[one], ty.dtype, &edge, Params::default())
                    }
                }
            }
        };
        let mut parts = Vec::new();
        if first > 0 {
            parts.push(rim(b, first, 0));
        }
        parts.push(id);
        if last > 0 {
            parts.push(rim(b, last, extent - 1));
        }
        shape[axis] += first + last;
        id = join(b, &parts, [outer, shape[axis], inner], ty.dtype);
    }
    Ok(Laid::Tensor(id))
}

/// Nothing is repeated until a node needs it so.
pub(super) fn broadcast(b: &mut Builder, x: &Laid, ty: &TensorType, to: &TensorType) -> Result<Laid, String> {
    let aligned = |shape: &[usize]| {
        let outer = to.rank().saturating_sub(shape.len());
        std::iter::repeat_n(1, outer).chain(shape.iter().copied()).collect::<Vec<usize>>()
    };
    if ty.elements() == to.elements() {
        return b.read(x, &flat(&ty.shape), ty.dtype).map(Laid::Tensor);
    }
    let (id, small) = match x {
        Laid::Repeated { id, small, to } if *to == ty.shape => (*id, aligned(small)),
        _ => (b.read(x, &flat(&ty.shape), ty.dtype)?, aligned(&ty.shape)),
    };
    // What is not known to fit a tensor's axes is repeated at once.
    if small.len() > MAX_RANK || small.is_empty() {
        return repeat(b, id, &small, &to.shape, ty.dtype).map(Laid::Tensor);
    }
    let whole = repeated_shape(&small, &to.shape);
    Ok(if whole {
        Laid::Repeated { id, small, to: to.shape.clone() }
    } else {
        Laid::Tensor(repeat(b, id, &small, &to.shape, ty.dtype)?)
    })
}

fn repeated_shape(small: &[usize], to: &[usize]) -> bool {
    small.len() == to.len() && small.iter().zip(to).all(|(&had, &has)| had == has || had == 1)
}

/// A tensor repeated to a shape, axes that go together as one; as many axes at a time as a node takes.
pub(super) fn repeat(
    b: &mut Builder,
    id: TensorId,
    small: &[usize],
    to: &[usize],
    dtype: DType,
) -> Result<TensorId, String> {
    if !repeated_shape(small, to) {
        return Err(format!("{small:?} does not repeat to {to:?}"));
    }
    let mut shape = small.to_vec();
    let mut id = id;
    for axis in (0..to.len()).filter(|&axis| small[axis] != to[axis]) {
        let three @ [outer, _, inner] = around(&shape, axis);
        id = b.reshape(id, &three);
        id = b.node("broadcast", &[id], dtype, &[outer, to[axis], inner], Params::default());
        shape[axis] = to[axis];
    }
    Ok(b.reshape(id, &flat(to)))
}

/// The node does not say what an index outside the axis does, so indices are clamped first.
pub(super) fn gather(b: &mut Builder, axis: usize, x: &[Laid], types: &[TensorType]) -> Result<Laid, String> {
    let (table, indices) = (&types[0], &types[1]);
    let three @ [outer, extent, inner] = around(&table.shape, axis);
    let count = indices.elements();
    let id = b.read(&x[0], &three, table.dtype)?;
    let picked = b.read(&x[1], &[count], DType::I32)?;
    let number = |b: &mut Builder, value: usize| {
        b.typed("constant", &[], DType::I32, &[1], Params::integer(value as i32))
    };
    let (least, most) = (number(b, 0), number(b, extent - 1));
    let picked = b.typed("max_fwd", &[picked, least], DType::I32, &[count], Params::default());
    let picked = b.typed("min_fwd", &[picked, most], DType::I32, &[count], Params::default());
    let to = [outer, count, inner];
    Ok(Laid::Tensor(b.typed("gather_fwd", &[id, picked], table.dtype, &to, Params::axis(1))))
}

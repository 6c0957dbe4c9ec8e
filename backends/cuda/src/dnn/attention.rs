//! Attention as a graph: one operation where there is no mask, the operations that it is made of where there is one.
//!
//! An additive mask may hold minus infinity. A row that is minus infinity throughout has no softmax; what cuDNN's kernels
//! give for it is not promised.

use super::graph::Graph;
use super::table::Table;
use super::tensor::{ALIGNMENT, FLOAT, Place, Shape, Tensor};
use super::values::{data, pointwise, reduction};
use std::sync::Arc;
use tintype_gpu::Attention;
use tintype_program::DType;

/// The first version that takes attention in one operation.
const UNIFIED: usize = 91_301;
/// Versions whose attention NVIDIA's own frontend refuses.
const BROKEN: std::ops::RangeInclusive<usize> = 91_000..=91_001;
/// Elements of a head that any kernel takes.
const DEPTH: usize = 512;

/// Builds the graph of an attention for a version of the library, or says why it does not take it.
pub(super) fn graph(table: &Arc<Table>, op: &Attention, version: usize) -> Result<Graph, String> {
    check(op, version)?;
    let Attention { batch, heads, queries, keys, depth, value_depth, .. } = *op;
    let dtype = data(op.dtype)?;
    let mut graph = Graph::new(table);
    let tensor = |graph: &mut Graph, number, extents: [usize; 2], strides: [usize; 3]| {
        let [a, b, c] = strides;
        let shape = Shape { extents: [batch, heads, extents[0], extents[1]], strides: [a, b, c, 1] };
        graph.tensor(tidy(shape), dtype, Place::Address(number))
    };
    let q = tensor(&mut graph, 0, [queries, depth], op.q)?;
    let v = tensor(&mut graph, 2, [keys, value_depth], op.v)?;
    let o = tensor(&mut graph, if op.mask.is_some() { 4 } else { 3 }, [queries, value_depth], op.o)?;
    let scale = graph.tensor(Shape::packed([1; 4]), FLOAT, Place::Host)?;
    if op.mask.is_none() && version >= UNIFIED {
        let k = tensor(&mut graph, 1, [keys, depth], op.k)?;
        graph.attention([q, k, v, o], scale)?;
        return Ok(graph);
    }
    let mut k = tidy(Shape { extents: [batch, heads, keys, depth], strides: [op.k[0], op.k[1], op.k[2], 1] });
    k.extents.swap(2, 3);
    k.strides.swap(2, 3);
    let k = graph.tensor(k, dtype, Place::Address(1))?;
    let mask = match op.mask {
        None => None,
        Some(mask) => {
            let mut shape = Shape { extents: [batch, heads, queries, keys], strides: mask.strides };
            for (extent, stride) in shape.extents.iter_mut().zip(mask.strides) {
                *extent = if stride == 0 { 1 } else { *extent };
            }
            Some(graph.tensor(tidy(shape), data(mask.dtype)?, Place::Address(3))?)
        }
    };
    let scores = [batch, heads, queries, keys];
    softmax(&mut graph, [q, k, v, o], scale, mask, scores, dtype)?;
    Ok(graph)
}

/// The operations, in the order in which cuDNN knows them for attention.
fn softmax(
    graph: &mut Graph,
    [q, k, v, o]: [Tensor; 4],
    scale: Tensor,
    mask: Option<Tensor>,
    scores: [usize; 4],
    dtype: i32,
) -> Result<(), String> {
    let row = [scores[0], scores[1], scores[2], 1];
    let product = graph.inside(scores)?;
    let mut s = graph.matmul(q, k, product)?;
    for (mode, other) in [(pointwise::MULTIPLY, Some(scale)), (pointwise::ADD, mask)] {
        if other.is_some() {
            let y = graph.inside(scores)?;
            s = graph.pointwise(mode, s, other, y)?;
        }
    }
    let y = graph.inside(row)?;
    let most = graph.reduce(reduction::MAXIMUM, s, y)?;
    let y = graph.inside(scores)?;
    let shifted = graph.pointwise(pointwise::SUBTRACT, s, Some(most), y)?;
    let y = graph.inside(scores)?;
    let exponential = graph.pointwise(pointwise::EXP, shifted, None, y)?;
    let y = graph.inside(row)?;
    let sum = graph.reduce(reduction::SUM, exponential, y)?;
    // Nobody reads these two. Without them the engines do not see an attention.
    let y = graph.inside(row)?;
    let logarithm = graph.pointwise(pointwise::LOG, sum, None, y)?;
    let y = graph.inside(row)?;
    graph.pointwise(pointwise::ADD, most, Some(logarithm), y)?;
    let y = graph.tensor(Shape::packed(scores), dtype, Place::Virtual)?;
    let p = graph.pointwise(pointwise::DIVIDE, exponential, Some(sum), y)?;
    graph.matmul(p, v, o)?;
    Ok(())
}

/// Refuses what no engine takes, or what would be taken and read wrongly.
fn check(op: &Attention, version: usize) -> Result<(), String> {
    let Attention { batch, heads, queries, keys, depth, value_depth, .. } = *op;
    if !matches!(op.dtype, DType::Bf16 | DType::F16) {
        return Err(format!("cuDNN has attention for bf16 and f16, not for {}", op.dtype));
    }
    if [batch, heads, queries, keys, depth, value_depth].contains(&0) {
        return Err("cuDNN takes no empty attention".into());
    }
    if BROKEN.contains(&version) {
        return Err(format!("attention is broken in cuDNN {}", crate::table::version(version)));
    }
    if depth % 8 != 0 || value_depth % 8 != 0 || depth.max(value_depth) > DEPTH {
        return Err(format!(
            "cuDNN takes heads of up to {DEPTH} in steps of 8, not {depth} and {value_depth}"
        ));
    }
    let vector = ALIGNMENT as usize / op.dtype.size();
    for (name, strides, rows) in
        [("q", op.q, queries), ("k", op.k, keys), ("v", op.v, keys), ("o", op.o, queries)]
    {
        for (extent, stride) in [batch, heads, rows].into_iter().zip(strides) {
            if extent > 1 && stride % vector != 0 {
                return Err(format!(
                    "`{name}` has a stride of {stride}: cuDNN reads {vector} elements at once"
                ));
            }
            if extent > 1 && stride == 0 {
                return Err(format!("`{name}` repeats along an axis"));
            }
        }
    }
    match op.mask {
        Some(mask) if !mask.dtype.is_float() => {
            Err(format!("cuDNN adds masks of numbers, not of {}", mask.dtype))
        }
        Some(mask) if keys > 1 && mask.strides[3] != 1 => {
            Err("cuDNN takes masks whose innermost stride is 1".into())
        }
        _ => Ok(()),
    }
}

/// Gives axes of one element the stride that they would have in row-major order: what lies there is never reached, and
/// the library looks at it all the same.
fn tidy(mut shape: Shape) -> Shape {
    if shape.extents[3] == 1 {
        shape.strides[3] = 1;
    }
    for axis in (0..3).rev() {
        if shape.extents[axis] == 1 {
            shape.strides[axis] = shape.extents[axis + 1] * shape.strides[axis + 1];
        }
    }
    shape
}

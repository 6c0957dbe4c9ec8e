//! Sums, means and maxima.

use super::builder::{Builder, Laid};
use crate::graph::Params;
use tintype_program::{DType, Reduce, TensorType};

/// In f32, one run of neighbouring axes after the other, each as the middle one of three.
pub(super) fn reduce(
    b: &mut Builder,
    function: Reduce,
    axes: &[usize],
    x: &Laid,
    ty: &TensorType,
) -> Result<Laid, String> {
    let name = match function {
        Reduce::Sum => "reduce_sum_fwd",
        Reduce::Mean => "reduce_mean_fwd",
        Reduce::Max => "reduce_max_fwd",
    };
    let mut shape = ty.shape.clone();
    let reduced: usize = axes.iter().map(|&axis| shape[axis]).product();
    if reduced == 0 {
        return nothing(b, function, axes, ty);
    }
    let wide = if ty.dtype.is_float() { DType::F32 } else { ty.dtype };
    let mut id = b.read(x, &super::builder::flat(&shape), ty.dtype)?;
    id = b.cast(id, ty.dtype, wide);
    let mut axes = axes.to_vec();
    while let Some(last) = axes.pop() {
        let mut first = last;
        while axes.last().is_some_and(|&axis| axis + 1 == first) {
            first = axes.pop().unwrap_or(first);
        }
        let outer: usize = shape[..first].iter().product();
        let run: usize = shape[first..=last].iter().product();
        let inner: usize = shape[last + 1..].iter().product();
        let (whole, one) = ([outer, run, inner], [outer, 1, inner]);
        let x = b.reshape(id, &whole);
        id = b.typed(name, &[x], wide, &one, Params::axis(1));
        if function == Reduce::Max && wide.is_float() {
            // Where one element is NaN, the sum of their tangents is.
            let bounded = b.typed("tanh_fwd", &[x], wide, &whole, Params::default());
            let sum = b.typed("reduce_sum_fwd", &[bounded], wide, &one, Params::axis(1));
            id = super::elementwise::keep_nan(b, id, &[sum], wide);
        }
        shape[first..=last].fill(1);
    }
    Ok(Laid::Tensor(b.cast(id, wide, ty.dtype)))
}

/// Of no elements: the sum is 0, the mean no number.
fn nothing(b: &mut Builder, function: Reduce, axes: &[usize], ty: &TensorType) -> Result<Laid, String> {
    let mut shape = ty.shape.clone();
    axes.iter().for_each(|&axis| shape[axis] = 1);
    let shape = super::builder::flat(&shape);
    match function {
        Reduce::Sum => Ok(Laid::Tensor(b.zeros(ty.dtype, &shape))),
        Reduce::Mean | Reduce::Max => Err("it reduces a tensor without elements".into()),
    }
}

//! Products, linear layers, convolutions and attention.

use super::{Made, encoded, layout, odd, wide};
use crate::context::signed;
use tch::Tensor;
use tintype_program::{Activation, Op, PadMode};

pub(super) fn linear(activation: Activation, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Made {
    match activation {
        Activation::Keep => x.f_linear(weight, bias),
        // The rounded activation and its scales are f32's, whatever the dtype is.
        Activation::DynamicFp8 => {
            let bias = bias.map(wide).transpose()?;
            let rounded = encoded::round_rows_to_e4m3(&wide(x)?)?;
            rounded.f_linear(&wide(weight)?, bias.as_ref())?.f_to_kind(x.f_kind()?)
        }
    }
}

pub(super) fn attention(scale: f64, q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Made {
    let Some(mask) = mask else {
        return Tensor::f_scaled_dot_product_attention(q, k, v, None::<&Tensor>, 0.0, false, scale, false);
    };
    // libtorch's own gives zeros for a query that sees nothing, where NaN is meant.
    let scores = wide(q)?.f_matmul(&wide(k)?.f_transpose(-2, -1)?)?.f_mul_scalar(scale)?;
    let weights = scores.f_add(mask)?.f_softmax(-1, None)?;
    weights.f_matmul(&wide(v)?)?.f_to_kind(q.f_kind()?)
}

/// `op` is [`Op::Convolution`]. As libtorch's own, with tf32 only where it was asked for: by itself it is allowed to cuDNN.
pub(super) fn convolution(op: &Op, tf32: bool, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Made {
    let Op::Convolution { stride, padding, dilation, groups, mode } = op else {
        return Err(odd("a convolution that is none"));
    };
    let even = padding.iter().all(|[before, after]| before == after);
    let inside = even && *mode == PadMode::Zero;
    let (padded, left) = match inside {
        true => (x.f_alias()?, padding.iter().map(|[before, _]| *before).collect()),
        false => {
            let ends = |end: usize| [0, 0].into_iter().chain(padding.iter().map(move |ends| ends[end]));
            let (before, after): (Vec<_>, Vec<_>) = (ends(0).collect(), ends(1).collect());
            (layout::pad(&before, &after, *mode, x)?, vec![0; padding.len()])
        }
    };
    let outputs = vec![0i64; stride.len()];
    let (stride, left, dilation) = (signed(stride), signed(&left), signed(dilation));
    let groups = *groups as i64;
    padded.f_internal_convolution(
        weight, bias, stride, left, dilation, false, outputs, groups, false, false, true, tf32,
    )
}

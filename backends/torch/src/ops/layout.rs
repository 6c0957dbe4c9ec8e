//! Operations that move elements without changing them.

use super::Made;
use crate::context::signed;
use tch::{Kind, Tensor};
use tintype_program::PadMode;

pub(super) fn reshape(shape: &[usize], x: &Tensor) -> Made {
    x.f_reshape(signed(shape))
}

pub(super) fn slice(starts: &[usize], ends: &[usize], steps: &[usize], x: &Tensor) -> Made {
    let mut part = x.f_alias()?;
    for (axis, ((&start, &end), &step)) in starts.iter().zip(ends).zip(steps).enumerate() {
        let extent = x.size().get(axis).copied().unwrap_or_default();
        if (start, end as i64, step) != (0, extent, 1) {
            // A step beyond the axis takes its first element, as would one of its extent.
            let step = step.min(usize::try_from(extent).unwrap_or(1).max(1));
            part = part.f_slice(axis as i64, start as i64, end as i64, step as i64)?;
        }
    }
    Ok(part)
}

pub(super) fn pad(before: &[usize], after: &[usize], mode: PadMode, x: &Tensor) -> Made {
    match mode {
        PadMode::Zero => {
            // libtorch counts axes from the innermost on.
            let ends =
                before.iter().zip(after).rev().flat_map(|(&before, &after)| [before as i64, after as i64]);
            x.f_constant_pad_nd(ends.collect::<Vec<_>>())
        }
        PadMode::Replicate => {
            let mut padded = x.f_alias()?;
            for (axis, (&before, &after)) in before.iter().zip(after).enumerate() {
                if (before, after) != (0, 0) {
                    padded = repeat_edges(&padded, axis, before as i64, after as i64)?;
                }
            }
            Ok(padded)
        }
    }
}

fn repeat_edges(x: &Tensor, axis: usize, before: i64, after: i64) -> Made {
    let extent = x.size().get(axis).copied().unwrap_or_default();
    let indices = Tensor::f_arange_start(-before, extent.saturating_add(after), (Kind::Int64, x.device()))?;
    x.f_index_select(axis as i64, &indices.f_clamp(0, extent - 1)?)
}

/// Entries of `table` along an axis; indices outside are clamped.
pub(super) fn gather(axis: usize, shape: &[usize], table: &Tensor, indices: &Tensor) -> Made {
    let extent = table.size().get(axis).copied().unwrap_or_default();
    let last = (extent - 1).clamp(0, i32::MAX.into());
    let flat = indices.f_reshape([-1i64])?.f_clamp(0, last)?;
    table.f_index_select(axis as i64, &flat)?.f_reshape(signed(shape))
}

/// Nearest neighbours. Written out, since libtorch's own counts in floating point and knows no integers.
pub(super) fn upsample(factors: &[usize], x: &Tensor) -> Made {
    let mut shape = x.size();
    // Each axis is given a second one of the factor's extent, and joined with it.
    let (mut apart, mut repeated) = (shape[..2.min(shape.len())].to_vec(), Vec::new());
    repeated.extend_from_slice(&apart);
    for (extent, &factor) in shape.iter_mut().skip(2).zip(factors) {
        apart.extend([*extent, 1]);
        repeated.extend([*extent, factor as i64]);
        *extent *= factor as i64;
    }
    x.f_reshape(apart)?.f_expand(repeated, false)?.f_reshape(shape)
}

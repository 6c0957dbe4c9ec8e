//! Softmax, normalisation and rotation.

use super::{Made, wide};
use tch::{Device, Kind, Tensor};
use tintype_program::Pairing;

pub(super) fn softmax(axis: usize, x: &Tensor) -> Made {
    // Along any axis but the innermost libtorch rounds on the way, on the CPU.
    match is_host(x) && axis + 1 < x.dim() {
        true => x.f_softmax(axis as i64, Kind::Float)?.f_to_kind(x.f_kind()?),
        false => x.f_softmax(axis as i64, None),
    }
}

pub(super) fn layer_norm(eps: f64, x: &Tensor, affine: &[&Tensor]) -> Made {
    let norm = |x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>| {
        x.f_layer_norm(innermost(x), weight, bias, eps, true)
    };
    if !is_host(x) {
        return norm(x, affine.first().copied(), affine.get(1).copied());
    }
    // On the CPU what is left of equal elements, which is nothing, is not quite nothing in f16 and bf16.
    let affine = affine.iter().map(|tensor| wide(tensor)).collect::<Result<Vec<_>, _>>()?;
    norm(&wide(x)?, affine.first(), affine.get(1))?.f_to_kind(x.f_kind()?)
}

pub(super) fn rms_norm(eps: f64, x: &Tensor, weight: Option<&Tensor>) -> Made {
    if !is_host(x) {
        return x.f_rms_norm(innermost(x), weight, eps);
    }
    // On the CPU libtorch rounds f16 and bf16 before it multiplies by the weight.
    let weight = weight.map(wide).transpose()?;
    wide(x)?.f_rms_norm(innermost(x), weight.as_ref(), eps)?.f_to_kind(x.f_kind()?)
}

pub(super) fn group_norm(groups: usize, eps: f64, x: &Tensor, affine: &[&Tensor]) -> Made {
    let norm = |x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>| {
        x.f_group_norm(groups as i64, weight, bias, eps, true)
    };
    if is_host(x) {
        return norm(x, affine.first().copied(), affine.get(1).copied());
    }
    // On GPUs libtorch rounds mean and deviation to f16 and bf16 before it uses them: of groups that lie far from zero nothing is left.
    let affine = affine.iter().map(|tensor| wide(tensor)).collect::<Result<Vec<_>, _>>()?;
    norm(&wide(x)?, affine.first(), affine.get(1))?.f_to_kind(x.f_kind()?)
}

pub(super) fn rotary_embedding(pairing: Pairing, x: &Tensor, cos: &Tensor, sin: &Tensor) -> Made {
    let turned = match pairing {
        Pairing::Interleaved => {
            let mut shape = x.size();
            let pairs = shape.pop().unwrap_or_default() / 2;
            shape.extend([pairs, 2]);
            let apart = x.f_reshape(shape)?;
            let (first, second) = (apart.f_select(-1, 0)?, apart.f_select(-1, 1)?);
            Tensor::f_stack(&[second.f_neg()?, first], -1)?.f_reshape(x.size())?
        }
        Pairing::Halves => {
            let half = x.size().last().copied().unwrap_or_default() / 2;
            let (first, second) = (x.f_narrow(-1, 0, half)?, x.f_narrow(-1, half, half)?);
            Tensor::f_cat(&[second.f_neg()?, first], -1)?
        }
    };
    // The tables are f32, so that the sum is.
    x.f_mul(cos)?.f_add(&turned.f_mul(sin)?)?.f_to_kind(x.f_kind().unwrap_or(Kind::Float))
}

/// Whether libtorch's kernels for the CPU are meant.
fn is_host(x: &Tensor) -> bool {
    x.device() == Device::Cpu
}

fn innermost(x: &Tensor) -> Vec<i64> {
    x.size().last().copied().into_iter().collect()
}

//! Pairs of elements turned by an angle.

use super::pointwise::{THREADS, grid};
use super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};
use tintype_program::Pairing;

/// `x: [b, h, s, d]` turned by `cos, sin: f32[s, d]`. A thread for each element.
pub fn rotary(
    pairing: Pairing,
    x: &View,
    cos: &View,
    sin: &View,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let (Some(&depth), Some(&step)) = (x.shape.last(), x.strides.last()) else {
        return Err("it takes an operand of four axes".into());
    };
    let table = |view: &View| [&vec![0; x.shape.len().saturating_sub(2)][..], &view.strides].concat();
    let (cos, sin) = (table(cos), table(sin));
    // The innermost axis by itself: an element's place in it says which its other is.
    let outer = |strides: &[usize]| strides[..strides.len() - 1].to_vec();
    let lists = [&to.strides[..], &x.strides, &cos, &sin].map(outer);
    let rows = Walk::over(&x.shape[..x.shape.len() - 1], &lists.each_ref().map(Vec::as_slice));
    let index = Index::Wide;
    let kind = name(to.dtype);
    let row = if rows.moves() { ", row = i / depth" } else { "" };
    let (entry, other) = match pairing {
        Pairing::Interleaved => {
            ("rotary_interleaved", "k % 2 == 0 ? -to_float(x[(k + 1) * step]) : to_float(x[(k - 1) * step])")
        }
        Pairing::Halves => (
            "rotary_halves",
            "k < depth / 2 ? -to_float(x[(k + depth / 2) * step]) : to_float(x[(k - depth / 2) * step])",
        ),
    };
    let code = format!(
        "KERNEL void {entry}({kind}* to, const {kind}* x, const float* cosine, const float* sine, i64 n, i64 depth, i64 step, i64 out, i64 cos_step, i64 sin_step{}) {{
    const i64 i = (i64)blockIdx.x * {THREADS} + threadIdx.x;
    if (i >= n) return;
    const i64 k = i % depth{row};
{}    x += {};
    const float other = {other};
    const float turned = to_float(x[k * step]) * cosine[{} + k * cos_step] + other * sine[{} + k * sin_step];
    to[{} + k * out] = from_float<{kind}>(turned);
}}
",
        rows.parameters("", index),
        rows.coordinates("", "row", index),
        rows.offset("", 1),
        rows.offset("", 2),
        rows.offset("", 3),
        rows.offset("", 0),
    );
    let last = |strides: &[usize]| index.arg(strides.last().copied().unwrap_or(0));
    let n = x.elements();
    let mut args = vec![Arg::Write(0), Arg::Read(0), Arg::Read(1), Arg::Read(2)];
    args.extend([index.arg(n), index.arg(depth), index.arg(step), last(&to.strides), last(&cos), last(&sin)]);
    args.extend(rows.arguments(index));
    let kernel = KernelSource { entry: entry.into(), code: code.into() };
    Ok(Launch { kernel, grid: grid(n)?, block: [THREADS, 1, 1], shared: 0, args })
}

//! Sums, means and maxima over axes.

use super::pointwise::blocks;
use super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};
use tintype_program::{DType, Reduce};

const THREADS: u32 = 128;

/// Over `axes` of `from`; `to` has extent 1 there. A block of threads for each element of the result.
pub fn reduce(
    function: Reduce,
    axes: &[usize],
    from: &View,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let pick = |kept: bool, list: &[usize]| -> Vec<usize> {
        list.iter().enumerate().filter(|(axis, _)| axes.contains(axis) != kept).map(|(_, &v)| v).collect()
    };
    let outer = Walk::over(&pick(true, &from.shape), &[&pick(true, &to.strides), &pick(true, &from.strides)]);
    let inner = Walk::over(&pick(false, &from.shape), &[&pick(false, &from.strides)]);
    let index = Index::Wide;
    let (kind, float) = (name(to.dtype), to.dtype.is_float());
    let value = if float { "float" } else { "int" };
    let load = if float { "to_float(from[base + at])" } else { "(int)from[base + at]" };
    let (label, start, join) = match (function, float) {
        (Reduce::Sum | Reduce::Mean, true) => ("sum", "0.0f", "acc + x"),
        (Reduce::Sum | Reduce::Mean, false) => ("sum", "0", "int_add(acc, x)"),
        (Reduce::Max, true) => ("max", "-INFINITE", "largest(acc, x)"),
        (Reduce::Max, false) => ("max", "-2147483647 - 1", "int_max(acc, x)"),
    };
    let mean = function == Reduce::Mean;
    let label = if mean { "mean" } else { label };
    let result = match (to.dtype, mean) {
        (DType::F32, false) => "acc".to_string(),
        (DType::F32, true) => "acc / (float)count".into(),
        (DType::I32, true) => "(int)((i64)acc / count)".into(),
        (DType::U8, true) => "(u8)((i64)acc / count)".into(),
        (DType::I32, false) => "acc".into(),
        (DType::U8, false) => "(u8)acc".into(),
        (_, false) => format!("from_float<{kind}>(acc)"),
        (_, true) => format!("from_float<{kind}>(acc / (float)count)"),
    };
    let entry = format!("reduce_{label}");
    let place = if outer.moves() { "    const i64 i = blockIdx.x;\n" } else { "" };
    let code = format!(
        "KERNEL void {entry}({kind}* to, const {kind}* from, i64 count{}{}) {{
{place}{}    const i64 base = {};
    {value} acc = {start};
    for (i64 k = threadIdx.x; k < count; k += {THREADS}) {{
{}        const i64 at = {};
        const {value} x = {load};
        acc = {join};
    }}
    __shared__ {value} parts[{THREADS}];
    parts[threadIdx.x] = acc;
    __syncthreads();
    for (int half = {THREADS} / 2; half > 0; half /= 2) {{
        if (threadIdx.x < half) {{
            const {value} x = parts[threadIdx.x + half];
            acc = {join};
            parts[threadIdx.x] = acc;
        }}
        __syncthreads();
    }}
    if (threadIdx.x == 0) to[{}] = {result};
}}
",
        outer.parameters("o", index),
        inner.parameters("k", index),
        outer.coordinates("o", "i", index),
        outer.offset("o", 1),
        inner.coordinates("k", "k", index),
        inner.offset("k", 0),
        outer.offset("o", 0),
    );
    let mut args = vec![Arg::Write(0), Arg::Read(0), index.arg(inner.elements())];
    args.extend(outer.arguments(index));
    args.extend(inner.arguments(index));
    let kernel = KernelSource { entry, code: code.into() };
    Ok(Launch { kernel, grid: blocks(outer.elements())?, block: [THREADS, 1, 1], shared: 0, args })
}

//! Softmax over an axis.

use super::pointwise::blocks;
use super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};

const THREADS: u32 = 128;

/// Exponentials over `axis` divided by their sum. A block of threads for each row.
pub fn softmax(axis: usize, from: &View, to: &View, _architecture: &Architecture) -> Result<Launch, String> {
    let without = |list: &[usize]| -> Vec<usize> {
        list.iter().enumerate().filter(|(other, _)| *other != axis).map(|(_, &v)| v).collect()
    };
    let rows = Walk::over(&without(&from.shape), &[&without(&to.strides), &without(&from.strides)]);
    let index = Index::Wide;
    let kind = name(to.dtype);
    let row = if rows.moves() { "    const i64 i = blockIdx.x;\n" } else { "" };
    let code = format!(
        "KERNEL void softmax({kind}* to, const {kind}* from, i64 count, i64 from_step, i64 to_step{}) {{
{row}{}    const {kind}* x = from + {};
    {kind}* y = to + {};
    float most = -INFINITE;
    for (i64 k = threadIdx.x; k < count; k += {THREADS}) most = largest(most, to_float(x[k * from_step]));
    most = block_max<{THREADS}>(most);
    float sum = 0.0f;
    for (i64 k = threadIdx.x; k < count; k += {THREADS}) sum += expf(to_float(x[k * from_step]) - most);
    sum = block_sum<{THREADS}>(sum);
    for (i64 k = threadIdx.x; k < count; k += {THREADS}) y[k * to_step] = from_float<{kind}>(expf(to_float(x[k * from_step]) - most) / sum);
}}
",
        rows.parameters("", index),
        rows.coordinates("", "i", index),
        rows.offset("", 1),
        rows.offset("", 0),
    );
    let extent = |list: &[usize]| list.get(axis).copied().ok_or("there is no such axis");
    let mut args = vec![Arg::Write(0), Arg::Read(0), index.arg(extent(&from.shape)?)];
    args.extend([index.arg(extent(&from.strides)?), index.arg(extent(&to.strides)?)]);
    args.extend(rows.arguments(index));
    let kernel = KernelSource { entry: "softmax".into(), code: code.into() };
    Ok(Launch { kernel, grid: blocks(rows.elements())?, block: [THREADS, 1, 1], shared: 0, args })
}

//! Norms over groups of channels.

use super::super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};

const THREADS: u32 = 1024;

/// `[n, c, spatial...]` over groups of channels and all further axes, in any layout; `affine` is weight and bias or nothing. A
/// block of threads for each group. `silu`: whether that follows.
pub fn group_norm(
    groups: usize,
    eps: f64,
    x: &View,
    affine: &[View],
    silu: bool,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let (&[batch, channels, ..], &[batch_in, channel_in, ..], &[batch_out, channel_out, ..]) =
        (&x.shape[..], &x.strides[..], &to.strides[..])
    else {
        return Err("it takes an operand of two axes or more".into());
    };
    let size = channels.checked_div(groups).unwrap_or(0);
    let space = Walk::over(&x.shape[2..], &[&to.strides[2..], &x.strides[2..]]);
    let index = Index::Wide;
    let kind = name(to.dtype);
    // Neighbouring threads take neighbours in memory.
    let (channel, place) =
        if channel_in == 1 { ("k % size", ", s = k / size") } else { ("k / space", ", s = k % space") };
    let place = if space.moves() { place } else { "" };
    let (weights, parameters) = match affine.len() {
        0 => ("", String::new()),
        _ => (
            " * to_float(weight[c * weight_step]) + to_float(bias[c * bias_step])",
            format!(", const {kind}* weight, const {kind}* bias, i64 weight_step, i64 bias_step"),
        ),
    };
    let result = if silu { "y * sigmoid(y)" } else { "y" };
    let entry = if silu { "group_norm_silu" } else { "group_norm" };
    let each = format!(
        "for (i64 k = threadIdx.x; k < count; k += {THREADS}) {{
        const i64 c = {channel}{place};
{}        const float value = to_float(x[c * channel_in + {}]);",
        space.coordinates("p", "s", index),
        space.offset("p", 1),
    );
    let code = format!(
        "KERNEL void {entry}({kind}* to, const {kind}* x, i64 groups, i64 size, i64 space, i64 batch_in, i64 channel_in, i64 batch_out, i64 channel_out, float eps{parameters}{}) {{
    const i64 n = blockIdx.x / groups, base = blockIdx.x % groups * size, count = size * space;
    x += n * batch_in + base * channel_in;
    to += n * batch_out + base * channel_out;
{}    float sum = 0.0f;
    {each}
        sum += value;
    }}
    const float mean = block_sum<{THREADS}>(sum) / (float)count;
    float square = 0.0f;
    {each}
        square += (value - mean) * (value - mean);
    }}
    const float scale = 1.0f / sqrtf(block_sum<{THREADS}>(square) / (float)count + eps);
    {each}
        const float y = (value - mean) * scale{weights};
        to[c * channel_out + {}] = from_float<{kind}>({result});
    }}
}}
",
        space.parameters("p", index),
        if affine.is_empty() { "" } else { "    weight += base * weight_step;\n    bias += base * bias_step;\n" },
        space.offset("p", 0),
    );
    let mut args = vec![Arg::Write(0), Arg::Read(0)];
    args.extend(
        [groups, size, space.elements(), batch_in, channel_in, batch_out, channel_out].map(|v| index.arg(v)),
    );
    args.push(Arg::F32(eps as f32));
    if let [weight, bias] = affine {
        args.extend([Arg::Read(1), Arg::Read(2)]);
        args.extend([weight, bias].map(|view| index.arg(view.strides.first().copied().unwrap_or(0))));
    }
    args.extend(space.arguments(index));
    let grid = super::super::pointwise::blocks(batch * groups)?;
    let kernel = KernelSource { entry: entry.into(), code: code.into() };
    Ok(Launch { kernel, grid, block: [THREADS, 1, 1], shared: 0, args })
}

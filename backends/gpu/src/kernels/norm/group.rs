//! Norms over groups of channels.

use super::super::pointwise::blocks;
use super::super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};

const THREADS: usize = 512;
/// Fewer elements than these are not worth a block of their own.
const LEAST: usize = 16 * THREADS;

/// A norm over groups of channels of `x: [n, c, spatial...]`, in any layout. A group is shared among several blocks of threads
/// where there are few groups: first each finds the mean and the spread of its part, then all of them are joined.
pub struct GroupNorm<'v> {
    /// Groups of channels.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f64,
    /// What is normed.
    pub x: &'v View,
    /// Where the result goes.
    pub to: &'v View,
    /// Weight and bias, or nothing.
    pub affine: &'v [View],
}

impl GroupNorm<'_> {
    /// Into how many parts each group is split.
    pub fn parts(&self, architecture: &Architecture) -> usize {
        let all = self.batch() * self.groups;
        let count = self.x.elements().checked_div(all).unwrap_or(0);
        let wanted = (8 * architecture.multiprocessors as usize).div_ceil(all.max(1));
        wanted.min(count / LEAST).min(self.space().elements()).max(1)
    }

    /// Mean and sum of squares about it of each part: reads `x`, writes `f32[n * groups * parts, 2]`.
    pub fn spreads(&self, architecture: &Architecture) -> Result<Launch, String> {
        let kind = name(self.x.dtype);
        let space = self.space();
        let each = self.each(&space);
        let code = format!(
            "KERNEL void group_norm_spreads(float* to, const {kind}* x, {FRAME}{}) {{
{START}    x += n * batch_in + base * channel_in;
    float sum = 0.0f;
    {each}
        sum += value;
    }}
    const float mean = block_sum<{THREADS}>(sum) / (float)count;
    float square = 0.0f;
    {each}
        square += (value - mean) * (value - mean);
    }}
    square = block_sum<{THREADS}>(square);
    if (threadIdx.x == 0) {{
        to[2 * (i64)blockIdx.x] = mean;
        to[2 * (i64)blockIdx.x + 1] = square;
    }}
}}
",
            space.parameters("p", Index::Wide),
        );
        self.launch("group_norm_spreads", code, vec![Arg::Write(0), Arg::Read(0)], Vec::new(), architecture)
    }

    /// The norm: reads `x`, what [`GroupNorm::spreads`] wrote, and weight and bias.
    pub fn apply(&self, architecture: &Architecture) -> Result<Launch, String> {
        let kind = name(self.to.dtype);
        let space = self.space();
        let each = self.each(&space);
        let affine = !self.affine.is_empty();
        let (weights, declared, moved) = match affine {
            false => ("", String::new(), ""),
            true => (
                " * to_float(weight[c * weight_step]) + to_float(bias[c * bias_step])",
                format!(", const {kind}* weight, const {kind}* bias, i64 weight_step, i64 bias_step"),
                "    weight += base * weight_step;\n    bias += base * bias_step;\n",
            ),
        };
        let code = format!(
            "KERNEL void group_norm({kind}* to, const {kind}* x, const float* spreads, {FRAME}, i64 batch_out, i64 channel_out, float eps{declared}{}) {{
{START}    x += n * batch_in + base * channel_in;
    to += n * batch_out + base * channel_out;
    spreads += 2 * ((i64)blockIdx.x - part);
{moved}    // The parts joined (Chan, Golub and LeVeque 1979).
    float total = 0.0f, joined = 0.0f;
    for (i64 i = threadIdx.x; i < parts; i += {THREADS}) total += spreads[2 * i] * (float)((space * (i + 1) / parts - space * i / parts) * size);
    const float mean = block_sum<{THREADS}>(total) / (float)(space * size);
    for (i64 i = threadIdx.x; i < parts; i += {THREADS}) {{
        const float apart = spreads[2 * i] - mean;
        joined += spreads[2 * i + 1] + apart * apart * (float)((space * (i + 1) / parts - space * i / parts) * size);
    }}
    const float scale = 1.0f / sqrtf(block_sum<{THREADS}>(joined) / (float)(space * size) + eps);
    {each}
        const float y = (value - mean) * scale{weights};
        to[c * channel_out + {}] = from_float<{kind}>(y);
    }}
}}
",
            space.parameters("p", Index::Wide),
            space.offset("p", 0),
        );
        let mut more = [self.to.strides[0], self.to.strides[1]].map(|v| Index::Wide.arg(v)).to_vec();
        more.push(Arg::F32(self.eps as f32));
        if let [weight, bias] = self.affine {
            more.extend([Arg::Read(2), Arg::Read(3)]);
            more.extend(
                [weight, bias].map(|view| Index::Wide.arg(view.strides.first().copied().unwrap_or(0))),
            );
        }
        let first = vec![Arg::Write(0), Arg::Read(0), Arg::Read(1)];
        self.launch("group_norm", code, first, more, architecture)
    }

    fn batch(&self) -> usize {
        self.x.shape.first().copied().unwrap_or(0)
    }

    /// The spatial axes of the result and of `x`.
    fn space(&self) -> Walk {
        let after = |list: &[usize]| list.get(2..).unwrap_or_default().to_vec();
        Walk::over(&after(&self.x.shape), &[&after(&self.to.strides), &after(&self.x.strides)])
    }

    /// The head of a loop over a part's elements: the channel `c` within its group, where in space, and the value.
    fn each(&self, space: &Walk) -> String {
        // Neighbouring threads take neighbours in memory.
        let (channel, place) = match self.x.strides.get(1) {
            Some(1) => ("k % size", "first + k / size"),
            _ => ("k / (last - first)", "first + k % (last - first)"),
        };
        format!(
            "for (i64 k = threadIdx.x; k < count; k += {THREADS}) {{
        const i64 c = {channel};
        const i64 s = {place};
        (void)s;
{}        const float value = to_float(x[c * channel_in + {}]);",
            space.coordinates("p", "s", Index::Wide),
            space.offset("p", 1),
        )
    }

    fn launch(
        &self,
        entry: &str,
        code: String,
        mut args: Vec<Arg>,
        more: Vec<Arg>,
        architecture: &Architecture,
    ) -> Result<Launch, String> {
        let (&[_, channels, ..], &[batch_in, channel_in, ..]) = (&self.x.shape[..], &self.x.strides[..])
        else {
            return Err("it takes an operand of two axes or more".into());
        };
        let (space, parts) = (self.space(), self.parts(architecture));
        let size = channels.checked_div(self.groups).unwrap_or(0);
        let frame = [self.groups, size, space.elements(), parts, batch_in, channel_in];
        args.extend(frame.map(|value| Index::Wide.arg(value)));
        args.extend(more);
        args.extend(space.arguments(Index::Wide));
        let grid = blocks(self.batch() * self.groups * parts)?;
        let kernel = KernelSource { entry: entry.into(), code: code.into() };
        Ok(Launch { kernel, grid, block: [THREADS as u32, 1, 1], shared: 0, args })
    }
}

/// Parameters of both kernels.
const FRAME: &str = "i64 groups, i64 size, i64 space, i64 parts, i64 batch_in, i64 channel_in";

/// Which part of which group a block has.
const START: &str = "    const i64 part = blockIdx.x % parts, n = blockIdx.x / parts / groups, base = blockIdx.x / parts % groups * size;
    const i64 first = space * part / parts, last = space * (part + 1) / parts, count = size * (last - first);
";

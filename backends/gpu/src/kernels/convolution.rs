//! Cross-correlation, element by element, in any layout.

use super::pointwise::{THREADS, grid};
use crate::prelude::name;
use crate::{Architecture, Arg, Convolution, KernelSource, Launch, View};
use std::fmt::Write;
use tintype_program::{Op, PadMode, contiguous_strides};

/// Two spatial axes, channels last, zeros outside.
pub fn convolution(op: &Convolution, architecture: &Architecture) -> Result<Launch, String> {
    let ([h, w], [kh, kw], [oh, ow]) = (op.input, op.kernel, op.output());
    let channels = op.channels.checked_div(op.groups).unwrap_or(0);
    let last = |n: usize, c: usize, h: usize, w: usize| View {
        dtype: op.dtype,
        shape: vec![n, c, h, w],
        strides: vec![h * w * c, 1, w * c, c],
        offset: 0,
    };
    let node = Op::Convolution {
        stride: op.stride.to_vec(),
        padding: op.padding.to_vec(),
        dilation: op.dilation.to_vec(),
        groups: op.groups,
        mode: PadMode::Zero,
    };
    let bias = View::contiguous(op.dtype, &[op.outputs]);
    direct(
        &node,
        &last(op.batch, op.channels, h, w),
        &last(op.outputs, channels, kh, kw),
        op.bias.then_some(&bias),
        &last(op.batch, op.outputs, oh, ow),
        architecture,
    )
}

/// One to three spatial axes, `x: [n, c, spatial...]`, `weight: [o, c / groups, kernel...]`. A thread for each element of the
/// result.
pub fn direct(
    op: &Op,
    x: &View,
    weight: &View,
    bias: Option<&View>,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let Op::Convolution { stride, padding, dilation, groups, mode } = op else {
        return Err(format!("{} is no convolution", op.name()));
    };
    let axes = to.shape.len().checked_sub(2).ok_or("it takes an operand of three axes or more")?;
    let (kind, mut parameters, mut before, mut inner) =
        (name(to.dtype), String::new(), String::new(), String::new());
    let mut args = vec![
        Arg::Write(0),
        Arg::Read(0),
        Arg::Read(1),
        if bias.is_some() { Arg::Read(2) } else { Arg::Read(0) },
    ];
    let long = |value: usize| Arg::I64(value as i64);
    let outputs = to.shape[1];
    args.extend([to.elements(), outputs, outputs / groups.max(&1), weight.shape[1]].map(long));
    // The channel innermost, so that neighbouring threads write neighbours where it lies so.
    let sizes = contiguous_strides(&[&[to.shape[0]], &to.shape[2..], &[outputs]].concat());
    args.push(long(sizes[0]));
    args.extend([x.strides[0], x.strides[1], weight.strides[0], weight.strides[1]].map(long));
    args.extend([to.strides[0], to.strides[1]].map(long));
    args.push(long(bias.map_or(0, |bias| bias.strides[0])));
    for axis in 0..axes {
        let _ = write!(
            parameters,
            ", i64 size{axis}, i64 whole{axis}, i64 extent{axis}, i64 kernel{axis}, i64 step{axis}, i64 pad{axis}, i64 dilation{axis}, i64 xs{axis}, i64 ws{axis}, i64 ts{axis}"
        );
        let _ = write!(
            before,
            "    const i64 p{axis} = i / size{axis} % whole{axis};\n    place += p{axis} * ts{axis};\n"
        );
        let _ = writeln!(
            inner,
            "    for (i64 k{axis} = 0; k{axis} < kernel{axis}; k{axis}++) {{\n    i64 at{axis} = p{axis} * step{axis} + k{axis} * dilation{axis} - pad{axis};"
        );
        let _ = match mode {
            PadMode::Zero => writeln!(inner, "    if (at{axis} < 0 || at{axis} >= extent{axis}) continue;"),
            PadMode::Replicate => writeln!(
                inner,
                "    at{axis} = at{axis} < 0 ? 0 : at{axis} >= extent{axis} ? extent{axis} - 1 : at{axis};"
            ),
        };
        let of = |list: &[usize], at: usize| list.get(at).copied().map(long).ok_or("an axis is missing");
        args.extend([
            of(&sizes, axis + 1)?,
            of(&to.shape, axis + 2)?,
            of(&x.shape, axis + 2)?,
            of(&weight.shape, axis + 2)?,
        ]);
        args.extend([
            of(stride, axis)?,
            long(padding.get(axis).ok_or("an axis is missing")?[0]),
            of(dilation, axis)?,
        ]);
        args.extend([of(&x.strides, axis + 2)?, of(&weight.strides, axis + 2)?, of(&to.strides, axis + 2)?]);
    }
    let places = |name: &str| {
        (0..axes)
            .map(|axis| format!(" + {name}{axis} * {}s{axis}", if name == "at" { "x" } else { "w" }))
            .collect::<String>()
    };
    let start = if bias.is_some() { "to_float(bias[o * bias_step])" } else { "0.0f" };
    let entry = match mode {
        PadMode::Zero => "convolution_direct",
        PadMode::Replicate => "convolution_direct_replicate",
    };
    let code = format!(
        "KERNEL void {entry}({kind}* to, const {kind}* x, const {kind}* weight, const {kind}* bias, i64 n, i64 outputs, i64 group, i64 channels, i64 batch_size,
    i64 x_n, i64 x_c, i64 w_o, i64 w_c, i64 to_n, i64 to_o, i64 bias_step{parameters}) {{
    const i64 i = (i64)blockIdx.x * {THREADS} + threadIdx.x;
    if (i >= n) return;
    const i64 o = i % outputs, b = i / batch_size;
    i64 place = b * to_n + o * to_o;
{before}    x += b * x_n + o / group * channels * x_c;
    weight += o * w_o;
    float sum = {start};
{inner}    const {kind}* from = x{};
    const {kind}* factor = weight{};
    for (i64 c = 0; c < channels; c++) sum += to_float(from[c * x_c]) * to_float(factor[c * w_c]);
{}    to[place] = from_float<{kind}>(sum);
}}
",
        places("at"),
        places("k"),
        "    }\n".repeat(axes),
    );
    let kernel = KernelSource { entry: entry.into(), code: code.into() };
    Ok(Launch { kernel, grid: grid(to.elements())?, block: [THREADS, 1, 1], shared: 0, args })
}

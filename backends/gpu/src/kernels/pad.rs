//! Tensors extended at their ends.

use super::pointwise::{THREADS, grid};
use super::walk::Index;
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};
use std::fmt::Write;
use tintype_program::{DType, PadMode, contiguous_strides};

/// `from` with `before` elements before each axis, and after it as many as `to` is longer.
pub fn pad(
    before: &[usize],
    mode: PadMode,
    from: &View,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let index = Index::Wide;
    let (kind, rank) = (name(to.dtype), to.shape.len());
    let mut parameters = String::new();
    let mut text = String::new();
    for axis in 0..rank {
        let _ = write!(
            parameters,
            ", i64 size{axis}, i64 had{axis}, i64 before{axis}, i64 step{axis}, i64 stride{axis}"
        );
        let _ = write!(
            text,
            "    i64 at{axis} = i / size{axis} % whole{axis} - before{axis};\n    place += (at{axis} + before{axis}) * stride{axis};\n"
        );
        match mode {
            PadMode::Zero => {
                let _ = writeln!(text, "    inside = inside && at{axis} >= 0 && at{axis} < had{axis};");
            }
            PadMode::Replicate => {
                let _ = writeln!(
                    text,
                    "    at{axis} = at{axis} < 0 ? 0 : at{axis} >= had{axis} ? had{axis} - 1 : at{axis};"
                );
            }
        }
        let _ = writeln!(text, "    source += at{axis} * step{axis};");
        let _ = write!(parameters, ", i64 whole{axis}");
    }
    let zero = match to.dtype {
        DType::Bf16 | DType::F16 => format!("{kind}{{0}}"),
        _ => format!("({kind})0"),
    };
    let entry = match mode {
        PadMode::Zero => "pad_zero",
        PadMode::Replicate => "pad_replicate",
    };
    let code = format!(
        "KERNEL void {entry}({kind}* to, const {kind}* from, i64 n{parameters}) {{
    const i64 i = (i64)blockIdx.x * {THREADS} + threadIdx.x;
    if (i >= n) return;
    i64 place = 0, source = 0;
    bool inside = true;
{text}    to[place] = inside ? from[source] : {zero};
}}
"
    );
    let sizes = contiguous_strides(&to.shape);
    let mut args = vec![Arg::Write(0), Arg::Read(0), index.arg(to.elements())];
    for axis in 0..rank {
        let of = |list: &[usize]| {
            list.get(axis).copied().map(|value| index.arg(value)).ok_or("an axis is missing")
        };
        args.extend([
            of(&sizes)?,
            of(&from.shape)?,
            of(before)?,
            of(&from.strides)?,
            of(&to.strides)?,
            of(&to.shape)?,
        ]);
    }
    let kernel = KernelSource { entry: entry.into(), code: code.into() };
    Ok(Launch { kernel, grid: grid(to.elements())?, block: [THREADS, 1, 1], shared: 0, args })
}

//! Encoded parameters to plain values.

use super::pointwise::{THREADS, grid};
use super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};
use tintype_accel::encode::NF4_LEVELS;
use tintype_program::{Encoding, Fp8Format, ScaleGranularity, TensorType, contiguous_strides};

/// A parameter of type `ty`, codes and then scales, to its values.
pub fn decode(
    encoding: &Encoding,
    ty: &TensorType,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let layout = encoding.layout(ty)?;
    let row = ty.elements().checked_div(ty.shape.first().copied().unwrap_or(1)).unwrap_or(1).max(1);
    let (entry, value, share) = match encoding {
        Encoding::Plain => return Err("it is not encoded".into()),
        Encoding::Fp8 { format, scales } => {
            let entry = match format {
                Fp8Format::E4m3 => "decode_e4m3",
                Fp8Format::E4m3Fnuz => "decode_e4m3_fnuz",
                Fp8Format::E5m2 => "decode_e5m2",
                Fp8Format::E5m2Fnuz => "decode_e5m2_fnuz",
            };
            let share = match scales {
                ScaleGranularity::Tensor => ty.elements().max(1),
                ScaleGranularity::Row => row,
                ScaleGranularity::Block { size } => *size,
            };
            (entry, fp8(*format), share)
        }
        Encoding::Nf4 { block } => ("decode_nf4", nf4(), *block),
    };
    let walk = Walk::over(&ty.shape, &[&to.strides, &contiguous_strides(&ty.shape)]);
    let index = Index::Wide;
    let kind = name(to.dtype);
    let code = format!(
        "KERNEL void {entry}({kind}* to, const u8* codes, i64 n, i64 scales_at, i64 share{}) {{
    const i64 i = (i64)blockIdx.x * {THREADS} + threadIdx.x;
    if (i >= n) return;
    const float scale = ((const float*)(codes + scales_at))[i / share];
{value}{}    to[{}] = from_float<{kind}>(value * scale);
}}
",
        walk.parameters("", index),
        walk.coordinates("", "i", index),
        walk.offset("", 0),
    );
    let mut args = vec![Arg::Write(0), Arg::Read(0)];
    args.extend([ty.elements(), layout.scales_offset(), share].map(|value| index.arg(value)));
    args.extend(walk.arguments(index));
    let kernel = KernelSource { entry: entry.into(), code: code.into() };
    Ok(Launch { kernel, grid: grid(ty.elements())?, block: [THREADS, 1, 1], shared: 0, args })
}

/// Statements that define `value` from the code of element `i`.
fn fp8(format: Fp8Format) -> String {
    let (bits, bias) = (format.fraction_bits(), format.bias());
    // Which codes are no numbers.
    let special = match format {
        Fp8Format::E4m3 => "(code & 127) == 127 ? __int_as_float(0x7fc00000) : ",
        Fp8Format::E4m3Fnuz | Fp8Format::E5m2Fnuz => "code == 128 ? __int_as_float(0x7fc00000) : ",
        Fp8Format::E5m2 => {
            "(code & 127) == 124 ? INFINITE : (code & 127) > 124 ? __int_as_float(0x7fc00000) : "
        }
    };
    let (mask, exponents) = ((1 << bits) - 1, if bits == 3 { 15 } else { 31 });
    format!(
        "    const int code = codes[i], fraction = code & {mask}, exponent = (code >> {bits}) & {exponents};
    const float size = exponent == 0 ? ldexpf((float)fraction, 1 - {bias} - {bits}) : ldexpf((float)(fraction + {}), exponent - {bias} - {bits});
    const float magnitude = {special}size;
    const float value = code & 128 ? -magnitude : magnitude;
",
        mask + 1
    )
}

fn nf4() -> String {
    let levels: Vec<String> =
        NF4_LEVELS.iter().map(|level| format!("__int_as_float({:#x})", level.to_bits())).collect();
    format!(
        "    const int pair = codes[i / 2], code = i % 2 == 0 ? pair >> 4 : pair & 15;
    const float levels[16] = {{{}}};
    const float value = levels[code];
",
        levels.join(", ")
    )
}

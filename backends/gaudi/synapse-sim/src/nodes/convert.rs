//! Between types: row "cast", "to fp8" and "from fp8" of the reference.

use super::lanes::{doubles, floats, from_doubles, from_floats};
use super::support::{is, need, same, typed};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

/// The name under which casts from a type are kept: `cast_<src>_to`, the target being the suffix.
pub fn cast_name(from: &str) -> &'static str {
    CASTS.iter().find(|(suffix, _)| *suffix == from).map_or("", |(_, name)| name)
}

const CASTS: &[(&str, &str)] = &[
    ("f32", "cast_f32_to"),
    ("bf16", "cast_bf16_to"),
    ("f16", "cast_f16_to"),
    ("i8", "cast_i8_to"),
    ("u8", "cast_u8_to"),
    ("i16", "cast_i16_to"),
    ("u16", "cast_u16_to"),
    ("i32", "cast_i32_to"),
    ("u32", "cast_u32_to"),
    ("hf8", "cast_hf8_to"),
    ("f8", "cast_f8_to"),
];

pub const KINDS: &[Kind] = &[
    typed!("cast_f32_to", check, run),
    typed!("cast_bf16_to", check, run),
    typed!("cast_f16_to", check, run),
    typed!("cast_i8_to", check, run),
    typed!("cast_u8_to", check, run),
    typed!("cast_i16_to", check, run),
    typed!("cast_u16_to", check, run),
    typed!("cast_i32_to", check, run),
    typed!("cast_u32_to", check, run),
    typed!("cast_hf8_to", check, run),
    typed!("cast_f8_to", check, run),
    typed!("convert_to_fp8", check_to_fp8, run_to_fp8),
    typed!("convert_from_fp8", check_from_fp8, run_from_fp8),
];

/// Rounding: to nearest even (0), towards zero (4) and the default (5) are computed; the others are refused.
fn rounding(call: &Call) -> Result<(), String> {
    call.sizes_of_params(&[0, 4, 8, 12, 16])?;
    need(call.params.is_empty() || matches!(call.u32(0), 0 | 4 | 5), || {
        format!("round mode {} is not computed here", call.u32(0))
    })
}

fn check(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    rounding(call)?;
    call.no_layouts()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    need(cast_name(x.dtype.suffix()) == call.base, || format!("the input is {}", x.dtype.suffix()))?;
    call.typed(y, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")
}

fn run(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let mut values = doubles(data[0].unwrap_or_default(), x.dtype);
    // From a float to an integer: the mode asked for; nearest unless towards zero.
    if x.dtype.is_float() && !y.dtype.is_float() && (call.params.is_empty() || call.u32(0) != 4) {
        values.iter_mut().for_each(|value| *value = value.round_ties_even());
    } else if y.dtype.is_float() && call.u32(0) == 4 && y.dtype != DataType::F32 {
        return Err("floats rounded towards zero are not computed here".into());
    }
    Ok(vec![Some(from_doubles(&values, y.dtype))])
}

fn is_fp8(dtype: DataType) -> bool {
    matches!(dtype, DataType::Fp8E4M3 | DataType::Fp8E5M2)
}

fn scale(call: &Call, data: &Data) -> f32 {
    match (call.maybe(1), data.get(1)) {
        (Some(desc), Some(Some(bytes))) => floats(bytes, desc.dtype).first().copied().unwrap_or(1.0),
        _ => 1.0,
    }
}

fn check_scaled(call: &Call) -> Result<(), String> {
    rounding(call)?;
    call.no_layouts()?;
    if let Some(scale) = call.maybe(1) {
        is(scale, DataType::F32, "the scale")?;
        need(scale.elements() == 1, || "a scale of one element is taken".into())?;
    }
    same(&call.input(0)?.sizes, &call.output(0)?.sizes, "input and output")
}

fn check_to_fp8(call: &Call) -> Result<(), String> {
    call.counts(1..=2, 1..=2)?;
    call.float()?;
    call.typed(call.input(0)?, "the input")?;
    need(is_fp8(call.output(0)?.dtype), || "the output is not fp8".into())?;
    if let Some(Some(most)) = call.outputs.get(1) {
        is(most, DataType::F32, "the greatest magnitude")?;
        need(most.elements() == 1, || "the greatest magnitude is one element".into())?;
    }
    check_scaled(call)
}

fn run_to_fp8(call: &Call, data: &Data) -> Results {
    let (x, scale) = (call.input(0)?, scale(call, data));
    let values = floats(data[0].unwrap_or_default(), x.dtype);
    let most = values.iter().fold(0f32, |most, value| most.max(value.abs()));
    let scaled: Vec<f32> = values.iter().map(|value| value * scale).collect();
    let mut results = vec![Some(from_floats(&scaled, call.output(0)?.dtype))];
    if call.outputs.len() > 1 {
        results.push(Some(most.to_le_bytes().to_vec()));
    }
    Ok(results)
}

fn check_from_fp8(call: &Call) -> Result<(), String> {
    call.counts(1..=2, 1..=1)?;
    call.float()?;
    need(is_fp8(call.input(0)?.dtype), || "the input is not fp8".into())?;
    call.typed(call.output(0)?, "the output")?;
    check_scaled(call)
}

fn run_from_fp8(call: &Call, data: &Data) -> Results {
    let (x, scale) = (call.input(0)?, scale(call, data));
    let values: Vec<f32> =
        floats(data[0].unwrap_or_default(), x.dtype).iter().map(|value| value * scale).collect();
    Ok(vec![Some(from_floats(&values, call.output(0)?.dtype))])
}

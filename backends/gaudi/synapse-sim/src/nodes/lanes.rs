//! Between bytes of a type and lanes to compute in: f32 for floats, f64 for integers, rounded once on the way back.

use half::{bf16, f16};

use crate::abi::DataType;

/// Elements as f32.
pub fn floats(bytes: &[u8], dtype: DataType) -> Vec<f32> {
    match dtype {
        DataType::F32 => each(bytes, f32::from_le_bytes),
        DataType::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        DataType::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
        _ => doubles(bytes, dtype).into_iter().map(|value| value as f32).collect(),
    }
}

/// Elements as f64, which holds every integer of up to 32 bits.
pub fn doubles(bytes: &[u8], dtype: DataType) -> Vec<f64> {
    match dtype {
        DataType::I8 => each(bytes, |b| f64::from(i8::from_le_bytes(b))),
        DataType::U8 => each(bytes, |b| f64::from(u8::from_le_bytes(b))),
        DataType::I16 => each(bytes, |b| f64::from(i16::from_le_bytes(b))),
        DataType::U16 => each(bytes, |b| f64::from(u16::from_le_bytes(b))),
        DataType::I32 => each(bytes, |b| f64::from(i32::from_le_bytes(b))),
        DataType::U32 => each(bytes, |b| f64::from(u32::from_le_bytes(b))),
        DataType::I64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
        DataType::U64 => each(bytes, |b| u64::from_le_bytes(b) as f64),
        DataType::Fp8E4M3 => each(bytes, |[b]| fp8(b, 4)),
        DataType::Fp8E5M2 => each(bytes, |[b]| fp8(b, 5)),
        DataType::F32 | DataType::Bf16 | DataType::F16 => {
            floats(bytes, dtype).into_iter().map(f64::from).collect()
        }
    }
}

/// Rounds f32 to elements of a type: to nearest even, integers towards zero and clamped.
pub fn from_floats(values: &[f32], dtype: DataType) -> Vec<u8> {
    match dtype {
        DataType::F32 => put(values, f32::to_le_bytes),
        DataType::Bf16 => put(values, |v| bf16::from_f32(v).to_le_bytes()),
        DataType::F16 => put(values, |v| f16::from_f32(v).to_le_bytes()),
        _ => from_doubles(&values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>(), dtype),
    }
}

/// The same from f64. Integers are clamped, as a cast in Rust does.
pub fn from_doubles(values: &[f64], dtype: DataType) -> Vec<u8> {
    match dtype {
        DataType::I8 => put(values, |v| (v as i8).to_le_bytes()),
        DataType::U8 => put(values, |v| (v as u8).to_le_bytes()),
        DataType::I16 => put(values, |v| (v as i16).to_le_bytes()),
        DataType::U16 => put(values, |v| (v as u16).to_le_bytes()),
        DataType::I32 => put(values, |v| (v as i32).to_le_bytes()),
        DataType::U32 => put(values, |v| (v as u32).to_le_bytes()),
        DataType::I64 => put(values, |v| (v as i64).to_le_bytes()),
        DataType::U64 => put(values, |v| (v as u64).to_le_bytes()),
        DataType::Fp8E4M3 => put(values, |v| [to_fp8(v, 4)]),
        DataType::Fp8E5M2 => put(values, |v| [to_fp8(v, 5)]),
        DataType::F32 => put(values, |v| (v as f32).to_le_bytes()),
        DataType::Bf16 => put(values, |v| bf16::from_f64(v).to_le_bytes()),
        DataType::F16 => put(values, |v| f16::from_f64(v).to_le_bytes()),
    }
}

fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| read(chunk)).collect()
}

fn put<const N: usize, T: Copy>(values: &[T], write: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * N];
    for (chunk, &value) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(values) {
        *chunk = write(value);
    }
    bytes
}

/// An 8-bit float with so many bits of exponent. E4M3 has no infinity (as OCP has it, a guess for Gaudi 2).
fn fp8(byte: u8, exponent_bits: u32) -> f64 {
    let mantissa_bits = 7 - exponent_bits;
    let bias = (1i32 << (exponent_bits - 1)) - 1;
    let sign = if byte & 0x80 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from(byte & 0x7f) >> mantissa_bits;
    let mantissa = f64::from(byte & ((1 << mantissa_bits) - 1));
    let unit = f64::from(1u32 << mantissa_bits);
    let top = (1 << exponent_bits) - 1;
    if exponent_bits == 4 && byte & 0x7f == 0x7f {
        return f64::NAN;
    }
    if exponent_bits == 5 && exponent == top {
        return if mantissa == 0.0 { sign * f64::INFINITY } else { f64::NAN };
    }
    if exponent == 0 {
        sign * mantissa / unit * 2f64.powi(1 - bias)
    } else {
        sign * (1.0 + mantissa / unit) * 2f64.powi(exponent - bias)
    }
}

/// To nearest even; beyond the largest number it is that number (the reference has saturation as a mode only).
fn to_fp8(value: f64, exponent_bits: u32) -> u8 {
    let largest: u8 = if exponent_bits == 4 { 0x7e } else { 0x7b };
    if value.is_nan() {
        return 0x7f;
    }
    let sign = if value.is_sign_negative() { 0x80 } else { 0 };
    let magnitude = value.abs();
    let (mut low, mut high) = (0u8, largest);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fp8(middle, exponent_bits) <= magnitude { low = middle } else { high = middle - 1 }
    }
    if low == largest {
        return sign | largest;
    }
    let (below, above) = (magnitude - fp8(low, exponent_bits), fp8(low + 1, exponent_bits) - magnitude);
    let up = above < below || (above == below && low & 1 == 1);
    sign | if up { low + 1 } else { low }
}

//! Encoding parameters: fp8 and NF4 codes with their scales, laid out as [`tintype_program::Encoding`] says.

use crate::host::to_f32;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread;
use tintype_program::{DType, Encoding, Fp8Format, ScaleGranularity, TensorType};

/// The sixteen NF4 levels: quantiles of a normal distribution, scaled to [-1, 1] (Dettmers et al. 2023, appendix E).
pub const NF4_LEVELS: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The value of an fp8 code.
pub fn fp8_value(format: Fp8Format, code: u8) -> f32 {
    let (mantissa_bits, bias) = (format.fraction_bits(), format.bias());
    let magnitude = u32::from(code & 0x7f);
    let (exponent, mantissa) = (magnitude >> mantissa_bits, magnitude & ((1 << mantissa_bits) - 1));
    let special = match format {
        Fp8Format::E4m3 => (magnitude == 0x7f).then_some(f32::NAN),
        Fp8Format::E4m3Fnuz | Fp8Format::E5m2Fnuz => (code == 0x80).then_some(f32::NAN),
        Fp8Format::E5m2 if exponent == 31 => Some(if mantissa == 0 { f32::INFINITY } else { f32::NAN }),
        Fp8Format::E5m2 => None,
    };
    let fraction = mantissa as f32 / (1 << mantissa_bits) as f32;
    let value = special.unwrap_or(match exponent {
        0 => fraction * f32::powi(2.0, 1 - bias),
        _ => (1.0 + fraction) * f32::powi(2.0, exponent as i32 - bias),
    });
    if code & 0x80 != 0 { -value } else { value }
}

/// The largest finite value of an fp8 format.
pub fn fp8_max(format: Fp8Format) -> f32 {
    match format {
        Fp8Format::E4m3 => 448.0,
        Fp8Format::E4m3Fnuz => 240.0,
        Fp8Format::E5m2 | Fp8Format::E5m2Fnuz => 57_344.0,
    }
}

/// The code nearest to a value, ties to the even code, beyond the largest saturated. NaN stays NaN.
pub fn fp8_code(format: Fp8Format, value: f32) -> u8 {
    if value.is_nan() {
        return if format.is_fnuz() { 0x80 } else { 0x7f };
    }
    // Straight-line arithmetic on the bits, for there are billions of weights to encode.
    let (fraction, bias) = (format.fraction_bits(), format.bias());
    let magnitude = value.abs().min(fp8_max(format));
    // Rounded at the last bit of the fraction that is kept, to even; a carry goes into the exponent, as it should.
    let bits = magnitude.to_bits();
    let dropped = 23 - fraction;
    let rounded = (bits + (1 << (dropped - 1)) - 1 + ((bits >> dropped) & 1)) >> dropped;
    let normal = rounded.wrapping_sub(((127 - bias) as u32) << fraction);
    // Below the least exponent the steps are even: those of f32 just above a number that is so much larger.
    let steps = f32::from_bits(((127 + 24 - bias - fraction as i32) as u32) << 23);
    let subnormal = (magnitude + steps).to_bits().wrapping_sub(steps.to_bits());
    let least = f32::from_bits(((128 - bias) as u32) << 23);
    let code = if magnitude < least { subnormal } else { normal } as u8;
    match format {
        // There is no negative zero: its code is NaN.
        _ if format.is_fnuz() && code == 0 => 0,
        _ if value.is_sign_negative() => code | 0x80,
        _ => code,
    }
}

/// Encodes a parameter of type `ty`: codes, padding to 16 bytes, scales. A large one is divided among threads.
///
/// # Errors
///
/// An encoding that does not fit the type, or is none; another number of values than the type has.
pub fn encode(values: &[f32], ty: &TensorType, encoding: &Encoding) -> Result<Vec<u8>, String> {
    encode_stored(DType::F32, bytemuck::cast_slice(values), ty, encoding)
}

/// As [`encode`], of elements as they are stored: they are widened a little at a time, for a list of all in f32 would take longer to
/// write than codes take to find.
pub(crate) fn encode_stored(
    dtype: DType,
    bytes: &[u8],
    ty: &TensorType,
    encoding: &Encoding,
) -> Result<Vec<u8>, String> {
    let layout = encoding.layout(ty)?;
    let values = Stored { dtype, bytes };
    if values.len() != ty.elements() {
        return Err(format!("{} values do not make {ty}", values.len()));
    }
    let (top, per_code) = match encoding {
        Encoding::Plain => return Err("plain parameters have no codes".into()),
        Encoding::Fp8 { format, .. } => (fp8_max(*format), 1),
        Encoding::Nf4 { .. } => (1.0, 2),
    };
    let per_scale = values.len().checked_div(layout.scales).unwrap_or(0).max(1);
    let scales = scales(values, layout.scales, per_scale, top);
    let mut codes = vec![0; layout.scales_offset()];
    let scale_of = |element: usize| scales.get(element / per_scale).copied().unwrap_or(1.0);
    for_each_part(&mut codes[..layout.code_bytes], per_code, |first, codes| {
        let mut at = first * per_code;
        // Runs of one scale: what is divided by is known outside of the loop over elements.
        let mut rest = codes;
        while !rest.is_empty() {
            let run = (per_scale - at % per_scale) / per_code;
            let (part, others) = rest.split_at_mut(run.clamp(1, rest.len()));
            let scale = scale_of(at);
            let mut places = part.iter_mut();
            values.each(at..at + places.len() * per_code, |values| match encoding {
                Encoding::Fp8 { format, .. } => {
                    values.iter().zip(&mut places).for_each(|(v, code)| *code = fp8_code(*format, v / scale));
                }
                _ => values.chunks(2).zip(&mut places).for_each(|(pair, code)| {
                    *code = pair.iter().fold(0, |byte, v| byte << 4 | nf4_code(v / scale));
                }),
            });
            at += part.len() * per_code;
            rest = others;
        }
    });
    codes.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
    Ok(codes)
}

/// Elements in memory.
#[derive(Clone, Copy)]
struct Stored<'v> {
    dtype: DType,
    bytes: &'v [u8],
}

impl Stored<'_> {
    /// Elements that are widened at a time: they stay in a core's own cache. Even, as codes may be of two.
    const PIECE: usize = 4096;

    fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// The elements of a range in f32, one piece after another. A range that ends beyond them ends with them.
    fn each(&self, range: Range<usize>, mut take: impl FnMut(&[f32])) {
        let size = self.dtype.size();
        let bytes = self.bytes.get(range.start * size..).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(range.len() * size)];
        for piece in bytes.chunks(Self::PIECE * size) {
            take(&to_f32(self.dtype, piece));
        }
    }
}

/// A scale for each group of values, which takes the largest magnitude to `top`. Empty groups still have theirs.
fn scales(values: Stored<'_>, count: usize, per_scale: usize, top: f32) -> Vec<f32> {
    // A group may be the whole of a large parameter: its largest is sought in pieces.
    let piece = per_scale.min(ENOUGH);
    let pieces = per_scale.div_ceil(piece);
    let mut largest = vec![0f32; count.saturating_mul(pieces)];
    for_each_part(&mut largest, piece, |first, largest| {
        for (index, largest) in (first..).zip(largest) {
            let group = index / pieces * per_scale;
            let start = group + index % pieces * piece;
            values.each(start..(start + piece).min(group + per_scale), |part| {
                *largest = part.iter().fold(*largest, |most, v| most.max(v.abs()));
            });
        }
    });
    let scale = |largest: &[f32]| largest.iter().fold(0f32, |most, &v| most.max(v)) / top;
    // What is too small to be scaled up is zero.
    largest.chunks(pieces).map(scale).map(|scale| if scale > 0.0 { scale } else { 1.0 }).collect()
}

/// Elements that a thread of its own is worth.
const ENOUGH: usize = 1 << 20;

/// Calls `work` with parts of a list and where each begins; on several threads where `cost` elements an item make that worth it.
/// A thread that the system does not give costs time only.
fn for_each_part<T: Send>(list: &mut [T], cost: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (list.len().saturating_mul(cost) / ENOUGH).clamp(1, cores);
    let each = list.len().div_ceil(threads).max(1);
    let parts = Mutex::new(list.chunks_mut(each).enumerate());
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        while let Some((index, part)) = next() {
            work(index * each, part);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            let _ = thread::Builder::new().spawn_scoped(scope, take);
        }
        take();
    });
}

/// An fp8 parameter of an OCP format, codes and scales, in the FNUZ format of the same fraction, exactly: its bias is greater by
/// one, so that a code stands for half of what it stood for, and scales are doubled. Negative zero becomes zero. With it, the
/// encoding that it then has.
///
/// # Errors
///
/// A parameter that is not of an OCP format or not of its layout's size; a code that is no number, which the other format cannot
/// tell from one; a scale too large to be doubled.
pub fn to_fnuz(bytes: &[u8], ty: &TensorType, encoding: &Encoding) -> Result<(Vec<u8>, Encoding), String> {
    let (format, scales) = match encoding {
        Encoding::Fp8 { format: Fp8Format::E4m3, scales } => (Fp8Format::E4m3Fnuz, *scales),
        Encoding::Fp8 { format: Fp8Format::E5m2, scales } => (Fp8Format::E5m2Fnuz, *scales),
        other => return Err(format!("{other:?} is not an OCP format of 8 bits")),
    };
    let layout = encoding.layout(ty)?;
    let mut made = bytes.to_vec();
    let sized = made.len() == layout.bytes();
    let Some((codes, rest)) = made.split_at_mut_checked(layout.scales_offset()).filter(|_| sized) else {
        return Err(format!("{} bytes, and {ty} takes {}", bytes.len(), layout.bytes()));
    };
    let largest = if format == Fp8Format::E4m3Fnuz { 0x7e } else { 0x7b };
    for (i, code) in codes.iter_mut().take(layout.code_bytes).enumerate() {
        match *code & 0x7f {
            magnitude if magnitude > largest => {
                return Err(format!("element {i}, code {code:#04x}, is no number"));
            }
            0 => *code = 0,
            _ => {}
        }
    }
    for (i, scale) in rest.chunks_exact_mut(4).enumerate() {
        let doubled = 2.0 * scale.try_into().map_or(0.0, f32::from_le_bytes);
        if doubled.is_infinite() {
            return Err(format!("scale {i} is too large to be doubled"));
        }
        scale.copy_from_slice(&doubled.to_le_bytes());
    }
    Ok((made, Encoding::Fp8 { format, scales }))
}

fn nf4_code(value: f32) -> u8 {
    let nearest =
        NF4_LEVELS.iter().enumerate().min_by(|a, b| (a.1 - value).abs().total_cmp(&(b.1 - value).abs()));
    nearest.map_or(7, |(code, _)| code as u8)
}

/// The values of an encoded parameter. Bytes that are missing count as zero codes.
pub fn decode(bytes: &[u8], ty: &TensorType, encoding: &Encoding) -> Result<Vec<f32>, String> {
    let layout = encoding.layout(ty)?;
    if bytes.len() < layout.bytes() {
        return Err(format!("{} bytes do not hold {ty}, which takes {}", bytes.len(), layout.bytes()));
    }
    let elements = ty.elements();
    let per_scale = elements.checked_div(layout.scales).unwrap_or(0).max(1);
    let scales =
        crate::host::to_f32(tintype_program::DType::F32, &bytes[layout.scales_offset()..layout.bytes()]);
    let scale = |i: usize| scales.get(i / per_scale).copied().unwrap_or(1.0);
    Ok(match encoding {
        Encoding::Plain => crate::host::to_f32(ty.dtype, bytes),
        Encoding::Fp8 { format, scales: _ } => {
            let table: Vec<f32> = (0..=255).map(|code| fp8_value(*format, code)).collect();
            (0..elements).map(|i| table[usize::from(bytes[i])] * scale(i)).collect()
        }
        Encoding::Nf4 { .. } => {
            let code = |i: usize| if i.is_multiple_of(2) { bytes[i / 2] >> 4 } else { bytes[i / 2] & 15 };
            (0..elements).map(|i| NF4_LEVELS[usize::from(code(i))] * scale(i)).collect()
        }
    })
}

/// How many elements share a scale along the innermost dimension, for a kernel that reads codes in place: `None` where
/// one scale covers more than a row.
pub fn row_block(ty: &TensorType, encoding: &Encoding) -> Option<usize> {
    match encoding {
        Encoding::Fp8 { scales: ScaleGranularity::Row, .. } => {
            ty.shape.get(1..).map(|rest| rest.iter().product())
        }
        Encoding::Fp8 { scales: ScaleGranularity::Block { size }, .. } => Some(*size),
        Encoding::Nf4 { block } => Some(*block),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::from_f32;

    const FORMATS: [Fp8Format; 4] = Fp8Format::ALL;

    #[test]
    fn every_finite_code_is_its_own_nearest() {
        for format in FORMATS {
            for code in 0..=255u8 {
                let value = fp8_value(format, code);
                if value.is_finite() {
                    assert_eq!(fp8_code(format, value), code, "{format:?} {code:#x} = {value}");
                }
            }
        }
    }

    #[test]
    fn ties_go_to_even_and_large_values_saturate() {
        for format in FORMATS {
            for code in 0..0x70u8 {
                let (a, b) = (fp8_value(format, code), fp8_value(format, code + 1));
                assert_eq!(fp8_code(format, (a + b) / 2.0), code + code % 2, "{format:?} {code:#x}");
            }
            assert_eq!(fp8_value(format, fp8_code(format, 1e9)), fp8_max(format));
            assert_eq!(fp8_value(format, fp8_code(format, f32::NEG_INFINITY)), -fp8_max(format));
            assert!(fp8_value(format, fp8_code(format, f32::NAN)).is_nan());
        }
    }

    #[test]
    fn what_is_too_small_for_a_scale_is_zero() {
        let ty = TensorType::new(DType::F32, [2, 16]);
        let values: Vec<f32> = (0..32).map(|i| if i == 3 { f32::from_bits(1) } else { 0.0 }).collect();
        for scales in [ScaleGranularity::Row, ScaleGranularity::Tensor] {
            let encoding = Encoding::Fp8 { format: Fp8Format::E4m3, scales };
            let decoded = decode(&encode(&values, &ty, &encoding).unwrap(), &ty, &encoding).unwrap();
            assert!(decoded.iter().all(|value| *value == 0.0), "{decoded:?}");
        }
    }

    #[test]
    fn a_large_parameter_is_encoded_as_its_rows_are() {
        let ty = |rows| TensorType::new(DType::F32, [rows, 1024]);
        let (rows, part) = (4096, 61);
        let values: Vec<f32> =
            (0..rows * 1024).map(|i| ((i * 7919 % 10_007) as f32 - 5000.0) / 3e3).collect();
        let fp8 = |scales| Encoding::Fp8 { format: Fp8Format::E4m3, scales };
        let whole = encode(&values, &ty(rows), &fp8(ScaleGranularity::Tensor)).unwrap();
        let largest = values.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert_eq!(whole[rows * 1024..], (largest / 448.0).to_le_bytes());
        for encoding in [fp8(ScaleGranularity::Row), Encoding::Nf4 { block: 64 }] {
            let whole =
                decode(&encode(&values, &ty(rows), &encoding).unwrap(), &ty(rows), &encoding).unwrap();
            for (values, whole) in values.chunks(part * 1024).zip(whole.chunks(part * 1024)) {
                let ty = ty(values.len() / 1024);
                let alone = decode(&encode(values, &ty, &encoding).unwrap(), &ty, &encoding).unwrap();
                assert!(alone == whole, "{encoding:?}");
            }
        }
    }

    #[test]
    fn elements_are_encoded_as_they_are_stored() {
        // More than one piece, and no whole number of them.
        let ty = TensorType::new(DType::Bf16, [3, 2080]);
        let values: Vec<f32> = (0..ty.elements()).map(|i| ((i * 37 % 1009) as f32 - 500.0) / 17.0).collect();
        for dtype in [DType::F32, DType::Bf16, DType::F16] {
            let bytes = from_f32(dtype, &values);
            let widened = to_f32(dtype, &bytes);
            for encoding in [
                Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Row },
                Encoding::Fp8 { format: Fp8Format::E5m2, scales: ScaleGranularity::Tensor },
                Encoding::Nf4 { block: 32 },
            ] {
                let stored = encode_stored(dtype, &bytes, &ty, &encoding).unwrap();
                assert!(stored == encode(&widened, &ty, &encoding).unwrap(), "{dtype} {encoding:?}");
            }
            assert!(encode_stored(dtype, &bytes[dtype.size()..], &ty, &Encoding::Nf4 { block: 32 }).is_err());
        }
    }

    #[test]
    fn every_number_has_the_nearest_code() {
        for format in FORMATS {
            let finite = (0..=255).map(|code| fp8_value(format, code)).filter(|value| value.is_finite());
            let values: Vec<f32> = finite.collect();
            // Every sign and exponent, with fractions all over.
            for bits in (0..u32::MAX).step_by(65_521) {
                let value = f32::from_bits(bits);
                if value.is_nan() {
                    continue;
                }
                let distance = |other: f32| (f64::from(other) - f64::from(value.clamp(-1e30, 1e30))).abs();
                let nearest = values.iter().map(|&value| distance(value)).fold(f64::INFINITY, f64::min);
                let got = fp8_value(format, fp8_code(format, value));
                assert_eq!(distance(got), nearest, "{format:?} {value:e} became {got:e}");
            }
        }
    }

    #[test]
    fn encoded_parameters_decode_within_half_a_step() {
        let ty = TensorType::new(DType::F32, [3, 64]);
        let values: Vec<f32> = (0..192).map(|i| ((i * 37 % 101) as f32 - 50.0) / 17.0).collect();
        let fp8 = |scales| Encoding::Fp8 { format: Fp8Format::E4m3, scales };
        let encodings = [
            (fp8(ScaleGranularity::Tensor), 0.07),
            (fp8(ScaleGranularity::Row), 0.07),
            (fp8(ScaleGranularity::Block { size: 16 }), 0.07),
            (Encoding::Nf4 { block: 32 }, 0.16),
        ];
        for (encoding, tolerance) in encodings {
            let bytes = encode(&values, &ty, &encoding).unwrap();
            assert_eq!(bytes.len(), encoding.layout(&ty).unwrap().bytes());
            let decoded = decode(&bytes, &ty, &encoding).unwrap();
            for (a, b) in values.iter().zip(&decoded) {
                assert!((a - b).abs() <= tolerance * 3.0, "{encoding:?}: {a} {b}");
            }
        }
        assert!(decode(&[0; 3], &ty, &fp8(ScaleGranularity::Row)).is_err());
    }
}

//! Encoding parameters: fp8 and NF4 codes with their scales, laid out as [`tintype_program::Encoding`] says.

use tintype_program::{Encoding, Fp8Format, ScaleGranularity, TensorType};

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
    let magnitude = value.abs().min(fp8_max(format));
    // Codes of one sign are ordered as their values are: the largest code not above the magnitude, then its neighbour.
    let (mut low, mut high) = (0u8, 0x7f);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        // A NaN or infinity compares as above everything.
        if fp8_value(format, middle) <= magnitude { low = middle } else { high = middle - 1 }
    }
    let (below, above) = (fp8_value(format, low), fp8_value(format, low.saturating_add(1).min(0x7f)));
    let up = match (magnitude - below).partial_cmp(&(above - magnitude)) {
        Some(std::cmp::Ordering::Greater) => true,
        Some(std::cmp::Ordering::Equal) => low % 2 == 1,
        _ => false,
    };
    let code = low + u8::from(up && above.is_finite() && above > below);
    match format {
        // There is no negative zero: its code is NaN.
        _ if format.is_fnuz() && code == 0 => 0,
        _ if value.is_sign_negative() => code | 0x80,
        _ => code,
    }
}

/// Encodes a parameter of type `ty`: codes, padding to 16 bytes, scales.
pub fn encode(values: &[f32], ty: &TensorType, encoding: &Encoding) -> Result<Vec<u8>, String> {
    let layout = encoding.layout(ty)?;
    if values.len() != ty.elements() {
        return Err(format!("{} values do not make {ty}", values.len()));
    }
    let per_scale = values.len().checked_div(layout.scales).unwrap_or(0).max(1);
    let mut codes = Vec::with_capacity(layout.bytes());
    let mut scales = Vec::with_capacity(layout.scales);
    for group in values.chunks(per_scale) {
        let largest = group.iter().fold(0f32, |most, v| most.max(v.abs()));
        let top = match encoding {
            Encoding::Fp8 { format, .. } => fp8_max(*format),
            _ => 1.0,
        };
        let scale = if largest > 0.0 { largest / top } else { 1.0 };
        scales.push(scale);
        match encoding {
            Encoding::Plain => return Err("plain parameters have no codes".into()),
            Encoding::Fp8 { format, .. } => codes.extend(group.iter().map(|v| fp8_code(*format, v / scale))),
            Encoding::Nf4 { .. } => codes.extend(
                group.chunks(2).map(|pair| pair.iter().fold(0, |byte, v| byte << 4 | nf4_code(v / scale))),
            ),
        }
    }
    // Empty rows and tensors still have their scales.
    scales.resize(layout.scales, 1.0);
    codes.resize(layout.scales_offset(), 0);
    codes.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
    Ok(codes)
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
    use tintype_program::DType;

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
            assert!(fp8_value(format, fp8_code(format, f32::NAN)).is_nan());
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

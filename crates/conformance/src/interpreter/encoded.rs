//! Encoded parameters: 8-bit floating point and 4-bit NormalFloat.

use tintype_program::{Encoding, Fp8Format, ScaleGranularity, TensorType};

/// The sixteen levels of 4-bit NormalFloat (QLoRA, Dettmers et al. 2023, appendix E).
pub(crate) const NF4: [f64; 16] = [
    -1.0,
    -0.696_192_800_998_687_7,
    -0.525_073_051_452_636_7,
    -0.394_917_488_098_144_53,
    -0.284_441_381_692_886_35,
    -0.184_773_430_228_233_34,
    -0.091_050_036_251_544_95,
    0.0,
    0.079_580_299_556_255_34,
    0.160_930_201_411_247_25,
    0.246_112_301_945_686_34,
    0.337_915_241_718_292_24,
    0.440_709_829_330_444_34,
    0.562_617_003_917_694_1,
    0.722_956_836_223_602_3,
    1.0,
];

/// The value of one 8-bit code.
pub(crate) fn fp8(code: u8, format: Fp8Format) -> f64 {
    let (mantissa_bits, bias) = match format {
        Fp8Format::E4m3 => (3, 7),
        Fp8Format::E4m3Fnuz => (3, 8),
        Fp8Format::E5m2 => (2, 15),
        Fp8Format::E5m2Fnuz => (2, 16),
    };
    let sign = if code & 0x80 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from((code & 0x7f) >> mantissa_bits);
    let mantissa = f64::from(code & ((1 << mantissa_bits) - 1)) / f64::from(1 << mantissa_bits);
    match format {
        Fp8Format::E4m3 if code & 0x7f == 0x7f => return f64::NAN,
        Fp8Format::E4m3Fnuz | Fp8Format::E5m2Fnuz if code == 0x80 => return f64::NAN,
        Fp8Format::E5m2 if exponent == 31 => {
            return if mantissa == 0.0 { sign * f64::INFINITY } else { f64::NAN };
        }
        _ => {}
    }
    if exponent == 0 {
        sign * mantissa * f64::powi(2.0, 1 - bias)
    } else {
        sign * (1.0 + mantissa) * f64::powi(2.0, exponent - bias)
    }
}

/// The plain elements, `code * scale`, of an encoded parameter's buffer; `None` where its size is not the layout's.
pub(crate) fn decode(bytes: &[u8], ty: &TensorType, encoding: &Encoding) -> Option<Vec<f64>> {
    let layout = encoding.layout(ty).ok()?;
    if bytes.len() != layout.bytes() {
        return None;
    }
    let codes = &bytes[..layout.code_bytes];
    let scale_bytes = bytes.get(layout.scales_offset()..).unwrap_or_default();
    let scales: Vec<f64> = super::rounding::from_bytes(scale_bytes, tintype_program::DType::F32);
    let row = ty.shape.iter().skip(1).product::<usize>();
    let decoded = match encoding {
        Encoding::Plain => super::rounding::from_bytes(bytes, ty.dtype),
        Encoding::Fp8 { format, scales: granularity } => {
            let scale_of = |i: usize| match granularity {
                ScaleGranularity::Tensor => 0,
                ScaleGranularity::Row => i / row,
                ScaleGranularity::Block { size } => i / size,
            };
            codes.iter().enumerate().map(|(i, &code)| fp8(code, *format) * scales[scale_of(i)]).collect()
        }
        Encoding::Nf4 { block } => (0..ty.elements())
            .map(|i| {
                let pair = codes[i / 2];
                let code = if i % 2 == 0 { pair >> 4 } else { pair & 15 };
                NF4[usize::from(code)] * scales[i / block]
            })
            .collect(),
    };
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_program::DType;

    #[test]
    fn codes_have_their_published_extremes() {
        assert_eq!(fp8(0x7e, Fp8Format::E4m3), 448.0);
        assert_eq!(fp8(0xfe, Fp8Format::E4m3), -448.0);
        assert_eq!(fp8(0x01, Fp8Format::E4m3), f64::powi(2.0, -9));
        assert_eq!(fp8(0x7f, Fp8Format::E4m3Fnuz), 240.0);
        assert_eq!(fp8(0x01, Fp8Format::E4m3Fnuz), f64::powi(2.0, -10));
        assert_eq!(fp8(0x7b, Fp8Format::E5m2), 57_344.0);
        assert_eq!(fp8(0xfc, Fp8Format::E5m2), f64::NEG_INFINITY);
        assert_eq!(fp8(0x7f, Fp8Format::E5m2Fnuz), 57_344.0);
        assert!([fp8(0x7f, Fp8Format::E4m3), fp8(0x80, Fp8Format::E4m3Fnuz)].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn scales_follow_the_codes_at_a_multiple_of_16() {
        let ty = TensorType::new(DType::F32, [2, 4]);
        let encoding = Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Row };
        let mut bytes = vec![0x38; 8];
        bytes.resize(16, 0xff);
        bytes.extend(2f32.to_le_bytes());
        bytes.extend(3f32.to_le_bytes());
        assert_eq!(decode(&bytes, &ty, &encoding), Some(vec![2., 2., 2., 2., 3., 3., 3., 3.]));
        assert_eq!(decode(&bytes[1..], &ty, &encoding), None);
    }

    #[test]
    fn the_first_of_two_4_bit_codes_is_the_upper_half() {
        let ty = TensorType::new(DType::F32, [16]);
        let mut bytes = vec![0xf0; 8];
        bytes.resize(16, 0);
        bytes.extend(0.5f32.to_le_bytes());
        let values = decode(&bytes, &ty, &Encoding::Nf4 { block: 16 }).unwrap();
        assert_eq!(values[..2], [0.5, -0.5]);
    }
}

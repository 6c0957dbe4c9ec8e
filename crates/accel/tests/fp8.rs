//! Codes of 8-bit floating point against ml_dtypes. `fp8/make.py` writes what it says.

#![allow(clippy::unwrap_used)]

use tintype_accel::encode::{decode, fp8_code, fp8_max, fp8_value, to_fnuz};
use tintype_program::{DType, Encoding, Fp8Format, ScaleGranularity, TensorType};

/// The words of the line of a kind for a format.
fn line(kind: &str, format: Fp8Format) -> Vec<&'static str> {
    let name = match format {
        Fp8Format::E4m3 => "e4m3",
        Fp8Format::E4m3Fnuz => "e4m3_fnuz",
        Fp8Format::E5m2 => "e5m2",
        Fp8Format::E5m2Fnuz => "e5m2_fnuz",
    };
    let mut lines = include_str!("fp8/ml_dtypes.txt").lines().map(|line| line.split(' '));
    let mut found = lines.find(|words| words.clone().take(2).eq([kind, name])).unwrap();
    found.nth(1);
    found.collect()
}

fn float(hexadecimal: &str) -> f32 {
    f32::from_bits(u32::from_str_radix(hexadecimal, 16).unwrap())
}

#[test]
fn every_code_of_every_format_is_the_number_that_ml_dtypes_says_to_the_bit() {
    for format in Fp8Format::ALL {
        let values = line("values", format);
        assert_eq!(values.len(), 256);
        for (code, wanted) in (0..=255).zip(values) {
            let (found, wanted) = (fp8_value(format, code), float(wanted));
            // Of a NaN the other bits say nothing.
            let same = found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan();
            assert!(same, "{format:?} {code:#x}: {found} and {wanted}");
        }
    }
}

#[test]
fn every_number_becomes_the_code_that_ml_dtypes_says() {
    for format in Fp8Format::ALL {
        let pairs = line("codes", format);
        assert!(pairs.len() > 1000, "{}", pairs.len());
        for pair in pairs {
            let (value, code) = pair.split_once(':').unwrap();
            let (value, code) = (float(value), u8::from_str_radix(code, 16).unwrap());
            let found = fp8_code(format, value);
            // There are several codes of NaN.
            let same = found == code || fp8_value(format, found).is_nan() && fp8_value(format, code).is_nan();
            assert!(same, "{format:?} {value}: {found:#x} and {code:#x}");
        }
    }
}

#[test]
fn numbers_beyond_the_largest_are_saturated() {
    for format in Fp8Format::ALL {
        for value in [fp8_max(format) * 1.01, 1e30, f32::INFINITY] {
            assert_eq!(fp8_value(format, fp8_code(format, value)), fp8_max(format), "{format:?}");
            assert_eq!(fp8_value(format, fp8_code(format, -value)), -fp8_max(format), "{format:?}");
        }
    }
}

#[test]
fn ocp_weights_are_the_same_numbers_in_fnuz() {
    for (ocp, fnuz) in [(Fp8Format::E4m3, Fp8Format::E4m3Fnuz), (Fp8Format::E5m2, Fp8Format::E5m2Fnuz)] {
        let numbers: Vec<u8> = (0..=255).filter(|&code| fp8_value(ocp, code).is_finite()).collect();
        let ty = TensorType::new(DType::F32, [1, numbers.len()]);
        let encoding = Encoding::Fp8 { format: ocp, scales: ScaleGranularity::Tensor };
        let layout = encoding.layout(&ty).unwrap();
        let mut bytes = numbers.clone();
        bytes.resize(layout.scales_offset(), 0);
        bytes.extend(0.37_f32.to_le_bytes());
        let (made, other) = to_fnuz(&bytes, &ty, &encoding).unwrap();
        assert_eq!(other, Encoding::Fp8 { format: fnuz, scales: ScaleGranularity::Tensor });
        assert_eq!(decode(&made, &ty, &other).unwrap(), decode(&bytes, &ty, &encoding).unwrap(), "{ocp:?}");
        assert!(!made[..numbers.len()].contains(&0x80), "negative zero is zero");
        // What is no number is refused: its code is a number, or the other format's NaN.
        let not: Vec<u8> = (0..=255).filter(|code| !fp8_value(ocp, *code).is_finite()).collect();
        for code in not {
            let mut bad = bytes.clone();
            bad[3] = code;
            let error = to_fnuz(&bad, &ty, &encoding).unwrap_err();
            assert!(error.contains("element 3") && error.contains("is no number"), "{error}");
        }
        let at = layout.scales_offset();
        bytes[at..].copy_from_slice(&f32::MAX.to_le_bytes());
        assert!(to_fnuz(&bytes, &ty, &encoding).unwrap_err().contains("scale 0"));
        assert!(to_fnuz(&bytes[1..], &ty, &encoding).is_err());
        assert!(to_fnuz(&bytes, &ty, &other).unwrap_err().contains("is not an OCP format"));
    }
}

//! The random numbers against those that PyTorch drew: `tests/fixtures/golden/randn.*`.

mod golden;

use golden::Tensors;
use serde::Deserialize;
use tintype_pipeline::random::{Generator, NoiseDtype};

#[derive(Deserialize)]
struct Facts {
    seeds: Vec<u64>,
    sequences: Vec<Vec<usize>>,
    ends: usize,
    large: Vec<Large>,
}

#[derive(Deserialize)]
struct Large {
    dtype: String,
    seed: u64,
    size: usize,
    sum: f64,
    sha256: String,
}

const DTYPES: [(&str, NoiseDtype); 3] =
    [("f32", NoiseDtype::F32), ("bf16", NoiseDtype::BF16), ("f16", NoiseDtype::F16)];

/// f32 within 4e-6 absolute, since PyTorch's AVX2 code approximates; the others bit for bit.
fn agree(what: &str, dtype: NoiseDtype, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let same = match dtype {
            NoiseDtype::F32 => (g - w).abs() <= 4e-6,
            NoiseDtype::BF16 | NoiseDtype::F16 => g.to_bits() == w.to_bits(),
        };
        assert!(same, "{what}, value {i}: {g} is not {w}");
    }
}

#[test]
fn every_size_and_sequence() {
    let tensors = Tensors::read("randn");
    let facts: Facts = golden::json("randn");
    let mut sequences = 0;
    for (name, dtype) in DTYPES {
        for &seed in &facts.seeds {
            let fresh = |size| Generator::new(seed).randn(dtype, size);
            let stem = format!("{name}.{seed}");
            let sizes: Vec<f32> = (1..=40).flat_map(fresh).collect();
            agree(&stem, dtype, &sizes, &tensors.f32s(&format!("{stem}.sizes_1_to_40")));
            agree(&stem, dtype, &fresh(1000), &tensors.f32s(&format!("{stem}.size_1000")));
            for sequence in &facts.sequences {
                let parts: Vec<String> = sequence.iter().map(usize::to_string).collect();
                let Some(want) = tensors.find(&format!("{stem}.sequence_{}", parts.join("_"))) else {
                    continue;
                };
                let mut generator = Generator::new(seed);
                let draws = sequence.iter().map(|&size| generator.randn(dtype, size));
                let kept = draws.flat_map(|d| if d.len() < 1000 { d } else { d[..facts.ends].to_vec() });
                agree(&stem, dtype, &kept.collect::<Vec<_>>(), &want);
                sequences += 1;
            }
        }
    }
    assert_eq!(sequences, 3 * 3 * facts.sequences.len());
}

#[test]
fn large_draws() {
    let tensors = Tensors::read("randn");
    let facts: Facts = golden::json("randn");
    for large in &facts.large {
        let dtype = DTYPES.iter().find(|(name, _)| *name == large.dtype).unwrap().1;
        let values = Generator::new(large.seed).randn(dtype, large.size);
        let what = format!("{}.{}", large.dtype, large.seed);
        let ends = [&values[..facts.ends], &values[large.size - facts.ends..]].concat();
        agree(&what, dtype, &ends, &tensors.f32s(&format!("{what}.size_{}_ends", large.size)));
        let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
        assert!((sum - large.sum).abs() < 0.05, "{what}: {sum} is not {}", large.sum);
        let bytes: Vec<u8> = match dtype {
            NoiseDtype::F32 => continue,
            NoiseDtype::BF16 => values.iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect(),
            NoiseDtype::F16 => values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect(),
        };
        assert_eq!(golden::sha256(&bytes), large.sha256, "{what}");
    }
}

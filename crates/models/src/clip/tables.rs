//! What the host hands the encoder besides tokens.

use super::Config;
use tintype_program::DType;

/// The mask of causal attention, `[1, 1, length, length]`: 0 where the key is not after the query, else the lowest
/// finite number of `dtype`, as transformers has it. Every entry is exact in `dtype`.
pub fn causal_mask(length: usize, dtype: DType) -> Vec<f32> {
    let hidden = match dtype {
        DType::F16 => half::f16::MIN.to_f32(),
        DType::Bf16 => half::bf16::MIN.to_f32(),
        _ => f32::MIN,
    };
    let entry = |query, key| if key > query { hidden } else { 0.0 };
    (0..length).flat_map(|query| (0..length).map(move |key| entry(query, key))).collect()
}

/// For each row of `ids: [batch, length]`, the index into `batch * length` rows at which the pooled output is taken:
/// the first `eos_token_id`, or the row's start where there is none; with the legacy id 2, the first of the largest
/// ids.
pub fn pooled_index(config: &Config, ids: &[i32], length: usize) -> Vec<i32> {
    let position = |row: &[i32]| match config.eos_token_id {
        2 => row.iter().max().and_then(|most| row.iter().position(|id| id == most)),
        eos => row.iter().position(|&id| i64::from(id) == eos),
    };
    let rows = ids.chunks(length.max(1)).enumerate();
    let index = |(i, row): (usize, &[i32])| i * length + position(row).unwrap_or(0);
    rows.map(index).map(|index| i32::try_from(index).unwrap_or(i32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_takes_the_first_end_of_text() {
        let real = Config { eos_token_id: 5, ..Config::default() };
        let legacy = Config { eos_token_id: 2, ..Config::default() };
        let ids = [1, 5, 5, 9, /**/ 1, 2, 3, 3];
        assert_eq!(pooled_index(&real, &ids, 4), [1, 4]);
        assert_eq!(pooled_index(&legacy, &ids, 4), [3, 6]);
        assert!(pooled_index(&legacy, &[], 0).is_empty());
    }

    #[test]
    fn masks_hide_what_comes_later() {
        assert_eq!(causal_mask(2, DType::F32), [0.0, f32::MIN, 0.0, 0.0]);
        assert_eq!(causal_mask(2, DType::F16)[1], -65504.0);
        assert!(causal_mask(2, DType::Bf16)[1] > f32::MIN);
    }
}

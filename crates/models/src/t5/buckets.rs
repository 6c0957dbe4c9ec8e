//! Which bias a pair of positions has.

use super::Config;

/// The row of the bias table for each query and key, `[length, length]`: the bucket of the key's position less the
/// query's (`T5Attention._relative_position_bucket` of transformers, bidirectional).
///
/// Near positions have a bucket each; further ones share buckets that widen with the logarithm of the distance.
pub fn relative_buckets(config: &Config, length: usize) -> Vec<i32> {
    let row: Vec<i32> = (0..length).map(|distance| bucket(config, distance)).collect();
    let half = as_i32(config.relative_attention_num_buckets / 2);
    let of = |distance: usize| row.get(distance).copied().unwrap_or(0);
    let entry = |query: usize, key: usize| {
        if key > query { half.saturating_add(of(key - query)) } else { of(query - key) }
    };
    (0..length).flat_map(|query| (0..length).map(move |key| entry(query, key))).collect()
}

/// The bucket of a distance, of those for one direction.
fn bucket(config: &Config, distance: usize) -> i32 {
    let buckets = config.relative_attention_num_buckets / 2;
    let exact = buckets / 2;
    if distance < exact || exact == 0 {
        return as_i32(distance);
    }
    // In f32, and in this order: at powers of the base the quotient is a whole number but for rounding, and the
    // rounding decides the bucket.
    let ratio = f64::from(distance as f32 / exact as f32).ln() as f32;
    let base = (config.relative_attention_max_distance as f64 / exact as f64).ln() as f32;
    let steps = ratio / base * (buckets - exact) as f32;
    as_i32(exact.saturating_add(steps as usize).min(buckets - 1))
}

fn as_i32(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_positions_have_buckets_of_their_own_and_far_ones_share() {
        let config = Config::default();
        let table = relative_buckets(&config, 200);
        assert_eq!(table[..9], [0, 17, 18, 19, 20, 21, 22, 23, 24]);
        // transformers 4.57.6: key before query by 8, 11, 12, 16, 32, 64, 127, 128, 199.
        let before: Vec<_> = [8, 11, 12, 16, 32, 64, 127, 128, 199].map(|d| table[d * 200]).into();
        assert_eq!(before, [8, 8, 9, 10, 12, 14, 15, 15, 15]);
        assert!(relative_buckets(&config, 0).is_empty());
    }
}

//! Repeats in five numbers.

use serde::{Deserialize, Serialize};

/// Five numbers of a list, in the list's unit. Quartiles lie between elements where they must, as numpy's do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The least.
    pub min: f64,
    /// A quarter is less.
    pub lower_quartile: f64,
    /// Half is less.
    pub median: f64,
    /// Three quarters are less.
    pub upper_quartile: f64,
    /// The most.
    pub max: f64,
}

impl Summary {
    /// Of a list; none of an empty one.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let at = |share: f64| {
            let place = share * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        Some(Self { min, lower_quartile: at(0.25), median: at(0.5), upper_quartile: at(0.75), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_numbers_are_numpys() {
        let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        let expected =
            Summary { min: 1.0, lower_quartile: 1.75, median: 2.5, upper_quartile: 3.25, max: 4.0 };
        assert_eq!(summary, expected);
        assert_eq!(Summary::of(&[7.0]).unwrap().median, 7.0);
        assert!(Summary::of(&[]).is_none());
    }
}

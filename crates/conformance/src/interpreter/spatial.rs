//! Rotary embedding and nearest-neighbour enlargement.

use super::tensor::Tensor;
use tintype_program::Pairing;

/// Turns each pair `(a, b)` of a head: `a cos - b sin` and `b cos + a sin`, with the cosine and sine that the tables
/// hold for the element that is written (RoFormer, Su et al. 2021, equation 34).
pub(super) fn rotary_embedding(pairing: Pairing, x: &Tensor, cos: &Tensor, sin: &Tensor) -> Tensor {
    let width = x.shape[3];
    Tensor::from_fn(&x.shape, |index| {
        let (token, i) = (index[2], index[3]);
        let (is_first, partner) = match pairing {
            Pairing::Interleaved => (i % 2 == 0, i ^ 1),
            Pairing::Halves => (i < width / 2, (i + width / 2) % width),
        };
        let other = x.at(&[index[0], index[1], token, partner]);
        let turned = if is_first { -other } else { other };
        x.at(index) * cos.at(&[token, i]) + turned * sin.at(&[token, i])
    })
}

pub(super) fn upsample(factors: &[usize], x: &Tensor) -> Tensor {
    let mut shape = x.shape.clone();
    factors.iter().enumerate().for_each(|(axis, factor)| shape[axis + 2] *= factor);
    Tensor::from_fn(&shape, |index| {
        let mut from = index.to_vec();
        factors.iter().enumerate().for_each(|(axis, factor)| from[axis + 2] /= factor);
        x.at(&from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_swaps_pairs() {
        let x = Tensor::new([1, 1, 1, 4], [1., 2., 3., 4.]).unwrap();
        let table = |value| Tensor::new([1, 4], [value; 4]).unwrap();
        let turn = |pairing| rotary_embedding(pairing, &x, &table(0.0), &table(1.0)).data;
        assert_eq!(turn(Pairing::Interleaved), [-2., 1., -4., 3.]);
        assert_eq!(turn(Pairing::Halves), [-3., -4., 1., 2.]);
    }

    #[test]
    fn enlarging_repeats_neighbours() {
        let x = Tensor::new([1, 1, 1, 2], [1., 2.]).unwrap();
        assert_eq!(upsample(&[2, 3], &x).data, [1., 1., 1., 2., 2., 2., 1., 1., 1., 2., 2., 2.]);
    }
}

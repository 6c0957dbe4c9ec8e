//! Matrix products, linear layers and attention.

use super::rounding::E4M3;
use super::tensor::Tensor;
use tintype_program::Activation;

pub(super) fn mat_mul(a: &Tensor, b: &Tensor) -> Tensor {
    let outer = a.shape.len() - 2;
    let (depth, columns) = (b.shape[outer], b.shape[outer + 1]);
    let shape = [&a.shape[..=outer], &[columns]].concat();
    let rows_each = a.shape[outer];
    let mut data = Vec::with_capacity(shape.iter().product());
    for row in 0..a.shape[..=outer].iter().product() {
        let batch = row / rows_each;
        for column in 0..columns {
            let term = |i: usize| a.data[row * depth + i] * b.data[(batch * depth + i) * columns + column];
            data.push((0..depth).map(term).sum());
        }
    }
    Tensor { shape, data }
}

pub(super) fn linear(activation: Activation, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (outputs, depth) = (weight.shape[0], weight.shape[1]);
    let mut shape = x.shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    let rows: usize = x.shape[..x.shape.len() - 1].iter().product();
    let mut data = Vec::with_capacity(rows * outputs);
    for row in 0..rows {
        let mut activations = x.data[row * depth..(row + 1) * depth].to_vec();
        if activation == Activation::DynamicFp8 {
            round_row_to_fp8(&mut activations);
        }
        for output in 0..outputs {
            let weights = &weight.data[output * depth..(output + 1) * depth];
            let sum: f64 = activations.iter().zip(weights).map(|(x, w)| x * w).sum();
            data.push(sum + bias.map_or(0.0, |bias| bias.data[output]));
        }
    }
    Tensor { shape, data }
}

/// Rounds a row to E4M3 with the scale that takes its largest magnitude to the format's largest number.
fn round_row_to_fp8(row: &mut [f64]) {
    let largest = row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest > 0.0 {
        let scale = largest / E4M3.largest;
        row.iter_mut().for_each(|x| *x = E4M3.round_saturating(*x / scale) * scale);
    }
}

pub(super) fn attention(scale: f64, q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>) -> Tensor {
    let [batch, heads, queries, width] = [q.shape[0], q.shape[1], q.shape[2], q.shape[3]];
    let (keys, value_width) = (k.shape[2], v.shape[3]);
    let mut data = Vec::with_capacity(batch * heads * queries * value_width);
    for b in 0..batch {
        for h in 0..heads {
            for s in 0..queries {
                let score = |t: usize| {
                    let dot: f64 = (0..width).map(|d| q.at(&[b, h, s, d]) * k.at(&[b, h, t, d])).sum();
                    scale * dot + mask.map_or(0.0, |mask| mask_at(mask, [b, h, s, t]))
                };
                let scores: Vec<f64> = (0..keys).map(score).collect();
                let weights = softmax_row(&scores);
                for e in 0..value_width {
                    data.push((0..keys).map(|t| weights[t] * v.at(&[b, h, t, e])).sum());
                }
            }
        }
    }
    Tensor { shape: vec![batch, heads, queries, value_width], data }
}

fn mask_at(mask: &Tensor, index: [usize; 4]) -> f64 {
    let within = |axis: usize| if mask.shape[axis] == 1 { 0 } else { index[axis] };
    mask.at(&[within(0), within(1), within(2), within(3)])
}

/// Exponentials divided by their sum. The largest is subtracted first, which changes nothing but the range.
pub(super) fn softmax_row(row: &[f64]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|x| x / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], data: &[f64]) -> Tensor {
        Tensor::new(shape, data).unwrap()
    }

    #[test]
    fn products_of_batches_are_products_of_matrices() {
        let a = tensor(&[2, 1, 2], &[1., 2., 3., 4.]);
        let b = tensor(&[2, 2, 1], &[5., 6., 7., 8.]);
        assert_eq!(mat_mul(&a, &b), tensor(&[2, 1, 1], &[17., 53.]));
        let w = tensor(&[1, 2], &[10., 100.]);
        assert_eq!(linear(Activation::Keep, &a, &w, Some(&tensor(&[1], &[0.5]))).data, [210.5, 430.5]);
    }

    #[test]
    fn a_closed_key_is_not_attended() {
        let x = tensor(&[1, 1, 1, 1], &[1.0]);
        let two = tensor(&[1, 1, 2, 1], &[3.0, 7.0]);
        let mask = tensor(&[1, 1, 1, 2], &[f64::NEG_INFINITY, 0.0]);
        assert_eq!(attention(1.0, &x, &two, &two, Some(&mask)).data, [7.0]);
        assert_eq!(attention(0.0, &x, &two, &two, None).data, [5.0]);
    }

    #[test]
    fn a_row_of_eighths_survives_rounding_to_fp8() {
        let mut row = [448.0, 1.0, -1.125, 0.0, 1.01];
        round_row_to_fp8(&mut row);
        assert_eq!(row, [448.0, 1.0, -1.125, 0.0, 1.0]);
    }
}

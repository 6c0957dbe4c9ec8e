//! Softmax and the norms.

use super::contraction::softmax_row;
use super::tensor::Tensor;

pub(super) fn softmax(axis: usize, x: &Tensor) -> Tensor {
    let extent = x.shape[axis];
    let inner: usize = x.shape[axis + 1..].iter().product();
    let mut data = x.data.clone();
    for outer in 0..x.shape[..axis].iter().product() {
        for i in 0..inner {
            let at = |k: usize| (outer * extent + k) * inner + i;
            let row: Vec<f64> = (0..extent).map(|k| x.data[at(k)]).collect();
            softmax_row(&row).iter().enumerate().for_each(|(k, &value)| data[at(k)] = value);
        }
    }
    Tensor { shape: x.shape.clone(), data }
}

fn mean(row: &[f64]) -> f64 {
    row.iter().sum::<f64>() / row.len() as f64
}

/// Subtracts the mean and divides by the standard deviation, the population's rather than the sample's.
fn standardize(row: &mut [f64], eps: f64) {
    let centre = mean(row);
    row.iter_mut().for_each(|x| *x -= centre);
    let variance = mean(&row.iter().map(|x| x * x).collect::<Vec<_>>());
    row.iter_mut().for_each(|x| *x /= (variance + eps).sqrt());
}

pub(super) fn layer_norm(eps: f64, x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Tensor {
    let mut result = x.clone();
    for row in result.data.chunks_mut(x.innermost()) {
        standardize(row, eps);
        for (i, x) in row.iter_mut().enumerate() {
            *x = *x * weight.map_or(1.0, |w| w.data[i]) + bias.map_or(0.0, |b| b.data[i]);
        }
    }
    result
}

pub(super) fn rms_norm(eps: f64, x: &Tensor, weight: Option<&Tensor>) -> Tensor {
    let mut result = x.clone();
    for row in result.data.chunks_mut(x.innermost()) {
        let square = mean(&row.iter().map(|x| x * x).collect::<Vec<_>>());
        for (i, x) in row.iter_mut().enumerate() {
            *x = *x / (square + eps).sqrt() * weight.map_or(1.0, |w| w.data[i]);
        }
    }
    result
}

pub(super) fn group_norm(
    groups: usize,
    eps: f64,
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Tensor {
    let channels = x.shape[1];
    let inner: usize = x.shape[2..].iter().product();
    let mut result = x.clone();
    result.data.chunks_mut(channels / groups * inner).for_each(|group| standardize(group, eps));
    for (i, plane) in result.data.chunks_mut(inner).enumerate() {
        let channel = i % channels;
        for x in plane {
            *x = *x * weight.map_or(1.0, |w| w.data[channel]) + bias.map_or(0.0, |b| b.data[channel]);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], data: &[f64]) -> Tensor {
        Tensor::new(shape, data).unwrap()
    }

    #[test]
    fn norms_of_a_pair() {
        let x = tensor(&[1, 2], &[1.0, 3.0]);
        let (two, one) = (tensor(&[2], &[2.0, 2.0]), tensor(&[2], &[1.0, 1.0]));
        assert_eq!(layer_norm(0.0, &x, Some(&two), Some(&one)).data, [-1.0, 3.0]);
        assert_eq!(rms_norm(4.0, &x, None).data, [1.0 / 3.0, 1.0]);
        assert_eq!(group_norm(2, 1.0, &x, None, Some(&one)).data, [1.0, 1.0]);
        assert_eq!(group_norm(1, 0.0, &x, None, None).data, [-1.0, 1.0]);
    }

    #[test]
    fn softmax_runs_along_its_axis() {
        let x = tensor(&[2, 2], &[0.0, 5.0, 0.0, 5.0]);
        assert_eq!(softmax(0, &x).data, [0.5; 4]);
        assert!(softmax(1, &x).data[1] > 0.99);
    }
}

//! Operations that move elements without changing them.

use super::tensor::Tensor;
use tintype_program::PadMode;

pub(super) fn reshape(shape: &[usize], x: &Tensor) -> Tensor {
    Tensor { shape: shape.to_vec(), data: x.data.clone() }
}

pub(super) fn transpose(permutation: &[usize], x: &Tensor) -> Tensor {
    let shape: Vec<usize> = permutation.iter().map(|&axis| x.shape[axis]).collect();
    let mut from = vec![0; shape.len()];
    Tensor::from_fn(&shape, |index| {
        permutation.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
        x.at(&from)
    })
}

pub(super) fn slice(starts: &[usize], ends: &[usize], steps: &[usize], x: &Tensor) -> Tensor {
    let axes = 0..x.shape.len();
    let shape: Vec<usize> =
        axes.map(|axis| (starts[axis]..ends[axis]).step_by(steps[axis]).count()).collect();
    Tensor::from_fn(&shape, |index| {
        let from: Vec<usize> =
            index.iter().enumerate().map(|(axis, &i)| starts[axis] + i * steps[axis]).collect();
        x.at(&from)
    })
}

pub(super) fn concat(axis: usize, parts: &[&Tensor]) -> Tensor {
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    Tensor::from_fn(&shape, |index| {
        let mut from = index.to_vec();
        for part in parts {
            if from[axis] < part.shape[axis] {
                return part.at(&from);
            }
            from[axis] -= part.shape[axis];
        }
        f64::NAN
    })
}

/// The index within `0..extent` that a padded index stands for, or `None` where it holds a zero.
pub(super) fn unpadded(index: usize, before: usize, extent: usize, mode: PadMode) -> Option<usize> {
    let inside = (before..before + extent).contains(&index);
    match mode {
        _ if inside => Some(index - before),
        PadMode::Zero => None,
        PadMode::Replicate => Some(index.saturating_sub(before).min(extent - 1)),
    }
}

pub(super) fn pad(before: &[usize], after: &[usize], mode: PadMode, x: &Tensor) -> Tensor {
    let axes = 0..x.shape.len();
    let shape: Vec<usize> = axes.map(|axis| before[axis] + x.shape[axis] + after[axis]).collect();
    Tensor::from_fn(&shape, |index| {
        let from: Option<Vec<usize>> = index
            .iter()
            .enumerate()
            .map(|(axis, &i)| unpadded(i, before[axis], x.shape[axis], mode))
            .collect();
        from.map_or(0.0, |from| x.at(&from))
    })
}

pub(super) fn broadcast(shape: &[usize], x: &Tensor) -> Tensor {
    let outer = shape.len() - x.shape.len();
    Tensor::from_fn(shape, |index| {
        let from: Vec<usize> = index[outer..]
            .iter()
            .zip(&x.shape)
            .map(|(&i, &extent)| if extent == 1 { 0 } else { i })
            .collect();
        x.at(&from)
    })
}

pub(super) fn gather(axis: usize, table: &Tensor, indices: &Tensor) -> Tensor {
    let inner = axis + indices.shape.len();
    let shape = [&table.shape[..axis], &indices.shape, &table.shape[axis + 1..]].concat();
    Tensor::from_fn(&shape, |index| {
        let last = table.shape[axis] as f64 - 1.0;
        let entry = indices.at(&index[axis..inner]).clamp(0.0, last) as usize;
        table.at(&[&index[..axis], &[entry], &index[inner..]].concat())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: &[usize]) -> Tensor {
        let mut n = -1.0;
        Tensor::from_fn(shape, |_| {
            n += 1.0;
            n
        })
    }

    #[test]
    fn elements_land_where_they_should() {
        let x = counting(&[2, 3]);
        assert_eq!(transpose(&[1, 0], &x).data, [0., 3., 1., 4., 2., 5.]);
        assert_eq!(slice(&[0, 0], &[2, 3], &[1, 2], &x).data, [0., 2., 3., 5.]);
        assert_eq!(concat(1, &[&x, &x]).data, [0., 1., 2., 0., 1., 2., 3., 4., 5., 3., 4., 5.]);
        assert_eq!(pad(&[0, 1], &[0, 1], PadMode::Replicate, &x).data[..5], [0., 0., 1., 2., 2.]);
        assert_eq!(pad(&[1, 0], &[0, 0], PadMode::Zero, &x).data[..4], [0., 0., 0., 0.]);
        assert_eq!(broadcast(&[2, 2, 3], &x).data[6..], x.data);
    }

    #[test]
    fn indices_outside_a_table_are_clamped() {
        let table = counting(&[3, 2]);
        let indices = Tensor::new([2], [-5.0, 7.0]).unwrap();
        assert_eq!(gather(0, &table, &indices).data, [0., 1., 4., 5.]);
        assert_eq!(gather(1, &table, &indices).data, [0., 1., 2., 3., 4., 5.]);
    }
}

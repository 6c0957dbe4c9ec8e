//! Axes in another order.

use super::builder::{Builder, Laid, around, flat};
use crate::graph::{MAX_RANK, Params, TensorId};
use tintype_program::{DType, TensorType};

pub(super) fn transpose(
    b: &mut Builder,
    permutation: &[usize],
    x: &Laid,
    ty: &TensorType,
) -> Result<Laid, String> {
    let (shape, permutation) = fewest_axes(&ty.shape, permutation);
    if permutation.iter().enumerate().all(|(i, &axis)| i == axis) {
        let id = b.read(x, &flat(&ty.shape), ty.dtype)?;
        return Ok(Laid::Tensor(id));
    }
    let rank = shape.len();
    if rank <= MAX_RANK {
        let id = b.read(x, &shape, ty.dtype)?;
        return Ok(Laid::Tensor(reorder(b, id, &shape, &permutation, ty.dtype)));
    }
    // One axis after the other to the front, the last first.
    let mut id = b.read(x, &flat(&ty.shape), ty.dtype)?;
    let mut order: Vec<usize> = (0..rank).collect();
    for &axis in permutation.iter().rev() {
        let at = order.iter().position(|&other| other == axis).unwrap_or(0);
        let extents: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let three = around(&extents, at);
        id = b.reshape(id, &three);
        id = reorder(b, id, &three, &[1, 0, 2], ty.dtype);
        order[..=at].rotate_right(1);
    }
    Ok(Laid::Tensor(id))
}

fn reorder(b: &mut Builder, id: TensorId, shape: &[usize], permutation: &[usize], dtype: DType) -> TensorId {
    let rank = shape.len();
    let to: Vec<usize> = permutation.iter().map(|&axis| shape[axis]).collect();
    let turned: Vec<u32> = (0..rank).map(|i| (rank - 1 - permutation[rank - 1 - i]) as u32).collect();
    b.node("transpose", &[id], dtype, &to, Params::transpose(&turned))
}

/// The same reordering over as few axes as can be: those of extent 1 left out, neighbours that stay together as one.
fn fewest_axes(shape: &[usize], permutation: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let kept: Vec<usize> = permutation.iter().copied().filter(|&axis| shape[axis] != 1).collect();
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for &axis in &kept {
        let follows = |last: usize| (last + 1..axis).all(|between| shape[between] == 1) && last < axis;
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|&last| follows(last)) => run.push(axis),
            _ => runs.push(vec![axis]),
        }
    }
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by_key(|&i| runs[i][0]);
    let extents = order.iter().map(|&i| runs[i].iter().map(|&axis| shape[axis]).product()).collect();
    let place = |i| order.iter().position(|&j| j == i).unwrap_or(0);
    (extents, (0..runs.len()).map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::fewest_axes;

    #[test]
    fn axes_that_stay_together_are_one() {
        assert_eq!(fewest_axes(&[2, 3, 4, 5], &[0, 2, 1, 3]), (vec![2, 3, 4, 5], vec![0, 2, 1, 3]));
        assert_eq!(fewest_axes(&[2, 3, 4], &[2, 0, 1]), (vec![6, 4], vec![1, 0]));
        assert_eq!(fewest_axes(&[1, 3, 1, 4], &[0, 1, 3, 2]), (vec![12], vec![0]));
    }
}

//! Operations that move elements without changing them.

use super::{arity, axis_of};
use crate::tensor::MAX_BYTES;
use crate::{DType, PadMode, TensorType};

type Inferred = Result<TensorType, String>;

pub(super) fn reshape(shape: &[usize], operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let to = TensorType::new(operands[0].dtype, shape);
    to.check()?;
    if to.elements() != operands[0].elements() {
        return Err(format!("{} elements do not fill shape {shape:?}", operands[0].elements()));
    }
    Ok(to)
}

pub(super) fn transpose(permutation: &[usize], operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let x = &operands[0];
    let mut sorted = permutation.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.rank()) {
        return Err(format!("{permutation:?} is no permutation of {} axes", x.rank()));
    }
    Ok(TensorType::new(x.dtype, permutation.iter().map(|&axis| x.shape[axis]).collect::<Vec<_>>()))
}

pub(super) fn slice(starts: &[usize], ends: &[usize], steps: &[usize], operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let x = &operands[0];
    if [starts.len(), ends.len(), steps.len()] != [x.rank(); 3] {
        return Err(format!("starts, ends and steps must have {} entries", x.rank()));
    }
    let mut shape = Vec::with_capacity(x.rank());
    for (axis, &extent) in x.shape.iter().enumerate() {
        let (start, end, step) = (starts[axis], ends[axis], steps[axis]);
        if start > end || end > extent || step == 0 {
            return Err(format!(
                "range {start}..{end} step {step} does not fit axis {axis} of extent {extent}"
            ));
        }
        shape.push((end - start).div_ceil(step));
    }
    Ok(TensorType::new(x.dtype, shape))
}

pub(super) fn concat(axis: usize, operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=usize::MAX)?;
    let mut result = operands[0].clone();
    let mut extent = 0usize;
    for x in operands {
        extent = extent.saturating_add(axis_of(x, axis)?);
        let fits = x.dtype == result.dtype
            && x.rank() == result.rank()
            && (0..x.rank()).all(|i| i == axis || x.shape[i] == result.shape[i]);
        if !fits {
            return Err(format!("{x} and {} differ outside axis {axis}", operands[0]));
        }
    }
    result.shape[axis] = extent;
    Ok(result)
}

pub(super) fn pad(before: &[usize], after: &[usize], mode: PadMode, operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let x = &operands[0];
    if before.len() != x.rank() || after.len() != x.rank() {
        return Err(format!("before and after must have {} entries", x.rank()));
    }
    let mut shape = x.shape.clone();
    for (axis, extent) in shape.iter_mut().enumerate() {
        let more = before[axis].saturating_add(after[axis]);
        if mode == PadMode::Replicate && *extent == 0 && more > 0 {
            return Err(format!("axis {axis} is empty: it has no edge to repeat"));
        }
        *extent = extent.saturating_add(more);
    }
    Ok(TensorType::new(x.dtype, shape))
}

pub(super) fn broadcast(shape: &[usize], operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let x = &operands[0];
    let outer = shape.len().checked_sub(x.rank());
    let fits = outer
        .is_some_and(|outer| x.shape.iter().zip(&shape[outer..]).all(|(&from, &to)| from == to || from == 1));
    if !fits {
        return Err(format!("shape {:?} does not broadcast to {shape:?}", x.shape));
    }
    Ok(TensorType::new(x.dtype, shape))
}

pub(super) fn gather(axis: usize, operands: &[TensorType]) -> Inferred {
    arity(operands, 2..=2)?;
    let (table, indices) = (&operands[0], &operands[1]);
    if indices.dtype != DType::I32 {
        return Err(format!("indices are {}, not i32", indices.dtype));
    }
    let extent = axis_of(table, axis)?;
    if extent == 0 && indices.elements() > 0 || extent > MAX_BYTES {
        return Err(format!("axis {axis} of {table} is empty"));
    }
    let mut shape = table.shape[..axis].to_vec();
    shape.extend(&indices.shape);
    shape.extend(&table.shape[axis + 1..]);
    Ok(TensorType::new(table.dtype, shape))
}

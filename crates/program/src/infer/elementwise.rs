//! Operations on single elements, and reductions of them.

use super::{arity, axis_of, float};
use crate::{Binary, DType, Reduce, TensorType};

type Inferred = Result<TensorType, String>;

pub(super) fn constant(value: f64, dtype: DType, operands: &[TensorType]) -> Inferred {
    arity(operands, 0..=0)?;
    if !value.is_finite() {
        return Err(format!("a constant must be finite, not {value}"));
    }
    let (least, most) = match dtype {
        DType::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        DType::U8 => (0.0, 255.0),
        _ => (f64::MIN, f64::MAX),
    };
    if !(least..=most).contains(&value) || (!dtype.is_float() && value.fract() != 0.0) {
        return Err(format!("{value} is not a value of {dtype}"));
    }
    Ok(TensorType::new(dtype, []))
}

pub(super) fn unary(operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    float(&operands[0])?;
    Ok(operands[0].clone())
}

pub(super) fn binary(function: Binary, operands: &[TensorType]) -> Inferred {
    arity(operands, 2..=2)?;
    let (a, b) = (&operands[0], &operands[1]);
    if a.dtype != b.dtype {
        return Err(format!("dtypes {} and {} differ; cast one", a.dtype, b.dtype));
    }
    if a.shape != b.shape {
        return Err(format!("shapes {:?} and {:?} differ; broadcast one", a.shape, b.shape));
    }
    if a.dtype == DType::U8 || (function == Binary::Pow && !a.dtype.is_float()) {
        return Err(format!("{} has no such arithmetic; cast it", a.dtype));
    }
    Ok(a.clone())
}

pub(super) fn cast(dtype: DType, operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    Ok(operands[0].with_dtype(dtype))
}

pub(super) fn reduce(function: Reduce, axes: &[usize], operands: &[TensorType]) -> Inferred {
    arity(operands, 1..=1)?;
    let x = &operands[0];
    float(x)?;
    if axes.is_empty() || axes.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(format!("axes {axes:?} are not ascending, or none"));
    }
    let mut shape = x.shape.clone();
    for &axis in axes {
        if axis_of(x, axis)? == 0 && function != Reduce::Sum {
            return Err(format!("axis {axis} of {x} is empty"));
        }
        shape[axis] = 1;
    }
    Ok(TensorType::new(x.dtype, shape))
}

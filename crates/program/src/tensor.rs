//! Tensor types: an element type and a shape, and the arithmetic of shapes.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::DType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Extents, outermost first. An empty shape is a scalar.
pub type Shape = Vec<usize>;

/// The largest tensor that a Program may name, in bytes. Far above any device, low enough that sums of sizes
/// never overflow.
pub const MAX_BYTES: usize = 1 << 46;

/// The most dimensions a tensor may have.
pub const MAX_RANK: usize = 8;

/// An element type and a shape. Row-major order is implied where bytes cross an interface; inside a plugin,
/// layout is the plugin's business.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The extents, outermost first.
    pub shape: Shape,
}

impl TensorType {
    /// A tensor type from its parts.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Self {
        Self { dtype, shape: shape.into() }
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many elements there are. Exact for every type that passed [`TensorType::check`].
    pub fn elements(&self) -> usize {
        self.shape.iter().fold(1, |n, &extent| n.saturating_mul(extent))
    }

    /// How many bytes the elements take without padding.
    pub fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.size())
    }

    /// The same shape with another element type.
    pub fn with_dtype(&self, dtype: DType) -> Self {
        Self { dtype, shape: self.shape.clone() }
    }

    /// Refuses ranks beyond [`MAX_RANK`] and sizes beyond 64 TiB (2^46 bytes).
    pub fn check(&self) -> Result<(), String> {
        if self.rank() > MAX_RANK {
            return Err(format!("{self} has {} dimensions; at most {MAX_RANK} are allowed", self.rank()));
        }
        // A zero anywhere makes the product zero, so extents are bounded one by one as well.
        if self.bytes() > MAX_BYTES || self.shape.iter().any(|&extent| extent > MAX_BYTES) {
            return Err(format!("{self} is larger than {MAX_BYTES} bytes"));
        }
        Ok(())
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.shape)
    }
}

/// The shape that two operands of an elementwise operation share: extents are equal, or one of them is 1, aligned
/// at the innermost dimension (NumPy's rule). `None` where there is none.
pub fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Shape> {
    let rank = a.len().max(b.len());
    (0..rank)
        .map(|i| {
            let extent = |s: &[usize]| {
                let missing = rank.saturating_sub(s.len());
                i.checked_sub(missing).and_then(|k| s.get(k)).copied()
            };
            match (extent(a).unwrap_or(1), extent(b).unwrap_or(1)) {
                (x, y) if x == y => Some(x),
                (1, y) => Some(y),
                (x, 1) => Some(x),
                _ => None,
            }
        })
        .collect()
}

/// Row-major strides of a shape, in elements. Exact for every tensor that has elements.
pub fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    let mut inner = 1usize;
    for (stride, &extent) in strides.iter_mut().zip(shape).rev() {
        *stride = inner;
        // Nothing is multiplied where a tensor is empty, and its other extents may be anything.
        inner = inner.saturating_mul(extent);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_as_numpys_do() {
        assert_eq!(broadcast_shapes(&[2, 1, 3], &[4, 1]), Some(vec![2, 4, 3]));
        assert_eq!(broadcast_shapes(&[], &[5]), Some(vec![5]));
        assert_eq!(broadcast_shapes(&[2], &[3]), None);
        assert_eq!(broadcast_shapes(&[0], &[1]), Some(vec![0]));
    }

    #[test]
    fn absurd_types_are_refused_without_overflow() {
        assert!(TensorType::new(DType::F32, [usize::MAX, usize::MAX]).check().is_err());
        assert!(TensorType::new(DType::F32, [usize::MAX, 0]).check().is_err());
        assert!(TensorType::new(DType::F32, [1; 9]).check().is_err());
        assert!(TensorType::new(DType::F32, [0, 7]).check().is_ok());
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(contiguous_strides(&[2, 3, 4]), [12, 4, 1]);
        assert!(contiguous_strides(&[]).is_empty());
        assert_eq!(contiguous_strides(&[0, MAX_BYTES, MAX_BYTES])[2], 1);
    }
}

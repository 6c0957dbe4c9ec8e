//! Where a kernel finds the elements of a tensor.

use tintype_program::{DType, contiguous_strides};

/// A tensor in device memory. Element `(i, j, ...)` lies `offset + i * strides[0] + j * strides[1] + ...` elements behind
/// an address that is a multiple of 64 bytes; a stride of 0 repeats an element. Kernels are given the address of the
/// first element, `offset` already added, so that only what it says of alignment matters to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The element type.
    pub dtype: DType,
    /// The extents, outermost first.
    pub shape: Vec<usize>,
    /// The distance between neighbours along each axis, in elements.
    pub strides: Vec<usize>,
    /// Where the first element lies, in elements.
    pub offset: usize,
}

impl View {
    /// A tensor in row-major order from an aligned address on.
    pub fn contiguous(dtype: DType, shape: &[usize]) -> Self {
        Self { dtype, shape: shape.to_vec(), strides: contiguous_strides(shape), offset: 0 }
    }

    /// How many elements there are.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the elements lie in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let packed = self.shape.iter().zip(&self.strides).rev().all(|(&extent, &stride)| {
            let fits = extent == 1 || stride == expected;
            expected *= extent;
            fits
        });
        packed || self.shape.contains(&0)
    }
}

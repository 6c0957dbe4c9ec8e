//! Tensors in host memory as kernels see them: strided views to read, contiguous slices to write.

use half::{bf16, f16};
use tintype_program::DType;

/// A type of element. Arithmetic is done in f32 and rounded once, when the result is stored.
pub trait Element: Copy + Default + Send + Sync + bytemuck::Pod + 'static {
    /// The dtype that it is.
    const DTYPE: DType;

    /// Its value; exact for the floating-point types.
    fn to_f32(self) -> f32;

    /// The nearest element, ties to even; integers truncate and saturate.
    fn from_f32(value: f32) -> Self;
}

macro_rules! element {
    ($type:ty, $dtype:ident, $to:expr, $from:expr) => {
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;

            #[inline(always)]
            fn to_f32(self) -> f32 {
                $to(self)
            }

            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                $from(value)
            }
        }
    };
}

element!(f32, F32, |v| v, |v| v);
element!(bf16, Bf16, bf16::to_f32, bf16::from_f32);
element!(f16, F16, f16::to_f32, f16::from_f32);
element!(i32, I32, |v| v as f32, |v| v as i32);
element!(u8, U8, f32::from, |v| v as u8);

/// A tensor to read: element `(i, j, ...)` is `data[i * strides[0] + j * strides[1] + ...]`. A stride of 0 repeats.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    data: &'a [T],
    shape: &'a [usize],
    strides: &'a [usize],
}

impl<'a, T: Copy> View<'a, T> {
    /// A view whose every element lies in `data`; `None` where one does not.
    pub fn new(data: &'a [T], shape: &'a [usize], strides: &'a [usize]) -> Option<Self> {
        if shape.len() != strides.len() {
            return None;
        }
        let empty = shape.contains(&0);
        let last: usize = shape.iter().zip(strides).map(|(n, s)| n.saturating_sub(1) * s).sum();
        (empty || last < data.len()).then_some(Self { data, shape, strides })
    }

    /// The extents.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The distance between neighbours along each axis, in elements.
    pub fn strides(&self) -> &'a [usize] {
        self.strides
    }

    /// The elements that the strides lead through, and others between them.
    pub fn data(&self) -> &'a [T] {
        self.data
    }

    /// How many elements it has.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A view of any dtype.
#[derive(Clone, Copy, Debug)]
pub enum AnyView<'a> {
    /// Of `f32`.
    F32(View<'a, f32>),
    /// Of `bf16`.
    Bf16(View<'a, bf16>),
    /// Of `f16`.
    F16(View<'a, f16>),
    /// Of `i32`.
    I32(View<'a, i32>),
    /// Of `u8`.
    U8(View<'a, u8>),
}

/// Contiguous elements of any dtype to write.
#[derive(Debug)]
pub enum AnySlice<'a> {
    /// Of `f32`.
    F32(&'a mut [f32]),
    /// Of `bf16`.
    Bf16(&'a mut [bf16]),
    /// Of `f16`.
    F16(&'a mut [f16]),
    /// Of `i32`.
    I32(&'a mut [i32]),
    /// Of `u8`.
    U8(&'a mut [u8]),
}

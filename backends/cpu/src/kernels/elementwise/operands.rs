//! A group's operands: views and slices of any dtype, to and from registers.

use super::TILE;
use crate::kernels::convert;
use crate::kernels::walk::{Reader, Walk};
use crate::tensor::{AnySlice, AnyView, View};
use half::{bf16, f16};
use smallvec::{SmallVec, smallvec};
use tintype_program::{DType, MAX_RANK};

/// A view of any dtype, broadcast to a group's shape.
pub(super) enum AnyReader<'a> {
    F32(Reader<'a, f32>),
    Bf16(Reader<'a, bf16>),
    F16(Reader<'a, f16>),
    I32(Reader<'a, i32>),
    U8(Reader<'a, u8>),
}

/// Reads a view as broadcast to `shape`, axes aligned at the innermost.
fn broadcast<'a, T: Copy>(view: &View<'a, T>, shape: &[usize]) -> Reader<'a, T> {
    let mut strides: SmallVec<[usize; MAX_RANK]> = smallvec![0; shape.len()];
    let axes = view.shape().iter().zip(view.strides()).rev();
    for (to, (extent, stride)) in strides.iter_mut().rev().zip(axes) {
        *to = if *extent == 1 { 0 } else { *stride };
    }
    Reader::over(view.data(), Walk::new(shape, &strides))
}

impl<'a> AnyReader<'a> {
    pub fn new(view: &AnyView<'a>, shape: &[usize]) -> Self {
        match view {
            AnyView::F32(view) => Self::F32(broadcast(view, shape)),
            AnyView::Bf16(view) => Self::Bf16(broadcast(view, shape)),
            AnyView::F16(view) => Self::F16(broadcast(view, shape)),
            AnyView::I32(view) => Self::I32(broadcast(view, shape)),
            AnyView::U8(view) => Self::U8(broadcast(view, shape)),
        }
    }

    /// Reads elements from `start` on into a register; integers as the bits of i32.
    #[inline(always)]
    pub fn load(&self, start: usize, to: &mut [f32]) {
        match self {
            Self::F32(reader) => reader.load(0, start, to),
            Self::Bf16(reader) => reader.load(0, start, to),
            Self::F16(reader) => reader.load(0, start, to),
            Self::I32(reader) => reader.copy(0, start, bytemuck::cast_slice_mut(to)),
            Self::U8(reader) => {
                let mut bytes = [0; TILE];
                let bytes = &mut bytes[..to.len()];
                reader.copy(0, start, bytes);
                let to: &mut [i32] = bytemuck::cast_slice_mut(to);
                to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = i32::from(*byte));
            }
        }
    }
}

/// The dtype of a view's elements.
pub(super) fn view_dtype(view: &AnyView) -> DType {
    match view {
        AnyView::F32(_) => DType::F32,
        AnyView::Bf16(_) => DType::Bf16,
        AnyView::F16(_) => DType::F16,
        AnyView::I32(_) => DType::I32,
        AnyView::U8(_) => DType::U8,
    }
}

/// The dtype of a slice's elements.
pub(super) fn slice_dtype(slice: &AnySlice) -> DType {
    match slice {
        AnySlice::F32(_) => DType::F32,
        AnySlice::Bf16(_) => DType::Bf16,
        AnySlice::F16(_) => DType::F16,
        AnySlice::I32(_) => DType::I32,
        AnySlice::U8(_) => DType::U8,
    }
}

/// How many elements a slice has.
pub(super) fn len(slice: &AnySlice) -> usize {
    match slice {
        AnySlice::F32(slice) => slice.len(),
        AnySlice::Bf16(slice) => slice.len(),
        AnySlice::F16(slice) => slice.len(),
        AnySlice::I32(slice) => slice.len(),
        AnySlice::U8(slice) => slice.len(),
    }
}

/// The same slice for a shorter time.
pub(super) fn borrow<'a>(slice: &'a mut AnySlice) -> AnySlice<'a> {
    match slice {
        AnySlice::F32(slice) => AnySlice::F32(slice),
        AnySlice::Bf16(slice) => AnySlice::Bf16(slice),
        AnySlice::F16(slice) => AnySlice::F16(slice),
        AnySlice::I32(slice) => AnySlice::I32(slice),
        AnySlice::U8(slice) => AnySlice::U8(slice),
    }
}

/// A slice in two parts.
pub(super) fn split(slice: AnySlice<'_>, middle: usize) -> (AnySlice<'_>, AnySlice<'_>) {
    macro_rules! halves {
        ($variant:ident, $slice:expr) => {{
            let (left, right) = $slice.split_at_mut(middle);
            (AnySlice::$variant(left), AnySlice::$variant(right))
        }};
    }
    match slice {
        AnySlice::F32(slice) => halves!(F32, slice),
        AnySlice::Bf16(slice) => halves!(Bf16, slice),
        AnySlice::F16(slice) => halves!(F16, slice),
        AnySlice::I32(slice) => halves!(I32, slice),
        AnySlice::U8(slice) => halves!(U8, slice),
    }
}

/// Stores a register from element `from` on, rounded.
#[inline(always)]
pub(super) fn store(slice: &mut AnySlice, from: usize, register: &[f32]) {
    let range = from..from + register.len();
    match slice {
        AnySlice::F32(slice) => slice[range].copy_from_slice(register),
        AnySlice::Bf16(slice) => convert::from_f32(register, &mut slice[range]),
        AnySlice::F16(slice) => convert::from_f32(register, &mut slice[range]),
        AnySlice::I32(slice) => slice[range].copy_from_slice(bytemuck::cast_slice(register)),
        AnySlice::U8(slice) => {
            // A u8 register holds no other values; a cast to u8 has clamped them.
            let register: &[i32] = bytemuck::cast_slice(register);
            slice[range].iter_mut().zip(register).for_each(|(to, v)| *to = *v as u8);
        }
    }
}

//! Bytes as the views and slices that kernels take.

use crate::compile::{Operand, Packing};
use crate::kernels::encoded::Encoded;
use crate::kernels::linear::Weight;
use crate::kernels::panels::Panels;
use crate::tensor::{AnySlice, AnyView, Element, View};
use bytemuck::{try_cast_slice, try_cast_slice_mut};
use tintype_program::DType;

/// An operand with its bytes.
#[derive(Clone, Copy)]
pub(super) struct Argument<'a> {
    pub(super) operand: &'a Operand,
    pub(super) bytes: &'a [u8],
}

impl<'a> Argument<'a> {
    /// The operand as a view of `T`, which must be its dtype.
    pub(super) fn view<T: Element>(&self) -> Result<View<'a, T>, String> {
        let Operand { ty, strides, encoding, .. } = self.operand;
        if ty.dtype != T::DTYPE || !encoding.is_plain() || self.operand.packing.is_some() {
            return Err(format!("{ty} {encoding:?} is no plain {}", T::DTYPE));
        }
        let data = try_cast_slice(self.bytes).map_err(|error| format!("{ty}: {error}"))?;
        View::new(data, &ty.shape, strides)
            .ok_or_else(|| format!("{ty} lies outside its {} elements", data.len()))
    }

    /// The operand as a view of whatever dtype it has.
    pub(super) fn any_view(&self) -> Result<AnyView<'a>, String> {
        Ok(match self.operand.ty.dtype {
            DType::F32 => AnyView::F32(self.view()?),
            DType::Bf16 => AnyView::Bf16(self.view()?),
            DType::F16 => AnyView::F16(self.view()?),
            DType::I32 => AnyView::I32(self.view()?),
            DType::U8 => AnyView::U8(self.view()?),
        })
    }

    /// The operand as an encoded parameter.
    pub(super) fn encoded(&self) -> Result<Encoded<'a>, String> {
        Encoded::new(self.bytes, &self.operand.ty, &self.operand.encoding)
    }

    /// The operand as the packed weight of a linear layer, where it is one.
    pub(super) fn panels(&self) -> Option<Panels<'a>> {
        match (self.operand.packing, &self.operand.ty.shape[..]) {
            (Some(Packing::Panels), &[n, k]) => Some(Panels { bytes: self.bytes, n, k }),
            _ => None,
        }
    }

    /// The operand as the packed weight of a convolution: how it is packed, its shape and its bytes.
    pub(super) fn packed_convolution(&self) -> Option<(Packing, &'a [usize], &'a [u8])> {
        let packing = self.operand.packing.filter(|packing| *packing != Packing::Panels)?;
        Some((packing, &self.operand.ty.shape, self.bytes))
    }

    /// The operand as the weight of a linear layer.
    pub(super) fn weight<T: Element>(&self) -> Result<Weight<'a, T>, String> {
        Ok(match self.operand.encoding.is_plain() {
            true => Weight::Plain(self.view()?),
            false => Weight::Encoded(self.encoded()?),
        })
    }
}

/// Bytes to write as elements.
pub(super) fn any_slice(dtype: DType, bytes: &mut [u8]) -> Result<AnySlice<'_>, String> {
    Ok(match dtype {
        DType::F32 => AnySlice::F32(cast(bytes)?),
        DType::Bf16 => AnySlice::Bf16(cast(bytes)?),
        DType::F16 => AnySlice::F16(cast(bytes)?),
        DType::I32 => AnySlice::I32(cast(bytes)?),
        DType::U8 => AnySlice::U8(bytes),
    })
}

fn cast<T: Element>(bytes: &mut [u8]) -> Result<&mut [T], String> {
    try_cast_slice_mut(bytes).map_err(|error| format!("{}: {error}", T::DTYPE))
}

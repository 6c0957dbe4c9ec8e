//! Elements to f32 and back, a slice at a time.

use crate::tensor::Element;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use tintype_program::DType;

/// Widens elements. The slices are of one length.
#[inline(always)]
pub(crate) fn to_f32<T: Element>(from: &[T], to: &mut [f32]) {
    if let Some(from) = same::<T, f32>(from) {
        to.copy_from_slice(from);
    } else if let Some(from) = same::<T, f16>(from) {
        from.convert_to_f32_slice(to);
    } else if let Some(from) = same::<T, bf16>(from) {
        // The upper half of an f32; without `bf16::to_f32`'s care for signalling NaNs the loop is vectorised.
        to.iter_mut().zip(from).for_each(|(t, s)| *t = f32::from_bits(u32::from(s.to_bits()) << 16));
    } else {
        to.iter_mut().zip(from).for_each(|(t, s)| *t = s.to_f32());
    }
}

/// Rounds elements. The slices are of one length.
#[inline(always)]
pub(crate) fn from_f32<T: Element>(from: &[f32], to: &mut [T]) {
    if let Some(to) = same_mut::<T, f32>(to) {
        to.copy_from_slice(from);
    } else if let Some(to) = same_mut::<T, f16>(to) {
        to.convert_from_f32_slice(from);
    } else if let Some(to) = same_mut::<T, bf16>(to) {
        to.iter_mut().zip(from).for_each(|(t, s)| *t = bf16::from_bits(bf16_bits(*s)));
    } else {
        to.iter_mut().zip(from).for_each(|(t, s)| *t = T::from_f32(*s));
    }
}

/// Rounds values in place to a floating-point dtype.
#[inline(always)]
pub(crate) fn round(values: &mut [f32], dtype: DType) {
    match dtype {
        DType::Bf16 => values.iter_mut().for_each(|v| *v = f32::from_bits(u32::from(bf16_bits(*v)) << 16)),
        DType::F16 => values.iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32()),
        _ => {}
    }
}

/// The bits of the nearest bf16, ties to even, without a branch.
#[inline(always)]
fn bf16_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    (if value.is_nan() { bits >> 16 | 0x40 } else { rounded }) as u16
}

/// An f32 that rounds to any narrower format as the f64 does: truncated, its last bit set if anything was lost (Boldo
/// and Melquiond 2008, rounding to odd).
pub(crate) fn narrow(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back == value || !nearest.is_finite() || nearest.to_bits() & 1 == 1 {
        return nearest;
    }
    // The nearest is even, so its neighbour on the value's side is odd.
    let away = (back.abs() < value.abs()) || nearest == 0.0;
    f32::from_bits(if away { nearest.to_bits() + 1 } else { nearest.to_bits() - 1 })
}

/// The slice itself, where `T` is `U`.
#[inline(always)]
fn same<T: Element, U: Element>(slice: &[T]) -> Option<&[U]> {
    if T::DTYPE == U::DTYPE { bytemuck::try_cast_slice(slice).ok() } else { None }
}

#[inline(always)]
fn same_mut<T: Element, U: Element>(slice: &mut [T]) -> Option<&mut [U]> {
    if T::DTYPE == U::DTYPE { bytemuck::try_cast_slice_mut(slice).ok() } else { None }
}

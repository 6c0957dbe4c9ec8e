//! Tensors in host memory, and where they come from.

use crate::HostBytes;
use half::{bf16, f16};
use tintype_program::{DType, Shape};

/// A tensor in host memory: little-endian elements in row-major order.
#[derive(Clone, Debug)]
pub struct HostTensor {
    /// The element type.
    pub dtype: DType,
    /// The extents.
    pub shape: Shape,
    /// The elements.
    pub bytes: HostBytes,
}

/// Tensors by name: a checkpoint.
pub trait TensorSource {
    /// What it is, for messages: a folder or a file.
    fn origin(&self) -> String;

    /// The tensors' names.
    fn names(&self) -> Vec<String>;

    /// A tensor. `Ok(None)` where there is none of this name; an error text where it cannot be read.
    fn get(&self, name: &str) -> Result<Option<HostTensor>, String>;
}

impl HostTensor {
    /// A tensor of f32 elements.
    pub fn from_f32(shape: impl Into<Shape>, values: &[f32]) -> Self {
        Self { dtype: DType::F32, shape: shape.into(), bytes: from_f32(DType::F32, values).into() }
    }

    /// The same tensor in another dtype: to nearest, ties to even.
    pub fn cast(&self, dtype: DType) -> Result<Self, String> {
        if dtype == self.dtype {
            return Ok(self.clone());
        }
        if !dtype.is_float() {
            return Err(format!("a tensor of {} does not make one of {dtype}", self.dtype));
        }
        let values = to_f32(self.dtype, self.bytes.as_slice());
        Ok(Self { dtype, shape: self.shape.clone(), bytes: from_f32(dtype, &values).into() })
    }
}

/// Elements as f32. A last element that is cut off is left out.
pub fn to_f32(dtype: DType, bytes: &[u8]) -> Vec<f32> {
    let two = |pair: &[u8]| u16::from_le_bytes([pair[0], pair[1]]);
    let four = |quad: &[u8]| u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]);
    match dtype {
        DType::F32 => bytes.chunks_exact(4).map(|quad| f32::from_bits(four(quad))).collect(),
        DType::Bf16 => bytes.chunks_exact(2).map(|pair| bf16::from_bits(two(pair)).to_f32()).collect(),
        DType::F16 => bytes.chunks_exact(2).map(|pair| f16::from_bits(two(pair)).to_f32()).collect(),
        DType::I32 => bytes.chunks_exact(4).map(|quad| four(quad) as i32 as f32).collect(),
        DType::U8 => bytes.iter().map(|&byte| f32::from(byte)).collect(),
    }
}

/// f32 values as elements of a dtype: to nearest, ties to even; integers truncate and saturate.
pub fn from_f32(dtype: DType, values: &[f32]) -> Vec<u8> {
    match dtype {
        DType::F32 => each(values, f32::to_le_bytes),
        DType::Bf16 => each(values, |v| bf16::from_f32(v).to_le_bytes()),
        DType::F16 => each(values, |v| f16::from_f32(v).to_le_bytes()),
        DType::I32 => each(values, |v| (v as i32).to_le_bytes()),
        DType::U8 => each(values, |v| [v as u8]),
    }
}

/// The bytes of all elements. Into places that are there: adding each byte to a list takes many times as long.
fn each<const SIZE: usize>(values: &[f32], to_bytes: impl Fn(f32) -> [u8; SIZE]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * SIZE];
    for (place, &value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
        *place = to_bytes(value);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_round_to_nearest_even() {
        let tensor = HostTensor::from_f32([3], &[1.0, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0]);
        let cast = tensor.cast(DType::Bf16).unwrap();
        assert_eq!(to_f32(DType::Bf16, cast.bytes.as_slice()), [1.0, 1.0, 1.015_625]);
        assert!(tensor.cast(DType::I32).is_err());
    }
}

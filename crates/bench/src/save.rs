//! Inputs and outputs as safetensors, so that another program can run the same and compare.

use crate::{Error, Result};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::path::Path;
use tintype_program::{DType, TensorType};

/// Tensors by name.
pub(crate) type Named<'t> = (&'t str, &'t TensorType, &'t [u8]);

/// Writes a file.
pub(crate) fn save(path: &Path, tensors: &[Named<'_>]) -> Result<()> {
    let refuse = |reason: String| Error::File { path: path.to_path_buf(), reason };
    let mut views = Vec::with_capacity(tensors.len());
    for &(name, ty, bytes) in tensors {
        let view = TensorView::new(stored(ty.dtype), ty.shape.clone(), bytes);
        views.push((name, view.map_err(|e| refuse(e.to_string()))?));
    }
    safetensors::serialize_to_file(views, None, path).map_err(|e| refuse(e.to_string()))
}

/// The dtype as safetensors names it.
pub(crate) fn stored(dtype: DType) -> Dtype {
    match dtype {
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::Bf16 => Dtype::BF16,
        DType::I32 => Dtype::I32,
        DType::U8 => Dtype::U8,
    }
}

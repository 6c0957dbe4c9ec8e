//! A checkpoint as the accelerator layer reads it.

use crate::files::{Bytes, Checkpoint};
use safetensors::Dtype;
use std::sync::Arc;
use tintype_accel::{HostBytes, HostTensor, TensorSource};
use tintype_program::DType;

/// The element type that a stored dtype is, where there is one.
pub(crate) fn dtype_of(stored: Dtype) -> Option<DType> {
    match stored {
        Dtype::F32 => Some(DType::F32),
        Dtype::F16 => Some(DType::F16),
        Dtype::BF16 => Some(DType::Bf16),
        Dtype::I32 => Some(DType::I32),
        Dtype::U8 => Some(DType::U8),
        _ => None,
    }
}

impl TensorSource for Checkpoint {
    fn origin(&self) -> String {
        self.place().display().to_string()
    }

    fn names(&self) -> Vec<String> {
        Checkpoint::names(self).map(str::to_owned).collect()
    }

    fn get(&self, name: &str) -> Result<Option<HostTensor>, String> {
        let Some(tensor) = self.mapped(name) else { return Ok(None) };
        let dtype = dtype_of(tensor.dtype)
            .ok_or_else(|| format!("it is stored as {:?}; f32, f16 and bf16 are read", tensor.dtype))?;
        let bytes = match tensor.content {
            Bytes::Mapped(file) => HostBytes::File(file, tensor.range),
            content => HostBytes::Shared(Arc::new(content), tensor.range),
        };
        Ok(Some(HostTensor { dtype, shape: tensor.shape, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;
    use std::fs::OpenOptions;

    #[test]
    fn a_file_that_was_cut_short_since_it_was_opened_is_an_error() {
        const LENGTH: usize = 1 << 20;
        let scratch = Scratch::new();
        let path = scratch.path().join("model.safetensors");
        let data = vec![7; LENGTH];
        let view = safetensors::tensor::TensorView::new(Dtype::U8, vec![LENGTH], &data).unwrap();
        safetensors::serialize_to_file([("w", view)], None, &path).unwrap();
        let checkpoint = Checkpoint::from_file(&path).unwrap();
        let tensor = TensorSource::get(&checkpoint, "w").unwrap().unwrap();
        let mut read = vec![0; LENGTH];
        tensor.bytes.copy_to(0, &mut read).unwrap();
        assert!(read == data);
        OpenOptions::new().write(true).open(&path).unwrap().set_len(LENGTH as u64 / 2).unwrap();
        tensor.bytes.copy_to(100, &mut read[..4096]).unwrap();
        let told = tensor.bytes.copy_to(0, &mut read).unwrap_err().to_string();
        assert!(told.contains("model.safetensors") && told.contains("cut it short"), "{told}");
        let told = tensor.bytes.copy_to(LENGTH, &mut read).unwrap_err().to_string();
        assert!(told.contains("1048576 bytes from byte 1048576"), "{told}");
    }
}

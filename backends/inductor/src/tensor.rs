//! Tensors of libtorch over memory of ours.

use crate::libtorch::{Handle, Libtorch};
use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::Arc;
use tintype_program::{DType, TensorType, contiguous_strides};

/// A tensor of libtorch. It owns its handle, and memory only where libtorch made it.
pub(crate) struct Tensor {
    torch: Arc<Libtorch>,
    handle: Handle,
}

/// Where tensors are: libtorch's device type and number.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) kind: i32,
    pub(crate) index: i32,
}

impl Place {
    /// The host.
    pub(crate) const CPU: Place = Place { kind: 0, index: -1 };

    /// A GPU of CUDA's, by its number.
    pub(crate) fn cuda(ordinal: usize) -> Self {
        Place { kind: 1, index: ordinal as i32 }
    }

    /// Whether it is the host.
    pub(crate) fn is_host(self) -> bool {
        self.kind == Self::CPU.kind
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_host() {
            true => f.write_str("cpu"),
            false => write!(f, "cuda:{}", self.index),
        }
    }
}

/// libtorch's number of a dtype (c10/core/ScalarType.h, whose order is fixed).
pub(crate) fn scalar_type(dtype: DType) -> i32 {
    match dtype {
        DType::U8 => 0,
        DType::I32 => 3,
        DType::F16 => 5,
        DType::F32 => 6,
        DType::Bf16 => 15,
    }
}

impl Tensor {
    /// A tensor over `data`, which must hold the type's elements in row-major order for as long as the tensor is used.
    pub(crate) fn over(
        torch: &Arc<Libtorch>,
        data: *const c_void,
        ty: &TensorType,
        place: Place,
    ) -> Result<Self, String> {
        let sizes: Vec<i64> = ty.shape.iter().map(|&extent| extent as i64).collect();
        let strides: Vec<i64> =
            contiguous_strides(&ty.shape).into_iter().map(|stride| stride as i64).collect();
        let mut handle = ptr::null_mut();
        // SAFETY: sizes and strides are as many as is said and are copied; the tensor does not own `data`, and whoever
        // calls this keeps it.
        let code = unsafe {
            (torch.functions.aoti_torch_create_tensor_from_blob_v2)(
                data.cast_mut(),
                sizes.len() as i64,
                sizes.as_ptr(),
                strides.as_ptr(),
                0,
                scalar_type(ty.dtype),
                place.kind,
                place.index,
                &mut handle,
                (torch.functions.aoti_torch_layout_strided)(),
                ptr::null(),
                0,
            )
        };
        match code {
            0 => Ok(Self { torch: Arc::clone(torch), handle }),
            _ => Err(format!("libtorch makes no tensor of {ty}; it says why on standard error")),
        }
    }

    /// A tensor that libtorch handed over.
    pub(crate) fn from_handle(torch: &Arc<Libtorch>, handle: Handle) -> Self {
        Self { torch: Arc::clone(torch), handle }
    }

    /// The same tensor once more.
    pub(crate) fn again(&self) -> Result<Self, String> {
        let mut handle = ptr::null_mut();
        // SAFETY: the handle is a tensor's; a new one is written.
        match unsafe { (self.torch.functions.aoti_torch_new_tensor_handle)(self.handle, &mut handle) } {
            0 => Ok(Self::from_handle(&self.torch, handle)),
            _ => Err("libtorch does not share a tensor; it says why on standard error".into()),
        }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    /// Hands the tensor over to whoever takes its handle.
    pub(crate) fn give(self) -> Handle {
        let mut whole = std::mem::ManuallyDrop::new(self);
        let handle = whole.handle;
        // SAFETY: the value is not dropped as a whole, and this part of it is not used again.
        unsafe { ptr::drop_in_place(&mut whole.torch) };
        handle
    }

    /// Where its elements lie, once it is seen to be of this type and in row-major order.
    pub(crate) fn data(&self, ty: &TensorType) -> Result<*const c_void, String> {
        let functions = &self.torch.functions;
        let (mut dtype, mut rank) = (0, 0);
        let (mut sizes, mut strides, mut data) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: the handle is a tensor's; each call writes one value, and the lists live as long as the tensor.
        let failed = unsafe {
            (functions.aoti_torch_get_dtype)(self.handle, &mut dtype)
                | (functions.aoti_torch_get_dim)(self.handle, &mut rank)
                | (functions.aoti_torch_get_sizes)(self.handle, &mut sizes)
                | (functions.aoti_torch_get_strides)(self.handle, &mut strides)
                | (functions.aoti_torch_get_data_ptr)(self.handle, &mut data)
        };
        if failed != 0 {
            return Err("libtorch does not describe a result; it says why on standard error".into());
        }
        let count = usize::try_from(rank).unwrap_or_default();
        let list = |start: *mut i64| match count {
            0 => Vec::new(),
            // SAFETY: libtorch's lists have as many numbers as the tensor has dimensions.
            _ => unsafe { std::slice::from_raw_parts(start, count) }.to_vec(),
        };
        let (sizes, strides) = (list(sizes), list(strides));
        let wanted = contiguous_strides(&ty.shape);
        let right = dtype == scalar_type(ty.dtype)
            && sizes.iter().map(|&size| size as usize).eq(ty.shape.iter().copied())
            && sizes.iter().zip(&strides).zip(&wanted).all(|((&size, &stride), &wanted)| {
                // Where there is one element along an axis, or none at all, strides mean nothing.
                size <= 1 || ty.elements() == 0 || stride as usize == wanted
            });
        match right {
            true => Ok(data),
            false => Err(format!(
                "a result has sizes {sizes:?}, strides {strides:?} and dtype {dtype}, where {ty} in row-major order is meant"
            )),
        }
    }
}

impl Drop for Tensor {
    fn drop(&mut self) {
        // SAFETY: the handle is owned and was handed to nobody.
        unsafe { (self.torch.functions.aoti_torch_delete_tensor_object)(self.handle) };
    }
}

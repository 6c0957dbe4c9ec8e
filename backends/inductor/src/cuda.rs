//! libtorch on an NVIDIA GPU: work on a stream of ours, copies on it.

use crate::libtorch::{Handle, Libtorch, table};
use crate::tensor::Tensor;
use libloading::os::unix::Library;
use std::ffi::c_void;
use std::ptr;

table! {
    /// What of libtorch's stable C interface is for CUDA.
    Cuda {
        aoti_torch_create_cuda_stream_guard: fn(*mut c_void, i32, *mut Handle) -> i32,
        aoti_torch_delete_cuda_stream_guard: fn(Handle) -> i32,
        aoti_torch_copy_: fn(Handle, Handle, i32) -> i32,
    }
}

/// While it is there, libtorch works on a stream of ours on this thread.
pub(crate) struct OnStream<'t> {
    cuda: &'t Cuda,
    guard: Handle,
}

impl<'t> OnStream<'t> {
    /// `stream` is a stream of the device's primary context, and outlives this.
    pub(crate) fn enter(torch: &'t Libtorch, stream: *mut c_void, ordinal: i32) -> Result<Self, String> {
        let cuda = torch.cuda.as_ref().map_err(String::clone)?;
        let mut guard = ptr::null_mut();
        // SAFETY: the stream is alive, as the caller vouches; the guard may be written.
        match unsafe { (cuda.aoti_torch_create_cuda_stream_guard)(stream, ordinal, &mut guard) } {
            0 => Ok(Self { cuda, guard }),
            _ => Err("libtorch does not take the stream; it says why on standard error".into()),
        }
    }

    /// Enqueues a copy of all elements of `from`, which is of the same type.
    pub(crate) fn copy(&self, to: &Tensor<'_>, from: &Tensor<'_>) -> Result<(), String> {
        // SAFETY: both handles are tensors'; the copy is enqueued behind what made `from`, whose memory libtorch gives
        // to later work of this stream only.
        match unsafe { (self.cuda.aoti_torch_copy_)(to.handle(), from.handle(), 1) } {
            0 => Ok(()),
            _ => Err("libtorch does not copy a result; it says why on standard error".into()),
        }
    }
}

impl Drop for OnStream<'_> {
    fn drop(&mut self) {
        // SAFETY: made once, given back once, on the thread that made it.
        unsafe { (self.cuda.aoti_torch_delete_cuda_stream_guard)(self.guard) };
    }
}

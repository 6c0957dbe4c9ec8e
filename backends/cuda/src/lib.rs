//! The CUDA plugin: native kernels, cuBLASLt, cuDNN and CUDA graphs.
//!
//! Builds on any machine: driver, cuBLASLt, cuDNN and NVRTC are found at run time, and what is missing is named.
//!
//! | variable | what it does |
//! |---|---|
//! | `CUDA_VISIBLE_DEVICES` | the driver's own: which devices there are, and in which order |
//! | `TINTYPE_KERNEL_CACHE` | the folder of compiled kernels; empty: none are kept |
//! | `TINTYPE_CUDA_DRIVER` | a library that stands for `libcuda.so.1`: a software double, for tests |

mod bare;
pub mod blas;
mod compiler;
pub mod dnn;
mod driver;
mod libraries;
mod plugin;
mod probe;
mod runtime;
mod stream;
mod table;

#[doc(hidden)]
pub use compiler::warnings;
pub use plugin::CudaDriver;
pub use probe::probe;
pub use runtime::CudaRuntime;
pub use stream::Stream;

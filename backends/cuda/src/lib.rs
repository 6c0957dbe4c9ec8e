//! The CUDA plugin: native kernels, cuBLASLt, cuDNN and CUDA graphs.
//!
//! Builds on any machine: driver, cuBLASLt, cuDNN and NVRTC are found at run time, and what is missing is named.
//!
//! | variable | what it does |
//! |---|---|
//! | `CUDA_VISIBLE_DEVICES` | the driver's own: which devices there are, and in which order |
//! | `TINTYPE_KERNEL_CACHE` | the folder of compiled kernels; empty: none are kept |
//! | `TINTYPE_CUDA_JOIN` | which linear layers of the same rows become one product: `off`, `projections` (those that no gelu follows), `all`; `projections` where it is not said |
//! | `TINTYPE_CUDA_NEST` | whether captured work lies within a graph of one node, so that the device launches it and not the host: `on` (where the driver can, from CUDA 12.4 on), `off`; `on` where it is not said |
//! | `TINTYPE_CUDA_SEARCH` | how long algorithms of cuBLASLt are tried on the device: `off`, `quick` (three seconds in all), `full` (two minutes); `off` where it is not said. What is found is kept beside the kernels |
//! | `TINTYPE_CUDA_DRIVER` | a library that stands for `libcuda.so.1`: a software double, for tests |

mod bare;
mod blas;
pub mod dnn;
mod driver;
mod libraries;
mod plugin;
mod probe;
mod runtime;
mod stream;
mod table;

#[doc(hidden)]
pub use libraries::warnings;
pub use plugin::CudaDriver;
pub use probe::probe;
pub use runtime::open;
pub use stream::Stream;

//! The CUDA plugin: native kernels, cuBLASLt, cuDNN and CUDA graphs.
//!
//! Builds on any machine: driver, cuBLASLt, cuDNN and NVRTC are found at run time, and what is missing is named.

pub mod blas;
pub mod dnn;
mod driver;
mod libraries;
mod stream;
mod table;

pub use stream::Stream;

//! What the CUDA and ROCm plugins share: from a Program to launches on a GPU.
//!
//! A vendor's plugin implements [`Runtime`] over its driver and libraries; this crate lowers blocks to launch plans
//! ([`lower`]), writes the kernels' source ([`kernels`]), and gives the traits of `tintype-accel` over both.

#![forbid(unsafe_code)]

mod architecture;
pub mod kernels;
mod launch;
mod library;
pub mod prelude;
mod runtime;
mod view;

pub use architecture::{Architecture, Dialect};
pub use launch::{Arg, KernelSource, Launch};
pub use library::{Attention, Convolution, Epilogue, LibraryOp, Mask, MatMul, Matrix, Offer, Prepared};
pub use runtime::{Call, Event, Graph, Incoming, Kernel, Runtime, Scalar, SharedRuntime};
pub use view::View;

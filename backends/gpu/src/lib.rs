//! What the CUDA and ROCm plugins share: from a Program to launches on a GPU.
//!
//! A vendor's plugin implements [`Runtime`] over its driver and libraries; this crate lowers blocks to launch plans
//! ([`launch_plan`]), writes the kernels' source ([`kernels`]), and gives the traits of `tintype-accel` over both. What CUDA's and
//! HIP's drivers, compilers and libraries of products do alike is here too ([`driver`], [`compiler`], [`blas`]).

#![deny(unsafe_code)]

mod accelerator;
mod architecture;
#[allow(unsafe_code, reason = "the vendor's library is a C library")]
pub mod blas;
mod capture;
mod compile;
#[allow(unsafe_code, reason = "the vendor's compiler is a C library")]
pub mod compiler;
mod context;
mod display;
#[allow(unsafe_code, reason = "the vendor's driver is a C library")]
pub mod driver;
mod fence;
mod instance;
mod join;
pub mod kernels;
mod launch;
mod lazy;
mod lend;
mod library;
mod lower;
mod maker;
mod module;
pub mod passes;
mod plan;
pub mod prelude;
mod ready;
mod recording;
mod runtime;
mod storage;
mod view;

pub use accelerator::GpuAccelerator;
pub use architecture::{Architecture, Dialect, MatrixUnit};
pub use compile::launch_plan;
pub use join::Joins;
pub use launch::{Arg, KernelSource, Launch};
pub use library::{Attention, Convolution, Epilogue, LibraryOp, Mask, MatMul, Matrix, Offer, Prepared};
pub use plan::{Action, BlockPlan, Span, Step};
pub use runtime::{Call, Event, Graph, Incoming, Kernel, Runtime, Scalar, SharedRuntime};
pub use view::View;

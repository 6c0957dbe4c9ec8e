//! What the CUDA and ROCm plugins share: from a Program to launches on a GPU.
//!
//! A vendor's plugin implements [`Runtime`] over its driver and libraries; this crate lowers blocks to launch plans
//! ([`launch_plan`]), writes the kernels' source ([`kernels`]), and gives the traits of `tintype-accel` over both.

#![forbid(unsafe_code)]

mod accelerator;
mod architecture;
mod capture;
mod compile;
mod context;
mod display;
mod fence;
mod instance;
mod join;
pub mod kernels;
mod launch;
mod lazy;
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

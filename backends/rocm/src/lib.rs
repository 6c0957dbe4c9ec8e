//! The ROCm plugin: AMD GPUs through HIP.
//!
//! Builds on any machine: HIP, its compiler and hipBLASLt are found at run time, and what is missing is named. Lowering, kernels, launch plans
//! and what HIP and CUDA do alike are those of `tintype-gpu`.
//!
//! | variable | what it does |
//! |---|---|
//! | `HIP_VISIBLE_DEVICES`, `ROCR_VISIBLE_DEVICES` | HIP's own: which devices there are, and in which order |
//! | `HSA_OVERRIDE_GFX_VERSION` | HIP's own: what architecture a device pretends to be. Told where it is set, never set here |
//! | `ROCM_PATH` | where ROCm is installed; `/opt/rocm` where it is not said |
//! | `TINTYPE_KERNEL_CACHE` | the folder of compiled kernels; empty: none are kept |
//! | `TINTYPE_ROCM_JOIN` | which linear layers of the same rows become one product: `off`, `projections` (those that no gelu follows), `all`; `projections` where it is not said |
//! | `TINTYPE_ROCM_PRODUCTS` | what makes matrix products: `hipblaslt` (where it is there and takes them), `own`; `hipblaslt` where it is not said |
//! | `TINTYPE_ROCM_DRIVER` | a library that stands for `libamdhip64.so`, `libhiprtc.so` and `libhipblaslt.so`: a software double, for tests |

mod architecture;
mod driver;
mod hipblaslt;
mod libraries;
mod plugin;
mod probe;
mod products;
mod runtime;

pub use architecture::{architecture, base};
pub use plugin::RocmDriver;
pub use probe::probe;
pub use runtime::open;

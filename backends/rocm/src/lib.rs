//! The ROCm plugin: AMD GPUs through HIP.

mod architecture;

pub use architecture::{architecture, base};

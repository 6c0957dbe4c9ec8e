//! What kernels are made for.

/// The language that kernels are compiled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// CUDA C++, by NVRTC.
    Cuda,
    /// HIP, by hiprtc.
    Hip,
}

/// Instructions that multiply small matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixUnit {
    /// There are none.
    None,
    /// NVIDIA's tensor cores.
    TensorCores,
    /// Matrix fused multiply-add, of AMD's CDNA: a wave of 64 works together.
    Mfma,
    /// Wave matrix multiply-accumulate, of AMD's RDNA 3 and later: a wave of 32 works together.
    Wmma,
}

/// What kernels and launch plans depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Architecture {
    /// As the compiler names it: `sm_90a`, `gfx942:sramecc+:xnack-`.
    pub name: String,
    /// The language.
    pub dialect: Dialect,
    /// Compute capability times ten for CUDA (`90`), 0 for HIP.
    pub capability: u32,
    /// Threads that run in step: 32 or 64.
    pub warp: u32,
    /// Shared memory (LDS) that a block may ask for, in bytes.
    pub shared: u32,
    /// What multiplies small matrices.
    pub matrix: MatrixUnit,
    /// Multiprocessors or compute units.
    pub multiprocessors: u32,
}

impl Architecture {
    /// A Hopper device as large as an H100, for plans that are made without one.
    pub fn hopper() -> Self {
        Self {
            name: "sm_90a".into(),
            dialect: Dialect::Cuda,
            capability: 90,
            warp: 32,
            shared: 232_448,
            matrix: MatrixUnit::TensorCores,
            multiprocessors: 132,
        }
    }
}

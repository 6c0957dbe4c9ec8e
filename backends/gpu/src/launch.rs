//! Kernels as data: source text, and one launch of it.

use std::sync::Arc;

/// A kernel before it is compiled: device code in the dialect that CUDA and HIP share, behind the architecture's
/// [prelude](crate::prelude).
///
/// Extents and strides are arguments wherever a resolution or a prompt's length shows in them, so that another size is
/// another launch of the same code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KernelSource {
    /// The name of the `extern "C" __global__` function.
    pub entry: String,
    /// The text, without the prelude.
    pub code: Arc<str>,
}

/// One launch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// What is launched.
    pub kernel: KernelSource,
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// The arguments, in the order of the function's parameters.
    pub args: Vec<Arg>,
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg {
    /// The address of the first element of an operand that is read.
    Read(usize),
    /// The address of the first element of a result.
    Write(usize),
    /// `int`
    I32(i32),
    /// `long long`
    I64(i64),
    /// `float`
    F32(f32),
}

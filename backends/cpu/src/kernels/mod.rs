//! Kernels: safe functions over views and slices.
//!
//! Inputs are [`View`](crate::tensor::View)s of any strides; outputs are contiguous slices in row-major order, of the
//! shape that [`tintype_program::infer`] gives. Shapes are not checked again: they come from a checked Program.
//! Arithmetic is f32 (sums of norms and reductions f64), rounded once when stored. Work is split with rayon over the
//! pool that the caller has installed; the bits of a result depend neither on the number of threads nor on the extent
//! of any batch axis.
//!
//! Kernels that have bodies for several sets of instructions take the [`Level`](crate::level::Level) first.
//!
//! Below them: [`walk`] (the runs of a strided view), [`convert`] (elements to f32 and back, by slices), [`math`]
//! (functions written to be vectorised), [`vector`] (plain loops compiled for each level), [`gemm`] (the crate's one
//! call), [`product`] (blocked products over it, of any [`side`]s), [`panels`] (products with
//! weights packed once), [`share`] (tasks among threads) and [`scratch`] (reusable buffers).

pub(crate) mod attention;
pub(crate) mod convert;
pub(crate) mod convolution;
pub(crate) mod copy;
pub(crate) mod elementwise;
pub(crate) mod encoded;
pub(crate) mod gather;
pub(crate) mod gemm;
pub(crate) mod layout;
pub(crate) mod linear;
pub(crate) mod math;
pub(crate) mod matmul;
pub(crate) mod norm;
pub(crate) mod panels;
pub(crate) mod product;
pub(crate) mod reduce;
pub(crate) mod rotary;
pub(crate) mod scratch;
pub(crate) mod share;
pub(crate) mod side;
pub(crate) mod softmax;
pub(crate) mod vector;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

//! Kernels: safe functions over views and slices.
//!
//! Inputs are [`View`](crate::tensor::View)s of any strides; outputs are contiguous slices in row-major order, of the
//! shape that [`tintype_program::infer`] gives. Shapes are not checked again: they come from a checked Program.
//! Arithmetic is f32 (sums of norms and reductions f64), rounded once when stored. Work is split with rayon over the
//! pool that the caller has installed; the bits of a result depend neither on the number of threads nor on the extent
//! of any batch axis.
//!
//! With `T: Element` a floating-point type throughout, and `E` any element type (f32, bf16, f16, i32, u8):
//!
//! ```text
//! copy::copy(x: View<E>, out: &mut [E])                                  // slice, transpose, reshape, broadcast
//! elementwise::Group::new(program: &Program, block: &Block) -> Result<Group, String>
//!            ::single(op: &Op, operands: &[TensorType]) -> Result<Group, String>        // one operation, for eager
//! elementwise::Group::run(&self, inputs: &[AnyView], outputs: &mut [AnySlice]) -> Result<(), String>
//! reduce::reduce(function: Reduce, axes: &[usize], x: View<T>, out: &mut [T])
//! gather::gather(axis: usize, table: View<E>, indices: View<i32>, out: &mut [E])
//! layout::concat(axis: usize, parts: &[View<E>], out: &mut [E])
//! layout::pad(before: &[usize], after: &[usize], mode: PadMode, x: View<E>, out: &mut [E])
//! layout::upsample(factors: &[usize], x: View<E>, out: &mut [E])
//! matmul::matmul(a: View<T>, b: View<T>, out: &mut [T])
//! linear::linear(activation: Activation, x: View<T>, weight: Weight<T>, bias: Option<View<T>>, out: &mut [T])
//!     enum Weight<'a, T> { Plain(View<'a, T>), Encoded(Encoded<'a>) }
//! encoded::Encoded::new(bytes: &[u8], ty: &TensorType, encoding: &Encoding) -> Result<Encoded, String>
//! encoded::decode(weight: &Encoded, out: &mut [T])
//! attention::attention(scale: f64, q: View<T>, k: View<T>, v: View<T>, mask: Option<View<T>>, out: &mut [T])
//! convolution::Geometry { stride: &[usize], padding: &[[usize; 2]], dilation: &[usize], groups: usize, mode: PadMode }
//! convolution::convolution(geometry: &Geometry, x: View<T>, weight: View<T>, bias: Option<View<T>>, out: &mut [T])
//! softmax::softmax(axis: usize, x: View<T>, out: &mut [T])
//! norm::layer_norm(eps: f64, x: View<T>, affine: Option<[View<T>; 2]>, out: &mut [T])   // [weight, bias]
//! norm::rms_norm(eps: f64, x: View<T>, weight: Option<View<T>>, out: &mut [T])
//! norm::group_norm(groups: usize, eps: f64, x: View<T>, affine: Option<[View<T>; 2]>, out: &mut [T])
//! rotary::rotary(pairing: Pairing, x: View<T>, cos: View<f32>, sin: View<f32>, out: &mut [T])
//! ```
//!
//! Below them: [`walk`] (the runs of a strided view), [`convert`] (elements to f32 and back, by slices), [`math`]
//! (functions written to be vectorised), [`gemm`] (the one unsafe call), [`product`] (blocked products over it, of any [`side`]s) and
//! [`scratch`] (reusable buffers). A faster kernel takes the place of a body, not of a signature.

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
pub(crate) mod side;
pub(crate) mod softmax;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

//! Work that a vendor's library may take: described here, prepared by a runtime.

use std::sync::Arc;
use tintype_accel::Result;
use tintype_program::DType;

/// What is asked of a library. Two that are equal are prepared once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LibraryOp {
    /// Addresses: a, b, bias if there is one, d.
    MatMul(MatMul),
    /// Addresses: q, k, v, mask if there is one, o.
    Attention(Attention),
    /// Addresses: x, weight, bias if there is one, y.
    Convolution(Convolution),
}

/// `d[i] = epilogue(a[i] b[i] + bias)` for each `i` of a batch, accumulated in f32.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MatMul {
    /// Products.
    pub batch: usize,
    /// Rows of `a` and `d`.
    pub m: usize,
    /// Columns of `b` and `d`.
    pub n: usize,
    /// Columns of `a`, rows of `b`.
    pub k: usize,
    /// The element type of all four.
    pub dtype: DType,
    /// `[m, k]`
    pub a: Matrix,
    /// `[k, n]`; a linear layer's weight `[n, k]` is a transposed one.
    pub b: Matrix,
    /// `[m, n]`, never transposed.
    pub d: Matrix,
    /// Whether there is a bias `[n]`.
    pub bias: bool,
    /// What is done to each element last.
    pub epilogue: Epilogue,
    /// For f32: whether factors may be rounded to tf32.
    pub tf32: bool,
    /// The most that every address is a multiple of, in bytes: 16 or more where vectors can be loaded.
    pub alignment: usize,
}

/// How a matrix lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Matrix {
    /// Elements from one row to the next; where it is transposed, from one column to the next.
    pub leading: usize,
    /// Whether it lies column by column.
    pub transposed: bool,
    /// Elements from one of the batch to the next; 0 where all share it.
    pub batch: usize,
}

/// What is done to each element of a product before it is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Epilogue {
    /// Nothing.
    None,
    /// The Gaussian error linear unit in its form with a hyperbolic tangent.
    GeluTanh,
}

/// `softmax(scale q k^T + mask) v`: `q: [b, h, s, d]`, `k: [b, h, t, d]`, `v: [b, h, t, e]`, `o: [b, h, s, e]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attention {
    /// b
    pub batch: usize,
    /// h
    pub heads: usize,
    /// s
    pub queries: usize,
    /// t
    pub keys: usize,
    /// d
    pub depth: usize,
    /// e
    pub value_depth: usize,
    /// The element type of q, k, v and o.
    pub dtype: DType,
    /// Strides of the first three axes; the innermost is 1.
    pub q: [usize; 3],
    /// As `q`.
    pub k: [usize; 3],
    /// As `q`.
    pub v: [usize; 3],
    /// As `q`.
    pub o: [usize; 3],
    /// The factor on the scores: the bits of an f32.
    pub scale: u32,
    /// What is added to the scaled scores.
    pub mask: Option<Mask>,
}

/// An additive mask `[b, h, s, t]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    /// Its element type.
    pub dtype: DType,
    /// Strides of all four axes; 0 where it repeats.
    pub strides: [usize; 4],
}

/// A cross-correlation over two spatial axes, channels last: `x: [n, h, w, c]`, `weight: [o, kh, kw, c / groups]`,
/// `y: [n, h', w', o]`, all in row-major order. What lies outside `x` is zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// n
    pub batch: usize,
    /// h and w of `x`.
    pub input: [usize; 2],
    /// c
    pub channels: usize,
    /// o
    pub outputs: usize,
    /// kh and kw.
    pub kernel: [usize; 2],
    /// Step along h and w.
    pub stride: [usize; 2],
    /// Padding before and after h, and before and after w.
    pub padding: [[usize; 2]; 2],
    /// Distance between kernel elements along h and w.
    pub dilation: [usize; 2],
    /// Groups of channels that see only each other.
    pub groups: usize,
    /// The element type of all.
    pub dtype: DType,
    /// Whether there is a bias `[o]`.
    pub bias: bool,
    /// For f32: whether factors may be rounded to tf32.
    pub tf32: bool,
}

impl Convolution {
    /// h' and w' of `y`; 0 where the kernel is larger than what it is laid over.
    pub fn output(&self) -> [usize; 2] {
        std::array::from_fn(|i| {
            let reach = self.dilation[i] * (self.kernel[i].max(1) - 1) + 1;
            let padded = self.input[i] + self.padding[i][0] + self.padding[i][1];
            padded.checked_sub(reach).map_or(0, |free| free / self.stride[i].max(1) + 1)
        })
    }
}

/// A [`LibraryOp`] that a library has taken: plans made, algorithm chosen. Nothing is compiled or allocated by
/// [`Prepared::enqueue`], so that it may be captured.
pub trait Prepared: Send + Sync {
    /// The library and the kernel or algorithm that it chose, for reports.
    fn describe(&self) -> String;

    /// Bytes of device memory that it needs while it runs.
    fn workspace(&self) -> usize;

    /// Enqueues it. `addresses` are as [`LibraryOp`] lists them; `workspace` is a multiple of 256.
    fn enqueue(&self, addresses: &[u64], workspace: u64) -> Result<()>;
}

/// What becomes of a [`LibraryOp`]: prepared, or refused with the reason, for which own kernels stand in.
pub type Offer = std::result::Result<Arc<dyn Prepared>, String>;

//! The operations, in two ranks.
//!
//! **Core** operations every plugin implements. **Composite** operations carry a decomposition into core ones
//! ([`crate::passes::decompose`]); a plugin takes each whole where it can. Arithmetic on f16 and bf16 accumulates in
//! f32 and rounds once, at the operation's output.

use crate::{BlockId, DType, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An operation and its attributes. Operand roles and shapes are given with each variant; `?` marks an operand that
/// may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    // ---- core
    /// `()` to a scalar (shape `[]`) of a finite value.
    Constant {
        /// The value, rounded to `dtype`.
        value: f64,
        /// The element type.
        dtype: DType,
    },
    /// `(x)` to the same type.
    Unary {
        /// The function applied to each element.
        function: Unary,
    },
    /// `(a, b)` of one type to the same type.
    Binary {
        /// The function applied to each pair of elements.
        function: Binary,
    },
    /// `(x)` to the same shape in another dtype: to nearest, ties to even; float to integer truncates and
    /// saturates, NaN to 0.
    Cast {
        /// The element type of the result.
        dtype: DType,
    },
    /// `(x)` to the same rank with the reduced axes of extent 1.
    Reduce {
        /// How elements are combined.
        function: Reduce,
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// `(x)` to another shape with as many elements in the same row-major order.
    Reshape {
        /// The new shape.
        shape: Shape,
    },
    /// `(x)` with its axes reordered: axis `i` of the result is axis `permutation[i]` of `x`.
    Transpose {
        /// The permutation.
        permutation: Vec<usize>,
    },
    /// `(x)` to a range of each axis.
    Slice {
        /// First index of each axis.
        starts: Vec<usize>,
        /// One past the last index of each axis.
        ends: Vec<usize>,
        /// Distance between the indices taken of each axis, at least 1.
        steps: Vec<usize>,
    },
    /// `(x0, x1, ...)` joined along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `(x)` extended at both ends of each axis.
    Pad {
        /// Elements before each axis.
        before: Vec<usize>,
        /// Elements after each axis.
        after: Vec<usize>,
        /// What the new elements are.
        mode: PadMode,
    },
    /// `(x)` repeated along axes of extent 1, and along new outer axes.
    Broadcast {
        /// The new shape.
        shape: Shape,
    },
    /// `(table, indices: i32)`: the entries of `table` along `axis` that `indices` name; the axis is replaced by the
    /// shape of `indices`. An index outside the axis is clamped to it, negative ones to 0.
    Gather {
        /// The axis of `table`.
        axis: usize,
    },
    /// `(a: [..., m, k], b: [..., k, n])` to `[..., m, n]`, outer extents equal.
    MatMul,
    /// `(x: [n, c, spatial...], weight: [o, c / groups, kernel...], bias?: [o])` to `[n, o, spatial'...]`:
    /// cross-correlation over one to three spatial axes.
    Convolution {
        /// Step of each spatial axis.
        stride: Vec<usize>,
        /// Padding before and after each spatial axis.
        padding: Vec<[usize; 2]>,
        /// Distance between kernel elements of each spatial axis.
        dilation: Vec<usize>,
        /// Groups of channels that see only each other.
        groups: usize,
        /// What padding holds.
        mode: PadMode,
    },
    /// `(w)`, an encoded parameter, to its plain values.
    Decode,

    // ---- composite
    /// `(x: [..., k], weight: [n, k], bias?: [n])` to `[..., n]`: `x weight^T + bias`. The weight may be encoded.
    Linear {
        /// What is done to `x` before the product.
        activation: Activation,
    },
    /// `(q: [b, h, s, d], k: [b, h, t, d], v: [b, h, t, e], mask?: [b | 1, h | 1, s | 1, t])` to `[b, h, s, e]`:
    /// `softmax(scale q k^T + mask) v`. A query whose mask is all negative infinity gives NaN.
    Attention {
        /// The factor on the scores.
        scale: f64,
    },
    /// `(x)` to the same type: exponentials over an axis divided by their sum.
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// `(x, weight?: [d], bias?: [d])` over the innermost axis `d`. Weight and bias come together or not at all.
    LayerNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// `(x, weight?: [d])` over the innermost axis `d`.
    RmsNorm {
        /// Added to the mean square.
        eps: f64,
    },
    /// `(x: [n, c, ...], weight?: [c], bias?: [c])` over groups of channels and all further axes.
    GroupNorm {
        /// The number of groups.
        groups: usize,
        /// Added to the variance.
        eps: f64,
    },
    /// `(x: [b, h, s, d], cos: f32[s, d], sin: f32[s, d])` to the type of `x`: pairs of elements turned by an angle.
    RotaryEmbedding {
        /// Which elements are a pair.
        pairing: Pairing,
    },
    /// `(x)` to the same type: the Gaussian error linear unit.
    Gelu {
        /// The formula.
        form: GeluForm,
    },
    /// `(x)` to the same type: `x / (1 + exp(-x))`.
    Silu,
    /// `(x: [n, c, spatial...])` to larger spatial extents, nearest neighbour.
    Upsample {
        /// The whole-number factor of each spatial axis.
        factors: Vec<usize>,
    },
    /// An operation that this list does not have. Its operands and results are those of its decomposition.
    Custom {
        /// The name that a plugin may register a kernel for, such as `vendor.operation`.
        name: String,
        /// What the kernel is told.
        attributes: BTreeMap<String, Attribute>,
        /// The same in core and composite operations.
        decomposition: BlockId,
    },

    // ---- structure
    /// `(inputs..., parameters...)` of a block to its outputs.
    Call {
        /// The block.
        block: BlockId,
    },
    /// As [`Op::Call`], of a block that holds only elementwise operations, casts and broadcasts: one pass over memory.
    Elementwise {
        /// The block.
        block: BlockId,
    },
}

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unary {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// `e^x`
    Exp,
    /// The natural logarithm.
    Log,
    /// The square root.
    Sqrt,
    /// `1 / sqrt(x)`
    Rsqrt,
    /// `1 / x`
    Reciprocal,
    /// The sine of radians.
    Sin,
    /// The cosine of radians.
    Cos,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
}

/// A function of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binary {
    /// `a + b`; wraps for integers.
    Add,
    /// `a - b`; wraps for integers.
    Sub,
    /// `a b`; wraps for integers.
    Mul,
    /// `a / b`; integers truncate, division by zero gives zero, and the least divided by -1 wraps.
    Div,
    /// The larger; NaN if either is.
    Max,
    /// The smaller; NaN if either is.
    Min,
    /// `a^b`, floating point only.
    Pow,
}

/// How a reduction combines elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// The sum.
    Sum,
    /// The sum divided by the number of elements.
    Mean,
    /// The largest; NaN if any is.
    Max,
}

/// What stands outside a tensor's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// Zeros.
    Zero,
    /// The nearest element.
    Replicate,
}

/// What a linear layer does to its activation before the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    Keep,
    /// Round it to OCP E4M3 with one scale a row, found as it goes: its largest magnitude over 448. Rows of zeros stay.
    DynamicFp8,
}

/// Which elements of a head a rotary embedding turns together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Elements `2 i` and `2 i + 1` (Flux).
    Interleaved,
    /// Elements `i` and `i + d / 2` (Llama).
    Halves,
}

/// A formula for the Gaussian error linear unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeluForm {
    /// `x (1 + erf(x / sqrt 2)) / 2` (Hendrycks and Gimpel 2016).
    Erf,
    /// Their approximation by a hyperbolic tangent.
    Tanh,
    /// `x sigmoid(1.702 x)`, as OpenAI's CLIP has it.
    Quick,
}

/// An attribute of a custom operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A name.
    Text(String),
    /// Several.
    List(Vec<Attribute>),
}

impl Op {
    /// The kind of operation, as the JSON form tags it.
    pub fn kind(&self) -> &'static str {
        match self {
            Op::Constant { .. } => "constant",
            Op::Unary { .. } => "unary",
            Op::Binary { .. } => "binary",
            Op::Cast { .. } => "cast",
            Op::Reduce { .. } => "reduce",
            Op::Reshape { .. } => "reshape",
            Op::Transpose { .. } => "transpose",
            Op::Slice { .. } => "slice",
            Op::Concat { .. } => "concat",
            Op::Pad { .. } => "pad",
            Op::Broadcast { .. } => "broadcast",
            Op::Gather { .. } => "gather",
            Op::MatMul => "mat_mul",
            Op::Convolution { .. } => "convolution",
            Op::Decode => "decode",
            Op::Linear { .. } => "linear",
            Op::Attention { .. } => "attention",
            Op::Softmax { .. } => "softmax",
            Op::LayerNorm { .. } => "layer_norm",
            Op::RmsNorm { .. } => "rms_norm",
            Op::GroupNorm { .. } => "group_norm",
            Op::RotaryEmbedding { .. } => "rotary_embedding",
            Op::Gelu { .. } => "gelu",
            Op::Silu => "silu",
            Op::Upsample { .. } => "upsample",
            Op::Custom { .. } => "custom",
            Op::Call { .. } => "call",
            Op::Elementwise { .. } => "elementwise",
        }
    }

    /// The operation's name in messages and coverage tables: its kind, or a custom operation's own name.
    pub fn name(&self) -> &str {
        match self {
            Op::Custom { name, .. } => name,
            _ => self.kind(),
        }
    }

    /// Whether the operation has a decomposition into core ones.
    pub fn is_composite(&self) -> bool {
        matches!(
            self,
            Op::Linear { .. }
                | Op::Attention { .. }
                | Op::Softmax { .. }
                | Op::LayerNorm { .. }
                | Op::RmsNorm { .. }
                | Op::GroupNorm { .. }
                | Op::RotaryEmbedding { .. }
                | Op::Gelu { .. }
                | Op::Silu
                | Op::Upsample { .. }
                | Op::Custom { .. }
        )
    }

    /// Whether each element of the result depends only on the same element of each operand.
    pub fn is_elementwise(&self) -> bool {
        matches!(self, Op::Unary { .. } | Op::Binary { .. } | Op::Cast { .. } | Op::Gelu { .. } | Op::Silu)
    }

    /// Whether the result holds elements of its operand unchanged, so that a plugin may make it a view.
    pub fn is_view(&self) -> bool {
        matches!(self, Op::Reshape { .. } | Op::Transpose { .. } | Op::Slice { .. } | Op::Broadcast { .. })
    }

    /// The block that the operation refers to.
    pub fn block(&self) -> Option<BlockId> {
        match self {
            Op::Call { block } | Op::Elementwise { block } | Op::Custom { decomposition: block, .. } => {
                Some(*block)
            }
            _ => None,
        }
    }

    /// The same operation, referring to another block.
    pub fn with_block(mut self, id: BlockId) -> Self {
        if let Op::Call { block } | Op::Elementwise { block } | Op::Custom { decomposition: block, .. } =
            &mut self
        {
            *block = id;
        }
        self
    }
}

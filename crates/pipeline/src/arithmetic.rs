//! In what a model computes.

use std::fmt;
use std::str::FromStr;
use tintype_program::passes::quantize;
use tintype_program::{Activation, Block, DType, Encoding, Fp8Format, Node, Program, ScaleGranularity};

/// The dtype of a model's weights and arithmetic, and in what the denoiser multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arithmetic {
    /// The dtype of weights, activations and results.
    pub dtype: DType,
    /// What the linear layers of the denoiser's blocks are quantized to, if they are.
    pub quantize: Option<Quantization>,
}

impl From<DType> for Arithmetic {
    fn from(dtype: DType) -> Self {
        Self { dtype, quantize: None }
    }
}

/// Products of the denoiser's blocks in 8-bit floating point (OCP E4M3). Weights are rounded once, when they are loaded, and take half of
/// what bf16 takes; what goes into a layer is rounded as it comes, each token with a scale of its own. Everything else, and
/// every layer outside of the blocks, stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantization {
    /// Each output of a layer has a scale of its own.
    Fp8Row,
    /// One scale for each weight.
    Fp8Tensor,
}

impl Quantization {
    /// All of them.
    pub const ALL: [Quantization; 2] = [Quantization::Fp8Row, Quantization::Fp8Tensor];

    /// As it is named on a command line: `fp8-row`, `fp8-tensor`.
    pub fn name(self) -> &'static str {
        match self {
            Quantization::Fp8Row => "fp8-row",
            Quantization::Fp8Tensor => "fp8-tensor",
        }
    }

    /// How weights are stored.
    pub fn encoding(self) -> Encoding {
        let scales = match self {
            Quantization::Fp8Row => ScaleGranularity::Row,
            Quantization::Fp8Tensor => ScaleGranularity::Tensor,
        };
        Encoding::Fp8 { format: Fp8Format::E4m3, scales }
    }

    /// A denoiser with the layers of its blocks quantized: of all blocks that call no other, but the entry. That is the same at every
    /// size, so that Programs of all sizes share weights.
    pub fn apply(self, program: Program) -> Program {
        let entry = program.entry().name.clone();
        let inner = |block: &Block, _: &Node| {
            block.name != entry && block.nodes.iter().all(|node| node.op.block().is_none())
        };
        quantize(program, &self.encoding(), Activation::DynamicFp8, inner)
    }
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Quantization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|known| known.name() == text);
        known.ok_or_else(|| format!("`{text}` is none of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

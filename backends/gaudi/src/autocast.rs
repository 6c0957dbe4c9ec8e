//! Mixed precision by lists of PyTorch's operations, as the PyTorch bridge has it.

use std::collections::BTreeSet;
use tintype_program::passes::{Precision, autocast};
use tintype_program::{Binary, Block, DType, Node, Op, Program, Reduce, Unary};

/// Which operations compute in bf16 and which in f32, by PyTorch's names. What is in both computes in bf16; what is in
/// neither computes in the type of its widest operand. The default has the bridge's own lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autocast {
    lower: BTreeSet<String>,
    full: BTreeSet<String>,
}

/// What the bridge computes in bf16 where no list is given, as far as Programs have it.
const LOWER: [&str; 15] = [
    "addmm",
    "baddbmm",
    "bmm",
    "conv1d",
    "conv2d",
    "conv3d",
    "group_norm",
    "layer_norm",
    "linear",
    "matmul",
    "mean",
    "mm",
    "mul",
    "scaled_dot_product_attention",
    "softmax",
];
/// What it computes in f32.
const FULL: [&str; 9] =
    ["div", "divide", "embedding", "exp", "log", "pow", "reciprocal", "rsqrt", "true_divide"];

impl Default for Autocast {
    fn default() -> Self {
        Self::new(LOWER.map(str::to_owned), FULL.map(str::to_owned))
    }
}

impl Autocast {
    /// These lists: of bf16, and of f32.
    pub fn new(lower: impl IntoIterator<Item = String>, full: impl IntoIterator<Item = String>) -> Self {
        Self { lower: lower.into_iter().collect(), full: full.into_iter().collect() }
    }

    /// Whether an operation of Programs goes by a name.
    pub fn knows(name: &str) -> bool {
        KNOWN.contains(&name)
    }

    /// The Program with its operations in their types. One that is not in f32 is left as it is.
    pub(crate) fn apply(&self, program: &Program) -> Program {
        autocast(program.clone(), DType::Bf16, |block, node| self.precision(block, node))
    }

    fn precision(&self, block: &Block, node: &Node) -> Precision {
        let names = names(block, node);
        let any = |list: &BTreeSet<String>| names.iter().any(|name| list.contains(*name));
        match (any(&self.lower), any(&self.full)) {
            (true, _) => Precision::Lower,
            (false, true) => Precision::Full,
            (false, false) => Precision::Widest,
        }
    }
}

/// Every name below.
const KNOWN: [&str; 56] = [
    "linear",
    "addmm",
    "matmul",
    "bmm",
    "mm",
    "baddbmm",
    "conv1d",
    "conv2d",
    "conv3d",
    "scaled_dot_product_attention",
    "softmax",
    "layer_norm",
    "rms_norm",
    "group_norm",
    "gelu",
    "silu",
    "add",
    "iadd",
    "sub",
    "rsub",
    "isub",
    "mul",
    "imul",
    "div",
    "divide",
    "truediv",
    "true_divide",
    "maximum",
    "minimum",
    "pow",
    "neg",
    "abs",
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "sin",
    "cos",
    "tanh",
    "erf",
    "sigmoid",
    "relu",
    "sum",
    "mean",
    "amax",
    "cat",
    "stack",
    "embedding",
    "index_select",
    "gather",
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "interpolate",
    "pad",
];

/// The names that PyTorch has for an operation.
fn names(block: &Block, node: &Node) -> &'static [&'static str] {
    match &node.op {
        Op::Linear { .. } => &["linear", "addmm"],
        Op::MatMul => &["matmul", "bmm", "mm", "baddbmm"],
        Op::Convolution { .. } => match node.inputs.first().map(|&value| block.ty(value).rank()) {
            Some(3) => &["conv1d"],
            Some(4) => &["conv2d"],
            _ => &["conv3d"],
        },
        Op::Attention { .. } => &["scaled_dot_product_attention"],
        Op::Softmax { .. } => &["softmax"],
        Op::LayerNorm { .. } => &["layer_norm"],
        Op::RmsNorm { .. } => &["rms_norm"],
        Op::GroupNorm { .. } => &["group_norm"],
        Op::Gelu { .. } => &["gelu"],
        Op::Silu => &["silu"],
        Op::Binary { function } => match function {
            Binary::Add => &["add", "iadd"],
            Binary::Sub => &["sub", "rsub", "isub"],
            Binary::Mul => &["mul", "imul"],
            Binary::Div => &["div", "divide", "truediv", "true_divide"],
            Binary::Max => &["maximum"],
            Binary::Min => &["minimum"],
            Binary::Pow => &["pow"],
        },
        Op::Unary { function } => match function {
            Unary::Neg => &["neg"],
            Unary::Abs => &["abs"],
            Unary::Exp => &["exp"],
            Unary::Log => &["log"],
            Unary::Sqrt => &["sqrt"],
            Unary::Rsqrt => &["rsqrt"],
            Unary::Reciprocal => &["reciprocal"],
            Unary::Sin => &["sin"],
            Unary::Cos => &["cos"],
            Unary::Tanh => &["tanh"],
            Unary::Erf => &["erf"],
            Unary::Sigmoid => &["sigmoid"],
            Unary::Relu => &["relu"],
        },
        Op::Reduce { function, .. } => match function {
            Reduce::Sum => &["sum"],
            Reduce::Mean => &["mean"],
            Reduce::Max => &["amax"],
        },
        Op::Concat { .. } => &["cat", "stack"],
        Op::Gather { .. } => &["embedding", "index_select", "gather"],
        Op::Upsample { .. } => {
            &["upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "interpolate"]
        }
        Op::Pad { .. } => &["pad"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_program::TensorType;

    #[test]
    fn every_list_names_what_is_known() {
        assert!(LOWER.iter().chain(&FULL).all(|name| Autocast::knows(name)));
    }

    #[test]
    fn lists_are_by_pytorchs_names() {
        let program = Program::trace("model", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [1, 3, 4, 4]))?;
            let y = x.linear(&scope.param("w", &[4, 4])?, None)?;
            scope.output("y", &y.softmax(3)?.silu()?)
        })
        .unwrap();
        let types = |autocast: &Autocast| {
            let cast = autocast.apply(&program);
            cast.check().unwrap();
            let entry = cast.entry();
            let nodes = entry.nodes.iter().filter(|node| !matches!(node.op, Op::Cast { .. }));
            nodes.map(|node| entry.ty(node.outputs[0]).dtype.name()).collect::<Vec<_>>()
        };
        let lists = |lower: &[&str], full: &[&str]| {
            let own = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
            Autocast::new(own(lower), own(full))
        };
        assert_eq!(types(&Autocast::default()), ["bf16", "bf16", "bf16"]);
        assert_eq!(types(&lists(&["addmm"], &["softmax"])), ["bf16", "f32", "f32"]);
        assert_eq!(types(&lists(&["softmax"], &["softmax"])), ["f32", "bf16", "bf16"], "bf16 comes first");
        assert_eq!(types(&lists(&[], &[])), ["f32", "f32", "f32"]);
    }
}

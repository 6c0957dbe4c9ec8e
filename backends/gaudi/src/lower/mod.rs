//! Lowering: a block, and whatever it calls, as one graph.
//!
//! Shapes are outermost first here. An operation that the interface has for few dimensions, or whose own dimensions do not
//! matter, sees its operand as `[outer, axis, inner]`. Values without elements have no tensor.

mod builder;
mod contraction;
mod convolution;
mod elementwise;
mod encoded;
mod fused;
mod movement;
mod norm;
mod reduce;
mod transpose;
mod wrapping;

use crate::graph::Graph;
use crate::kernels::Kernels;
use crate::options::AttentionKind;
use builder::{Builder, Laid};
pub(crate) use fused::attention_used;
use tintype_program::{Block, BlockId, Node, Op, Program, TensorType};

/// How a block is lowered.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Nodes of others for custom operations.
    pub(crate) kernels: Kernels,
    /// What attention becomes, where it was not taken apart.
    pub(crate) attention: AttentionKind,
}

/// An operation that could not be lowered: its block's name, its place, and why.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) block: BlockId,
    pub(crate) node: usize,
    pub(crate) reason: String,
}

/// The graph of a block, whose operands are its inputs, then its parameters.
pub(crate) fn lower(program: &Program, id: BlockId, rules: &Rules) -> Result<Graph, Refusal> {
    let block = program.block(id);
    let mut lowering = Lowering { program, rules, builder: Builder::default() };
    let arguments = block
        .arguments()
        .enumerate()
        .map(|(position, value)| lowering.builder.argument(position, block.ty(value), block.encoding(value)));
    let arguments: Vec<Laid> = arguments.collect();
    let results = lowering.block(id, &arguments)?;
    let refuse = |reason| Refusal { block: id, node: block.nodes.len(), reason };
    for (position, (laid, port)) in results.iter().zip(&block.outputs).enumerate() {
        lowering.builder.result(position, laid, block.ty(port.value)).map_err(refuse)?;
    }
    Ok(lowering.builder.graph)
}

struct Lowering<'p> {
    program: &'p Program,
    rules: &'p Rules,
    builder: Builder,
}

impl Lowering<'_> {
    fn block(&mut self, id: BlockId, arguments: &[Laid]) -> Result<Vec<Laid>, Refusal> {
        let block = self.program.block(id);
        let mut values: Vec<Option<Laid>> = vec![None; block.values.len()];
        for (value, laid) in block.arguments().zip(arguments) {
            values[value.index()] = Some(laid.clone());
        }
        let refuse = |node, reason: String| Refusal { block: id, node, reason };
        let used = block.used_values();
        for (index, node) in block.nodes.iter().enumerate() {
            if !node.outputs.iter().any(|value| used[value.index()]) {
                continue;
            }
            let operands: Option<Vec<Laid>> =
                node.inputs.iter().map(|value| values[value.index()].clone()).collect();
            let operands = operands.ok_or_else(|| refuse(index, "an operand is not defined".into()))?;
            let results = match node.op {
                Op::Call { block } | Op::Elementwise { block } => self.block(block, &operands)?,
                _ => self.node(block, node, &operands).map_err(|reason| refuse(index, reason))?,
            };
            for (value, laid) in node.outputs.iter().zip(results) {
                values[value.index()] = Some(laid);
            }
        }
        let results = block.outputs.iter().map(|port| values[port.value.index()].clone());
        let results: Option<Vec<Laid>> = results.collect();
        results.ok_or_else(|| refuse(block.nodes.len(), "a result is not defined".into()))
    }

    fn node(&mut self, block: &Block, node: &Node, x: &[Laid]) -> Result<Vec<Laid>, String> {
        let types: Vec<TensorType> = node.inputs.iter().map(|&value| block.ty(value).clone()).collect();
        let to: Vec<&TensorType> = node.outputs.iter().map(|&value| block.ty(value)).collect();
        if to.iter().all(|ty| ty.elements() == 0) {
            return Ok(vec![Laid::Empty; to.len()]);
        }
        if let Op::Custom { name, attributes, .. } = &node.op {
            let kernel = self.rules.kernels.get(name).ok_or("no kernel is registered for it")?;
            return fused::custom(&mut self.builder, kernel, attributes, x, &types, &to);
        }
        let &[to] = &to[..] else { return Err("it has more than one result".into()) };
        let b = &mut self.builder;
        let first = || types.first().ok_or("it has no operand");
        let laid = match &node.op {
            Op::Constant { value, dtype } => elementwise::constant(b, *value, *dtype),
            Op::Unary { function } => elementwise::unary(b, *function, &x[0], first()?),
            Op::Binary { function } => elementwise::binary(b, *function, &x[0], &x[1], first()?),
            Op::Cast { dtype } => elementwise::cast(b, &x[0], first()?, *dtype),
            Op::Gelu { form } => elementwise::gelu(b, *form, &x[0], first()?),
            Op::Silu => elementwise::silu(b, &x[0], first()?),
            Op::Reduce { function, axes } => reduce::reduce(b, *function, axes, &x[0], first()?),
            Op::Reshape { .. } => Ok(x[0].clone()),
            Op::Transpose { permutation } => transpose::transpose(b, permutation, &x[0], first()?),
            Op::Slice { starts, ends, steps } => movement::slice(b, [starts, ends, steps], &x[0], first()?),
            Op::Concat { axis } => movement::concat(b, *axis, x, &types, to),
            Op::Pad { before, after, mode } => movement::pad(b, before, after, *mode, &x[0], first()?),
            Op::Broadcast { .. } => movement::broadcast(b, &x[0], first()?, to),
            Op::Gather { axis } => movement::gather(b, *axis, x, &types),
            Op::MatMul => contraction::matmul(b, x, &types, to),
            Op::Linear { .. } => contraction::linear(b, x, &types, to),
            Op::Convolution { stride, padding, dilation, groups, mode } => {
                let shape = convolution::Shape { stride, padding, dilation, groups: *groups, mode: *mode };
                convolution::convolution(b, &shape, x, &types, to)
            }
            Op::Decode => encoded::decode(b, &x[0], to),
            Op::Attention { scale } => fused::attention(b, *scale, self.rules.attention, x, &types, to),
            Op::RotaryEmbedding { pairing } => fused::rotary(b, *pairing, x, &types),
            Op::Softmax { axis } => norm::softmax(b, *axis, &x[0], first()?),
            Op::LayerNorm { eps } => norm::layer_norm(b, *eps, x, &types),
            Op::RmsNorm { eps } => norm::rms_norm(b, *eps, x, &types),
            Op::GroupNorm { groups, eps } => norm::group_norm(b, *groups, *eps, x, &types),
            Op::Upsample { .. } | Op::Custom { .. } | Op::Call { .. } | Op::Elementwise { .. } => {
                Err("it is not lowered as one operation".into())
            }
        };
        Ok(vec![laid?])
    }
}

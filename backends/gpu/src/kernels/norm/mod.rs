//! Norms.

mod group;
mod row;

pub use group::GroupNorm;

use crate::{Architecture, Launch, View};
use row::{After, Kind, Row};
use tintype_program::{Block, Op, Program, ValueId};

/// A layer norm or an RMS norm over the innermost axis.
pub fn single(op: &Op, reads: &[View], to: &View, architecture: &Architecture) -> Result<Launch, String> {
    let kind = kind(op)?;
    let x = reads.first().ok_or("it takes an operand")?.clone();
    let affine = reads.len() - 1;
    Row { kind, x, affine, after: After::Nothing, reads, to }.launch(architecture)
}

/// A norm with what follows it, as a pass gathered them: operand `k` of the launch is the body's input `k`, the norm's own first.
pub fn fused(
    program: &Program,
    body: &Block,
    reads: &[View],
    to: &[View],
    architecture: &Architecture,
) -> Result<Launch, String> {
    let [to] = to else { return Err("a fused norm has one result".into()) };
    let (norm, rest) = body.nodes.split_first().ok_or("a fused norm holds a norm")?;
    let kind = kind(&norm.op)?;
    let input = |value: ValueId| body.arguments().position(|argument| argument == value);
    let operand = |value: ValueId| input(value).ok_or("it reads what it makes");
    if norm.inputs.iter().enumerate().any(|(position, &value)| input(value) != Some(position)) {
        return Err("a fused norm's own operands come first".into());
    }
    let mut x = reads.first().ok_or("it takes an operand")?.clone();
    let mut current = *norm.outputs.first().ok_or("a norm has a result")?;
    let mut after = After::Nothing;
    for node in rest {
        after = match (&node.op, &node.inputs[..]) {
            (Op::Transpose { permutation }, _) => {
                let view = x.clone();
                x.shape = permutation.iter().map(|&axis| view.shape[axis]).collect();
                x.strides = permutation.iter().map(|&axis| view.strides[axis]).collect();
                After::Nothing
            }
            (Op::RotaryEmbedding { pairing }, &[_, cos, sin]) => {
                After::Rotary { pairing: *pairing, cos: operand(cos)?, sin: operand(sin)? }
            }
            (Op::Elementwise { block }, inputs) => {
                let others = inputs
                    .iter()
                    .map(|&value| if value == current { Ok(None) } else { operand(value).map(Some) });
                After::Group { block: program.block(*block), operands: others.collect::<Result<_, _>>()? }
            }
            (op, _) => return Err(format!("{} does not follow a norm", op.name())),
        };
        current = *node.outputs.first().ok_or("an operation has a result")?;
    }
    Row { kind, x, affine: norm.inputs.len() - 1, after, reads, to }.launch(architecture)
}

fn kind(op: &Op) -> Result<Kind, String> {
    match op {
        Op::LayerNorm { eps } => Ok(Kind::Layer { eps: *eps }),
        Op::RmsNorm { eps } => Ok(Kind::Rms { eps: *eps }),
        op => Err(format!("{} is no norm over a row", op.name())),
    }
}

//! Norms.

mod group;
mod row;

pub use group::GroupNorm;

use crate::{Architecture, Launch, View};
use row::{After, Before, Group, Kind, Row};
use tintype_program::{Block, Node, Op, Program, ValueId};

/// A layer norm or an RMS norm over the innermost axis.
pub fn single(op: &Op, reads: &[View], to: &View, architecture: &Architecture) -> Result<Launch, String> {
    let kind = kind(op).ok_or_else(|| format!("{} is no norm over a row", op.name()))?;
    let (before, affine) = (Before::Operand(0), (1..reads.len()).collect());
    Row { kind, before, affine, after: After::Nothing, reads, kept: None, to }.launch(architecture)
}

/// A norm with what comes before and after it, as a pass gathered them: operand `k` of the launch is the body's input `k`.
/// Two results are what comes before the norm, and what comes last.
pub fn fused(
    program: &Program,
    body: &Block,
    reads: &[View],
    to: &[View],
    architecture: &Architecture,
) -> Result<Launch, String> {
    let (kept, to) = match to {
        [to] => (None, to),
        [kept, to] => (Some(kept), to),
        _ => return Err(format!("a fused norm has one result or two, not {}", to.len())),
    };
    let mut reads = reads.to_vec();
    let operand = |value: ValueId| {
        let place = body.arguments().position(|argument| argument == value);
        place.ok_or("it reads what it makes")
    };
    let group = |node: &Node, made: Option<ValueId>| -> Result<Option<Group<'_>>, String> {
        let Op::Elementwise { block } = node.op else { return Ok(None) };
        let place = |&value: &ValueId| match made == Some(value) {
            true => Ok(None),
            false => operand(value).map(Some),
        };
        let operands = node.inputs.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Some(Group { block: program.block(block), operands }))
    };
    let at = body.nodes.iter().position(|node| kind(&node.op).is_some());
    let (earlier, rest) = body.nodes.split_at(at.ok_or("a fused norm holds a norm")?);
    let (norm, rest) = rest.split_first().ok_or("a fused norm holds a norm")?;
    let kind = kind(&norm.op).ok_or("a fused norm holds a norm")?;
    let (&x, affine) = norm.inputs.split_first().ok_or("a norm takes an operand")?;
    let before = match earlier {
        [] => Before::Operand(operand(x)?),
        [node] => Before::Group(group(node, None)?.ok_or("only elementwise work comes before a norm")?),
        _ => return Err("more than one operation comes before a norm".into()),
    };
    let affine = affine.iter().map(|&value| operand(value)).collect::<Result<_, _>>()?;
    let mut current = *norm.outputs.first().ok_or("a norm has a result")?;
    let mut after = After::Nothing;
    for node in rest {
        after = match (&node.op, &node.inputs[..], &before) {
            (Op::Transpose { permutation }, _, Before::Operand(x)) => {
                // The row is read with its axes turned.
                let view = &mut reads[*x];
                let turned = |list: &[usize]| permutation.iter().map(|&axis| list[axis]).collect();
                (view.shape, view.strides) = (turned(&view.shape), turned(&view.strides));
                After::Nothing
            }
            (Op::RotaryEmbedding { pairing }, &[_, cos, sin], _) => {
                After::Rotary { pairing: *pairing, cos: operand(cos)?, sin: operand(sin)? }
            }
            (op, ..) => match group(node, Some(current))? {
                Some(group) => After::Group(group),
                None => return Err(format!("{} does not follow a norm", op.name())),
            },
        };
        current = *node.outputs.first().ok_or("an operation has a result")?;
    }
    Row { kind, before, affine, after, reads: &reads, kept, to }.launch(architecture)
}

fn kind(op: &Op) -> Option<Kind> {
    match op {
        Op::LayerNorm { eps } => Some(Kind::Layer { eps: *eps }),
        Op::RmsNorm { eps } => Some(Kind::Rms { eps: *eps }),
        _ => None,
    }
}

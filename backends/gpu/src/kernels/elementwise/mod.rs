//! Elementwise operations, one or many in a pass.

mod expression;

pub(super) use expression::{Expression, stored};

use super::pointwise::Pointwise;
use crate::{Architecture, Launch, View};
use tintype_program::{Block, Node, Op, Port, TensorType, ValueId, infer};

/// A block that grouping made: operand `k` of the launch is its argument `k`.
pub fn group(
    block: &Block,
    reads: &[View],
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let expression = Expression::of(block, |argument| format!("x{argument}"))?;
    let entry = format!("elementwise_{}", identifier(&block.name));
    Pointwise { entry, reads, to, body: expression.store(to.dtype)? }.launch()
}

/// One operation.
pub fn single(op: &Op, reads: &[View], to: &View, architecture: &Architecture) -> Result<Launch, String> {
    let types: Vec<_> = reads.iter().map(|view| TensorType::new(view.dtype, view.shape.clone())).collect();
    let mut block = Block { name: op.name().into(), ..Block::default() };
    let inputs: Vec<ValueId> = types.iter().map(|ty| block.push_value(ty.clone())).collect();
    let outputs: Vec<ValueId> = infer(op, &types)?.into_iter().map(|ty| block.push_value(ty)).collect();
    let port = |value: &ValueId| Port { name: value.0.to_string(), value: *value };
    block.inputs = inputs.iter().map(port).collect();
    block.outputs = outputs.iter().map(port).collect();
    block.nodes = vec![Node { op: op.clone(), inputs, outputs }];
    group(&block, reads, to, architecture)
}

/// A name as a part of a function's.
fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(64).collect()
}

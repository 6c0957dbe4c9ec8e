//! Moving elements from one layout to another, and filling.

use super::elementwise::Expression;
use super::pointwise::Pointwise;
use crate::prelude::name;
use crate::{Architecture, Launch, View};
use tintype_program::{Block, Node, Op, Port, TensorType};

/// Elements to the same places of another layout; both have one shape and dtype.
pub fn copy(from: &View, to: &View, _architecture: &Architecture) -> Result<Launch, String> {
    if from.dtype != to.dtype {
        return Err(format!("a copy from {} to {}", from.dtype, to.dtype));
    }
    if let Some(launch) = super::transpose::transpose(from, to)? {
        return Ok(launch);
    }
    let body = format!("const {} result = x0;\n", name(to.dtype));
    Pointwise { entry: "copy".into(), reads: std::slice::from_ref(from), to, body }.launch()
}

/// One number everywhere.
pub fn fill(value: f64, to: &View, _architecture: &Architecture) -> Result<Launch, String> {
    let mut block = Block::default();
    let output = block.push_value(TensorType::new(to.dtype, []));
    block.outputs = vec![Port { name: "value".into(), value: output }];
    let op = Op::Constant { value, dtype: to.dtype };
    block.nodes = vec![Node { op, inputs: Vec::new(), outputs: vec![output] }];
    let body = Expression::of(&block, |_| String::new())?.store(to.dtype)?;
    Pointwise { entry: "fill".into(), reads: &[], to, body }.launch()
}

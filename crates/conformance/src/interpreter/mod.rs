//! A naive float64 interpreter of Programs: what every plugin is held against.
//!
//! Each operation is written from its definition in [`Op`], composite ones too, so that decompositions can be checked
//! against it. Nothing here is shared with any plugin, and nothing is fast.

mod bindings;
mod contraction;
mod convolution;
mod elementwise;
pub(crate) mod encoded;
mod layout;
mod normalisation;
pub(crate) mod rounding;
mod spatial;
mod tensor;

pub use bindings::{Bindings, Outputs};
pub use rounding::{Rounding, from_bytes, to_bytes};
pub use tensor::Tensor;

use crate::Result;
use convolution::Convolution;
use rounding::to_dtype;
use std::rc::Rc;
use tintype_program::{Block, Node, Op, Program, TensorType};

/// Runs a Program once, in float64 without rounding.
pub fn interpret(program: &Program, bindings: &Bindings) -> Result<Outputs> {
    interpret_with(program, bindings, Rounding::None)
}

/// Runs a Program once.
pub fn interpret_with(program: &Program, bindings: &Bindings, rounding: Rounding) -> Result<Outputs> {
    program.check()?;
    let entry = program.entry();
    let mut given = Vec::new();
    for port in &entry.inputs {
        given.push(Rc::new(bindings.get("input", &port.name, entry.ty(port.value))?.clone()));
    }
    for param in &entry.params {
        given.push(Rc::new(bindings.get("parameter", &param.name, entry.ty(param.value))?.clone()));
    }
    for state in &entry.states {
        given.push(Rc::new(bindings.get("state", &state.name, entry.ty(state.value))?.clone()));
    }
    let results = Interpreter { program, rounding }.block(entry, given);
    let names =
        entry.outputs.iter().map(|port| &port.name).chain(entry.states.iter().map(|state| &state.name));
    let mut named = names.zip(results).map(|(name, value)| (name.clone(), Rc::unwrap_or_clone(value)));
    let outputs = named.by_ref().take(entry.outputs.len()).collect();
    Ok(Outputs { outputs, states: named.collect() })
}

struct Interpreter<'p> {
    program: &'p Program,
    rounding: Rounding,
}

impl Interpreter<'_> {
    /// The results of a block (outputs, then states) for its arguments (inputs, parameters, then states).
    fn block(&self, block: &Block, given: Vec<Rc<Tensor>>) -> Vec<Rc<Tensor>> {
        let unset = Rc::new(Tensor { shape: vec![], data: vec![] });
        let mut values = vec![unset; block.values.len()];
        let places = block.arguments().chain(block.states.iter().map(|state| state.value));
        places.zip(given).for_each(|(place, value)| values[place.index()] = value);
        for node in &block.nodes {
            let operands: Vec<Rc<Tensor>> =
                node.inputs.iter().map(|v| Rc::clone(&values[v.index()])).collect();
            let results = match node.op.block() {
                Some(callee) => self.block(self.program.block(callee), operands),
                None => vec![Rc::new(self.operation(block, node, &operands))],
            };
            node.outputs.iter().zip(results).for_each(|(place, value)| values[place.index()] = value);
        }
        block.results().map(|value| Rc::clone(&values[value.index()])).collect()
    }

    fn operation(&self, block: &Block, node: &Node, operands: &[Rc<Tensor>]) -> Tensor {
        let ty = block.ty(node.outputs[0]);
        let result = evaluate(&node.op, ty, &operands.iter().map(Rc::as_ref).collect::<Vec<_>>());
        match self.rounding {
            Rounding::Declared => result.map(|x| to_dtype(x, ty.dtype)),
            Rounding::None => result,
        }
    }
}

/// The result, of type `ty`, of an operation that names no block.
fn evaluate(op: &Op, ty: &TensorType, x: &[&Tensor]) -> Tensor {
    let optional = |position: usize| x.get(position).copied();
    match op {
        Op::Constant { value, dtype } => Tensor { shape: vec![], data: vec![to_dtype(*value, *dtype)] },
        Op::Unary { function } => elementwise::unary(*function, x[0]),
        Op::Binary { function } => elementwise::binary(*function, x[0], x[1], ty.dtype),
        Op::Cast { dtype } if dtype.is_float() => x[0].clone(),
        Op::Cast { dtype } => x[0].map(|x| to_dtype(x, *dtype)),
        Op::Reduce { function, axes } => elementwise::reduce(*function, axes, x[0]),
        Op::Reshape { shape } => layout::reshape(shape, x[0]),
        Op::Transpose { permutation } => layout::transpose(permutation, x[0]),
        Op::Slice { starts, ends, steps } => layout::slice(starts, ends, steps, x[0]),
        Op::Concat { axis } => layout::concat(*axis, x),
        Op::Pad { before, after, mode } => layout::pad(before, after, *mode, x[0]),
        Op::Broadcast { shape } => layout::broadcast(shape, x[0]),
        Op::Gather { axis } => layout::gather(*axis, x[0], x[1]),
        Op::MatMul => contraction::mat_mul(x[0], x[1]),
        Op::Convolution { stride, padding, dilation, groups, mode } => {
            Convolution { stride, padding, dilation, groups: *groups, mode: *mode }.apply(
                x[0],
                x[1],
                optional(2),
            )
        }
        // Encoded parameters are decoded when they are bound.
        Op::Decode => x[0].clone(),
        Op::Linear { activation } => contraction::linear(*activation, x[0], x[1], optional(2)),
        Op::Attention { scale } => contraction::attention(*scale, x[0], x[1], x[2], optional(3)),
        Op::Softmax { axis } => normalisation::softmax(*axis, x[0]),
        Op::LayerNorm { eps } => normalisation::layer_norm(*eps, x[0], optional(1), optional(2)),
        Op::RmsNorm { eps } => normalisation::rms_norm(*eps, x[0], optional(1)),
        Op::GroupNorm { groups, eps } => {
            normalisation::group_norm(*groups, *eps, x[0], optional(1), optional(2))
        }
        Op::RotaryEmbedding { pairing } => spatial::rotary_embedding(*pairing, x[0], x[1], x[2]),
        Op::Gelu { form } => elementwise::gelu(*form, x[0]),
        Op::Silu => elementwise::silu(x[0]),
        Op::Upsample { factors } => spatial::upsample(factors, x[0]),
        // These name a block, which the interpreter runs instead.
        Op::Call { .. } | Op::Elementwise { .. } | Op::Custom { .. } => {
            Tensor { shape: vec![], data: vec![] }
        }
    }
}

//! Cheap work on small tensors that are then broadcast.

use super::Uses;
use super::edit::Edit;
use tintype_program::{Binary, Block, Op, Program, Unary};

/// Has sums, products and casts whose results are only broadcast into elementwise work done there, once an element: that is
/// nothing beside the memory it reads, and there is no launch for the small tensor.
pub fn widen(mut program: Program) -> Program {
    // What is computed of what is computed takes a round each.
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        program = Edit::each_node(program, |block, index, edit| {
            let node = &block.nodes[index];
            let Op::Broadcast { shape } = &node.op else { return None };
            let &[small] = &node.inputs[..] else { return None };
            let from = block.nodes.iter().position(|node| node.outputs == [small])?;
            if !is_cheap(&block.nodes[from].op) || !only_widened(block, from) {
                return None;
            }
            let wide = Op::Broadcast { shape: shape.clone() };
            let operands: Option<Vec<_>> =
                block.nodes[from].inputs.iter().map(|&operand| edit.add(wide.clone(), &[operand])).collect();
            edit.add(block.nodes[from].op.clone(), &operands?)
        });
    }
    program
}

fn is_cheap(op: &Op) -> bool {
    match op {
        Op::Binary { function } => matches!(function, Binary::Add | Binary::Sub | Binary::Mul),
        Op::Unary { function } => matches!(function, Unary::Neg),
        Op::Cast { .. } => true,
        _ => false,
    }
}

/// Whether all that reads a node's result are broadcasts of which only elementwise work is made.
fn only_widened(block: &Block, node: usize) -> bool {
    let uses = Uses::of(block);
    let is_widened = |reader: &usize| {
        let Some(broadcast) = block.nodes.get(*reader) else { return false };
        let reads = |value| uses.readers_of(value).iter().map(|&reader| block.nodes.get(reader));
        matches!(broadcast.op, Op::Broadcast { .. })
            && broadcast.outputs.iter().all(|&value| {
                reads(value).all(|reader| reader.is_some_and(|reader| reader.op.is_elementwise()))
            })
    };
    block.nodes[node].outputs.iter().all(|&value| uses.readers_of(value).iter().all(is_widened))
}

//! What the plugin does with each operation.

use tintype_accel::{Coverage, OpCoverage, Support};
use tintype_program::{Block, Node, Op, Program};

/// Every operation of a checked Program.
pub(crate) fn coverage(program: &Program) -> Coverage {
    let ops = program.blocks.iter().flat_map(|block| {
        block.nodes.iter().enumerate().map(move |(index, node)| OpCoverage {
            block: block.name.clone(),
            node: index,
            op: node.op.name().into(),
            operands: operands(block, node),
            support: support(block, node),
        })
    });
    Coverage { ops: ops.collect() }
}

/// What becomes of one operation.
pub(super) fn support(block: &Block, node: &Node) -> Support {
    let encoded = || node.inputs.iter().any(|&value| !block.encoding(value).is_plain());
    match node.op {
        // No kernels are registered for operations of others.
        Op::Custom { .. } => Support::Decomposed,
        Op::Elementwise { .. } if encoded() => Support::Unsupported(
            "an elementwise operation reads no encoded parameter; decode it first".into(),
        ),
        _ => Support::Native,
    }
}

/// The operands' types, as messages list them.
pub(super) fn operands(block: &Block, node: &Node) -> String {
    let types: Vec<_> = node.inputs.iter().map(|&value| block.ty(value).to_string()).collect();
    format!("({})", types.join(", "))
}

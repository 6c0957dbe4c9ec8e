//! What the plugin does with each operation.

use tintype_accel::{Coverage, Support};
use tintype_program::{Block, Node, Op, Program};

/// What becomes of every operation of a checked Program.
pub(crate) fn coverage(program: &Program) -> Coverage {
    Coverage::of(program, support)
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

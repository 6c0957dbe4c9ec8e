//! Linear layers with the activation that follows them.

use super::{LINEAR_GELU, Uses};
use tintype_program::passes::{Outline, outline};
use tintype_program::{Activation, GeluForm, Op, Program};

/// Gathers each linear layer of plain weights and the gelu (tanh) that alone reads it into one operation: the library's
/// epilogue does it on the accumulator.
pub fn fuse_gelu(program: Program) -> Program {
    outline(program, |_, block| {
        let uses = Uses::of(block);
        let fused = block.nodes.iter().enumerate().filter_map(|(index, node)| {
            let plain = node.inputs.iter().all(|&value| block.encoding(value).is_plain());
            let Op::Linear { activation: Activation::Keep } = node.op else { return None };
            let (next, follower) = uses.only_reader(index)?;
            let gelu = matches!(follower.op, Op::Gelu { form: GeluForm::Tanh });
            (plain && gelu).then(|| Outline {
                name: LINEAR_GELU.into(),
                members: vec![index, next],
                operands: node.inputs.clone(),
                ..Outline::default()
            })
        });
        fused.collect()
    })
}

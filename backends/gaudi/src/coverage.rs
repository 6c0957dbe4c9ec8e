//! What the plugin does with each operation.

use crate::options::{AttentionKind, Options};
use tintype_accel::{Coverage, Error, OpCoverage, Result, Support};
use tintype_program::{Activation, Binary, Block, GeluForm, Node, Op, Program};

/// What becomes of every operation of a checked Program, without a library or a device.
pub fn coverage(program: &Program, options: &Options) -> Coverage {
    let ops = program.blocks.iter().flat_map(|block| {
        block.nodes.iter().enumerate().map(move |(index, node)| OpCoverage {
            block: block.name.clone(),
            node: index,
            op: node.op.name().into(),
            operands: operands(block, node),
            support: support(block, node, options),
        })
    });
    Coverage { ops: ops.collect() }
}

/// What becomes of one operation.
pub(crate) fn support(block: &Block, node: &Node, options: &Options) -> Support {
    let encoded = || node.inputs.iter().any(|&value| !block.encoding(value).is_plain());
    let kept = match &node.op {
        Op::Elementwise { .. } if encoded() => {
            let reason = "an elementwise operation reads no encoded parameter; decode it first";
            return Support::Unsupported(reason.into());
        }
        Op::Binary { function: Binary::Div | Binary::Pow }
            if node.inputs.iter().any(|&value| !block.ty(value).dtype.is_float()) =>
        {
            let reason = "what the node does with integers that it divides by zero is not known";
            return Support::Unsupported(reason.into());
        }
        Op::Custom { name, .. } => options.kernels.contains_key(name),
        Op::Attention { .. } => {
            let empty = node.inputs.iter().any(|&value| block.ty(value).elements() == 0);
            options.attention != AttentionKind::Composed && !empty
        }
        Op::Linear { activation } => *activation == Activation::Keep,
        Op::Gelu { form } => *form != GeluForm::Quick,
        Op::Upsample { .. } => false,
        _ => true,
    };
    if kept { Support::Native } else { Support::Decomposed }
}

/// Refuses a Program that holds what cannot be run.
pub(crate) fn refuse_unsupported(program: &Program, options: &Options) -> Result<()> {
    let coverage = coverage(program, options);
    let Some(op) = coverage.unsupported().next() else { return Ok(()) };
    let reason = match &op.support {
        Support::Unsupported(reason) => reason.clone(),
        _ => String::new(),
    };
    Err(Error::Unsupported {
        backend: crate::NAME.into(),
        block: op.block.clone(),
        op: op.op.as_str().into(),
        operands: op.operands.clone(),
        reason,
    })
}

/// The operands' types, as messages list them.
pub(crate) fn operands(block: &Block, node: &Node) -> String {
    let types: Vec<_> = node.inputs.iter().map(|&value| block.ty(value).to_string()).collect();
    format!("({})", types.join(", "))
}

//! What the plugin does with each operation.

use crate::options::{AttentionKind, Options};
use tintype_accel::{Coverage, Support};
use tintype_program::{Activation, Binary, Block, DType, GeluForm, Node, Op, Program};

/// What becomes of every operation of a checked Program, without a library or a device.
pub fn coverage(program: &Program, options: &Options) -> Coverage {
    Coverage::of(program, |block, node| support(block, node, options))
}

/// What becomes of one operation.
pub(crate) fn support(block: &Block, node: &Node, options: &Options) -> Support {
    let encoded = || node.inputs.iter().any(|&value| !block.encoding(value).is_plain());
    let kept = match &node.op {
        Op::Elementwise { .. } if encoded() => {
            let reason = "an elementwise operation reads no encoded parameter; decode it first";
            return Support::Unsupported(reason.into());
        }
        Op::Binary { function } if node.inputs.iter().any(|&value| !block.ty(value).dtype.is_float()) => {
            let signed = node.inputs.iter().all(|&value| block.ty(value).dtype == DType::I32);
            match function {
                Binary::Div | Binary::Pow => {
                    let reason = "what the node does with integers that it divides by zero is not known";
                    return Support::Unsupported(reason.into());
                }
                // Made of sums that lie in range.
                Binary::Add | Binary::Sub if signed => true,
                Binary::Add | Binary::Sub | Binary::Mul => {
                    let reason = "whether the node wraps integers that overflow is not known";
                    return Support::Unsupported(reason.into());
                }
                Binary::Max | Binary::Min => true,
            }
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

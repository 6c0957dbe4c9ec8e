//! How a block takes its arguments and gives its results.
//!
//! A block that convolves pictures works on them with the channels innermost. Were its arguments and results row-major, each
//! picture would be turned twice between two such blocks; so blocks that are called take and give pictures as they work on
//! them. It depends on the block alone: whoever calls it reads it off its plan. The Program's own inputs and outputs are
//! row-major always.

use super::Callees;
use tintype_program::{Block, Op, PadMode, ValueId};

/// Which arguments and results of a block lie channels last; the others are row-major.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rim {
    /// By position among the arguments: inputs, then parameters.
    arguments: Vec<bool>,
    /// By position among the results: outputs, then states.
    results: Vec<bool>,
}

impl Rim {
    /// The arguments that a block wants channels last: pictures that it convolves, or works on before or after it does.
    pub(super) fn of_arguments(block: &Block, callees: &Callees) -> Self {
        let convolves = |(index, op): (usize, &Op)| match op {
            Op::Convolution { mode: PadMode::Zero, stride, .. } => stride.len() == 2,
            Op::Call { .. } => callees.get(&index).is_some_and(|callee| callee.rim.arguments.contains(&true)),
            _ => false,
        };
        if !block.nodes.iter().map(|node| &node.op).enumerate().any(convolves) {
            return Self::default();
        }
        let wants = |value: ValueId| {
            let ty = block.ty(value);
            ty.rank() == 4
                && ty.dtype.is_float()
                && block.nodes.iter().enumerate().any(|(index, node)| match &node.op {
                    Op::Convolution { .. } | Op::GroupNorm { .. } => node.inputs.first() == Some(&value),
                    Op::Elementwise { .. } | Op::Upsample { .. } => node.inputs.contains(&value),
                    Op::Call { .. } => {
                        let position = node.inputs.iter().position(|input| *input == value);
                        position.zip(callees.get(&index)).is_some_and(|(at, callee)| callee.rim.argument(at))
                    }
                    _ => false,
                })
        };
        let inputs = block.inputs.iter().map(|port| wants(port.value));
        Self { arguments: inputs.collect(), results: Vec::new() }
    }

    /// With the results that lie channels last.
    pub(super) fn with_results(mut self, results: impl Iterator<Item = bool>) -> Self {
        self.results = results.collect();
        self
    }

    /// Whether the argument of this position lies channels last.
    pub(super) fn argument(&self, position: usize) -> bool {
        self.arguments.get(position) == Some(&true)
    }

    /// Whether the result of this position lies channels last.
    pub(super) fn result(&self, position: usize) -> bool {
        self.results.get(position) == Some(&true)
    }
}

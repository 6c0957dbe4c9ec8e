//! What a Program costs: floating-point operations and the least bytes it has to move.
//!
//! Counts are of the mathematics, not of any kernel: a multiplication and an addition are two FLOPs, any other function
//! of an element is one, and every operand is read once and every result written once. What only renames elements
//! (reshape, transpose, slice, broadcast) costs nothing.

mod op;
#[cfg(test)]
mod tests;

pub use op::of_node;

use crate::{Op, Program};
use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, Mul};

/// Work and traffic. Sums and products saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Arithmetic operations on elements.
    pub flops: u64,
    /// Bytes read and written, at least.
    pub bytes: u64,
}

/// What all operations of one kind cost in one run of a Program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpCost {
    /// How often operations of the kind run.
    pub count: u64,
    /// What they cost together.
    pub cost: Cost,
}

/// What one block costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockCost {
    /// How often the block runs in one run of the Program; 0 for what is inside an elementwise or custom operation.
    pub runs: u64,
    /// What one run of the block costs, the blocks that it calls included.
    pub once: Cost,
}

/// What one run of a Program costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramCost {
    /// All of it.
    pub total: Cost,
    /// By operation, under [`Op::name`]. Calls are no operation of their own: what they call is counted.
    pub ops: BTreeMap<String, OpCost>,
    /// By block, in the Program's order.
    pub blocks: Vec<BlockCost>,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { flops: self.flops.saturating_add(other.flops), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

impl Mul<u64> for Cost {
    type Output = Cost;

    fn mul(self, times: u64) -> Cost {
        Cost { flops: self.flops.saturating_mul(times), bytes: self.bytes.saturating_mul(times) }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::default(), Add::add)
    }
}

/// What one run of a Program costs: each block as often as it is called.
///
/// An elementwise group, or a custom operation, does the work of its block but moves only its own operands and results.
pub fn of_program(program: &Program) -> ProgramCost {
    let mut once: Vec<Cost> = Vec::with_capacity(program.blocks.len());
    for block in &program.blocks {
        let cost = block.nodes.iter().map(|node| of_node(block, node, &once)).sum();
        once.push(cost);
    }
    let runs = calls_of_blocks(program);
    let mut ops: BTreeMap<String, OpCost> = BTreeMap::new();
    for (block, &runs) in program.blocks.iter().zip(&runs).filter(|(_, runs)| **runs > 0) {
        for node in block.nodes.iter().filter(|node| !matches!(node.op, Op::Call { .. })) {
            let entry = ops.entry(node.op.name().to_string()).or_default();
            entry.count = entry.count.saturating_add(runs);
            entry.cost = entry.cost + of_node(block, node, &once) * runs;
        }
    }
    let total = once.last().copied().unwrap_or_default();
    let blocks = once.into_iter().zip(runs).map(|(once, runs)| BlockCost { runs, once }).collect();
    ProgramCost { total, ops, blocks }
}

/// As [`Program::runs_of_blocks`], by calls only.
fn calls_of_blocks(program: &Program) -> Vec<u64> {
    let mut runs = vec![0u64; program.blocks.len()];
    if let Some(last) = runs.last_mut() {
        *last = 1;
    }
    for caller in (0..program.blocks.len()).rev() {
        for node in &program.blocks[caller].nodes {
            if let Op::Call { block } = node.op {
                runs[block.index()] = runs[block.index()].saturating_add(runs[caller]);
            }
        }
    }
    runs
}

/// The least seconds that a device takes: as long as the slower of its arithmetic (`peak_flops`, operations a second)
/// and its memory (`peak_bandwidth`, bytes a second). Infinite where a rate is zero and there is work for it.
///
/// For a whole Program this assumes that arithmetic and traffic of different operations overlap; the sum over operations
/// is the bound for a device that runs one at a time.
pub fn roofline(cost: Cost, peak_flops: f64, peak_bandwidth: f64) -> f64 {
    let seconds = |amount: u64, rate: f64| if amount == 0 { 0.0 } else { amount as f64 / rate };
    seconds(cost.flops, peak_flops).max(seconds(cost.bytes, peak_bandwidth))
}

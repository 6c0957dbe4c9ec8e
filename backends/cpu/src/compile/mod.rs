//! Compiling: from a Program to plans, one a block.

mod cache;
mod coverage;
mod layout;
mod layouts;
mod lower;
mod plan;

pub(crate) use cache::Cache;
pub(crate) use coverage::coverage;
pub(crate) use plan::{Action, BlockPlan, Home, Operand, Step, Target};

use std::sync::Arc;
use tintype_accel::{Counters, Error, LaunchMode, Result, Support, raise};
use tintype_program::{BlockId, Op, Program, passes};

/// How deep calls may nest: each level takes a piece of the queue's stack.
const DEEPEST: usize = 256;

/// Compiles the blocks of a checked Program that `cache` does not hold, and gives the entry.
pub(crate) fn compile(
    program: &Program,
    launch: LaunchMode,
    cache: &mut Cache,
    counters: &Counters,
) -> Result<Arc<BlockPlan>> {
    refuse_unsupported(program)?;
    let keep = |block: &_, node: &_| coverage::support(block, node) == Support::Native;
    let program = passes::decompose(program.clone(), keep)?;
    let program = match launch {
        LaunchMode::Eager => program,
        _ => passes::group_elementwise(program),
    };
    let (hashes, called) = (program.hashes(), called(&program));
    let mut plans = lower::Callees::new();
    for (index, block) in program.blocks.iter().enumerate().filter(|(index, _)| called[*index]) {
        let key = (hashes[index], launch);
        let plan = match cache.get(&key) {
            Some(plan) => {
                raise(&counters.cache_hits, 1);
                plan
            }
            None => {
                let refuse = |(node, reason): (usize, String)| refuse(block, node, reason);
                let plan = lower::lower(&program, block, &plans).map_err(refuse)?;
                if plan.depth > DEEPEST {
                    return Err(refuse((block.nodes.len(), format!("calls nest deeper than {DEEPEST}"))));
                }
                raise(&counters.compiles, 1);
                let plan = Arc::new(plan);
                cache.insert(key, Arc::clone(&plan));
                plan
            }
        };
        plans.insert(BlockId(index as u32), plan);
    }
    plans
        .remove(&program.entry_id())
        .ok_or_else(|| Error::Internal { backend: "cpu".into(), reason: "the entry was not compiled".into() })
}

fn refuse_unsupported(program: &Program) -> Result<()> {
    let coverage = coverage(program);
    let Some(op) = coverage.unsupported().next() else { return Ok(()) };
    let reason = match &op.support {
        Support::Unsupported(reason) => reason.clone(),
        _ => String::new(),
    };
    Err(Error::Unsupported {
        backend: "cpu".into(),
        block: op.block.clone(),
        op: op.op.clone(),
        operands: op.operands.clone(),
        reason,
    })
}

fn refuse(block: &tintype_program::Block, node: usize, reason: String) -> Error {
    let node = block.nodes.get(node);
    Error::Unsupported {
        backend: "cpu".into(),
        block: block.name.clone(),
        op: node.map_or("output", |node| node.op.name()).into(),
        operands: node.map_or_else(String::new, |node| coverage::operands(block, node)),
        reason,
    }
}

/// The blocks that run by themselves: the entry and what is called. Bodies of elementwise nodes are part of the block
/// that holds these.
fn called(program: &Program) -> Vec<bool> {
    let mut called = vec![false; program.blocks.len()];
    called[program.entry_id().index()] = true;
    for index in (0..program.blocks.len()).rev() {
        if !called[index] {
            continue;
        }
        for node in &program.blocks[index].nodes {
            if let Op::Call { block } = node.op {
                called[block.index()] = true;
            }
        }
    }
    called
}

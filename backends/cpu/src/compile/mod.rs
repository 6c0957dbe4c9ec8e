//! Compiling: from a Program to plans, one a block.

mod coverage;
mod layouts;
mod lower;
mod packing;
mod plan;

pub(crate) use coverage::coverage;
pub(crate) use plan::{Action, BlockPlan, Home, Operand, Packing, Step, Target};

use crate::level::Level;
use crate::machine;
use packing::{Packable, Packs};
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::{Counters, Error, Kept, LaunchMode, Result, Support, raise};
use tintype_program::{BlockHash, BlockId, Op, Program, passes};

/// How deep calls may nest: each level takes a piece of the queue's stack.
const DEEPEST: usize = 256;

/// Compiled blocks: by the block's hash after this plugin's passes, which act on each block by itself, so that a block keeps its
/// hash whatever else of its Program changes; by the launch mode; and by which parameters it takes packed.
pub(crate) type Cache = Kept<(BlockHash, LaunchMode, Packs), BlockPlan>;

/// Compiles the blocks of a checked Program that `cache` does not hold, and gives the entry.
pub(crate) fn compile(
    program: &Program,
    launch: LaunchMode,
    level: Level,
    cache: &mut Cache,
    counters: &Counters,
) -> Result<Arc<BlockPlan>> {
    coverage(program).refuse_unsupported(machine::NAME)?;
    let keep = |block: &_, node: &_| coverage::support(block, node) == Support::Native;
    let program = passes::decompose(program.clone(), keep)?;
    let program = match launch {
        LaunchMode::Eager => program,
        _ => passes::group_elementwise(program),
    };
    // Operation by operation, weights stay as they were bound: what is debugged is then what was loaded.
    let packable = match launch {
        LaunchMode::Eager => None,
        _ => Some(Packable::of(&program)),
    };
    let hashes = program.hashes();
    let mut compiler = Compiler {
        program: &program,
        hashes,
        packable,
        level,
        launch,
        cache,
        counters,
        plans: HashMap::new(),
    };
    let entry = program.entry_id();
    let packs = compiler.packable.as_ref().map(|packable| packable.block(entry)).unwrap_or_default();
    compiler.block(entry, packs, 1)
}

/// One Program on its way to plans.
struct Compiler<'c> {
    program: &'c Program,
    hashes: Vec<BlockHash>,
    packable: Option<Packable>,
    level: Level,
    launch: LaunchMode,
    cache: &'c mut Cache,
    counters: &'c Counters,
    /// Of this Program. A block that is called with other parameters packed is another plan.
    plans: HashMap<(BlockId, Packs), Arc<BlockPlan>>,
}

impl Compiler<'_> {
    /// The plan of a block that takes its parameters as `packs` says, those of its callees before it.
    fn block(&mut self, id: BlockId, packs: Packs, depth: usize) -> Result<Arc<BlockPlan>> {
        if let Some(plan) = self.plans.get(&(id, packs.clone())) {
            return Ok(Arc::clone(plan));
        }
        let block = self.program.block(id);
        if depth > DEEPEST {
            return Err(Error::unsupported(
                machine::NAME,
                block,
                block.nodes.len(),
                format!("calls nest deeper than {DEEPEST}"),
            ));
        }
        let mut callees = lower::Callees::new();
        for (index, node) in block.nodes.iter().enumerate() {
            if let Op::Call { block: callee } = node.op {
                let taken = self.packable.as_ref();
                let taken = taken.map(|packable| packable.call(block, &packs, callee, &node.inputs));
                callees.insert(index, self.block(callee, taken.unwrap_or_default(), depth + 1)?);
            }
        }
        let key = (self.hashes[id.index()], self.launch, packs.clone());
        let plan = match self.cache.get(&key) {
            Some(plan) => {
                raise(&self.counters.cache_hits, 1);
                plan
            }
            None => {
                let lowered = lower::lower(self.program, block, &callees, &packs, self.level);
                let plan = Arc::new(
                    lowered
                        .map_err(|(node, reason)| Error::unsupported(machine::NAME, block, node, reason))?,
                );
                if plan.depth > DEEPEST {
                    let reason = format!("calls nest deeper than {DEEPEST}");
                    return Err(Error::unsupported(machine::NAME, block, block.nodes.len(), reason));
                }
                raise(&self.counters.compiles, 1);
                self.cache.insert(key, Arc::clone(&plan));
                plan
            }
        };
        self.plans.insert((id, packs), Arc::clone(&plan));
        Ok(plan)
    }
}

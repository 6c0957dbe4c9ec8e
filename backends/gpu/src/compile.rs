//! Compiling: from a Program to launch plans, one a block.

use crate::lower::{Callees, Target, lower};
use crate::passes;
use crate::plan::BlockPlan;
use crate::{Architecture, Joins};
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::{Counters, Coverage, Error, Joined, Kept, LaunchMode, Result, Support, raise};
use tintype_program::{Activation, Block, BlockHash, BlockId, Node, Op, Program};

/// How deep calls may nest: each level takes a piece of the caller's stack.
const DEEPEST: usize = 256;

/// Compiled blocks: by the block's hash after this crate's passes, which act on each block by itself and on how its calls follow
/// one another, so that a block keeps its hash whatever else of its Program changes; by whether it runs operation by operation;
/// and by whether it is called or the entry.
pub(crate) type Cache = Kept<(BlockHash, bool, bool), BlockPlan>;

/// A Program as it is lowered: what has no kernel taken apart, and unless it is to run operation by operation, what goes
/// together brought together.
pub(crate) fn prepared(program: &Program, launch: LaunchMode) -> Result<Program> {
    use tintype_program::passes::{decompose, group_elementwise};
    let keep = |block: &Block, node: &Node| support(block, node) == Support::Native;
    let program = decompose(program.clone(), keep)?;
    Ok(match launch {
        LaunchMode::Eager => program,
        _ => {
            let apart = passes::widen(passes::join_products(passes::split_rotary(program)));
            passes::fuse_norms(passes::carry_norms(group_elementwise(passes::fuse_gelu(apart))))
        }
    })
}

/// The launch plan of a Program on a device that is not at hand. Library work is offered when the plan meets one.
///
/// # Errors
///
/// A Program that does not hold together, or an operation that there are no kernels for.
pub fn launch_plan(
    program: &Program,
    launch: LaunchMode,
    architecture: &Architecture,
) -> Result<Arc<BlockPlan>> {
    program.check()?;
    let target = Target { architecture: architecture.clone(), tf32: false, fitted: true };
    let (mut cache, counters) = (Cache::new(usize::MAX), Counters::default());
    let joined = joined(program, launch, Joins::default());
    let program = joined.as_ref().map_or(program, |joined| &joined.program);
    compile("gpu", program, launch, &target, &mut cache, &counters)
}

/// A checked Program as its products are joined for a launch mode; none where nothing is.
pub(crate) fn joined(program: &Program, launch: LaunchMode, joins: Joins) -> Option<Joined> {
    if launch == LaunchMode::Eager { None } else { joins.join(program) }
}

/// Compiles the blocks of a checked Program that `cache` does not hold, and gives the entry.
pub(crate) fn compile(
    backend: &'static str,
    program: &Program,
    launch: LaunchMode,
    target: &Target,
    cache: &mut Cache,
    counters: &Counters,
) -> Result<Arc<BlockPlan>> {
    coverage(program).refuse_unsupported(backend)?;
    let program = prepared(program, launch)?;
    let eager = launch == LaunchMode::Eager;
    let target = Target { fitted: !eager, ..target.clone() };
    let hashes = program.hashes();
    let plans = HashMap::new();
    let mut compiler = Compiler { backend, program: &program, hashes, target, eager, cache, counters, plans };
    compiler.block(program.entry_id(), 1)
}

/// One Program on its way to plans.
struct Compiler<'c> {
    backend: &'static str,
    program: &'c Program,
    hashes: Vec<BlockHash>,
    target: Target,
    eager: bool,
    cache: &'c mut Cache,
    counters: &'c Counters,
    /// Of this Program.
    plans: HashMap<BlockId, Arc<BlockPlan>>,
}

impl Compiler<'_> {
    fn block(&mut self, id: BlockId, depth: usize) -> Result<Arc<BlockPlan>> {
        if let Some(plan) = self.plans.get(&id) {
            return Ok(Arc::clone(plan));
        }
        let block = self.program.block(id);
        let too_deep = |compiler: &Self| {
            let reason = format!("calls nest deeper than {DEEPEST}");
            Err(Error::unsupported(compiler.backend, block, block.nodes.len(), reason))
        };
        if depth > DEEPEST {
            return too_deep(self);
        }
        let mut callees = Callees::new();
        for (index, node) in block.nodes.iter().enumerate() {
            if let Op::Call { block: callee } = node.op {
                callees.insert(index, self.block(callee, depth + 1)?);
            }
        }
        let entry = id == self.program.entry_id();
        let key = (self.hashes[id.index()], self.eager, entry);
        let plan = match self.cache.get(&key) {
            Some(plan) => {
                raise(&self.counters.cache_hits, 1);
                plan
            }
            None => {
                let lowered = lower(self.program, block, &callees, &self.target, entry);
                let plan = lowered
                    .map_err(|(node, reason)| Error::unsupported(self.backend, block, node, reason))?;
                if plan.depth > DEEPEST {
                    return too_deep(self);
                }
                let plan = Arc::new(plan);
                raise(&self.counters.compiles, 1);
                self.cache.insert(key, Arc::clone(&plan));
                plan
            }
        };
        self.plans.insert(id, Arc::clone(&plan));
        Ok(plan)
    }
}

/// What becomes of every operation of a checked Program.
pub(crate) fn coverage(program: &Program) -> Coverage {
    Coverage::of(program, support)
}

/// What becomes of one operation.
fn support(block: &Block, node: &Node) -> Support {
    let encoded = || node.inputs.iter().any(|&value| !block.encoding(value).is_plain());
    match node.op {
        // No kernels are registered for operations of others.
        Op::Custom { .. } => Support::Decomposed,
        Op::Linear { activation: Activation::DynamicFp8 } => Support::Decomposed,
        Op::Elementwise { .. } if encoded() => Support::Unsupported(
            "an elementwise operation reads no encoded parameter; decode it first".into(),
        ),
        _ => Support::Native,
    }
}

//! Compiling: from a Program to recipes and the list of their launches.

use crate::commands::{Command, Spot, commands};
use crate::context::Context;
use crate::coverage::{coverage, support};
use crate::graph::Graph;
use crate::lower::{Refusal, Rules, attention_used, lower};
use crate::options::{Options, Region};
use crate::recipe::{Key, Recipe};
use crate::regions::{Cut, Regions, cut};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use tintype_accel::{Error, LaunchMode, OpCoverage, Result, Support};
use tintype_program::{BlockId, Op, Program, passes};

/// A Program with its recipes.
pub(crate) struct Prepared {
    pub(crate) list: Vec<Step>,
    /// Bytes that recipes hand to each other.
    pub(crate) arena: usize,
    /// Bytes that recipes work in.
    pub(crate) workspace: usize,
}

/// One thing to do.
pub(crate) enum Step {
    Launch { recipe: Arc<Recipe>, reads: Vec<(Spot, usize)>, writes: Vec<(Spot, usize)> },
    Copy { from: Spot, to: Spot, bytes: usize },
}

impl Prepared {
    pub(crate) fn launches(&self) -> u64 {
        self.list.iter().filter(|step| matches!(step, Step::Launch { .. })).count() as u64
    }
}

/// Where a Program is cut in a launch mode.
pub(crate) fn cut_of(launch: LaunchMode, options: &Options) -> Cut {
    match (launch, options.region) {
        (LaunchMode::Eager, _) => Cut::Node,
        (_, Some(Region::Step)) | (LaunchMode::Lazy, None) => Cut::Step,
        (_, Some(Region::Block)) | (_, None) => Cut::Block,
    }
}

/// A checked Program as it is lowered: what has no node taken apart, and nothing that nobody reads.
pub(crate) fn prepared(program: &Program, options: &Options) -> Result<Program> {
    coverage(program, options).refuse_unsupported(crate::NAME)?;
    let program = options.autocast.as_ref().map_or_else(|| program.clone(), |lists| lists.apply(program));
    let keep = |block: &_, node: &_| support(block, node, options) == Support::Native;
    Ok(passes::eliminate_dead(passes::decompose(program, keep)?))
}

/// What attention became in a Program that was prepared: its nodes' names, and `composed` where it was taken apart.
pub(crate) fn attention(program: &Program, prepared: &Program, options: &Options) -> Vec<String> {
    let mut names = BTreeSet::new();
    for block in &prepared.blocks {
        let nodes = block.nodes.iter().filter(|node| matches!(node.op, Op::Attention { .. }));
        let results = nodes.filter_map(|node| node.outputs.first());
        names.extend(results.map(|&value| attention_used(options.attention, block.ty(value).dtype)));
    }
    let composed = |op: &OpCoverage| op.op == "attention" && op.support == Support::Decomposed;
    if coverage(program, options).ops.iter().any(composed) {
        names.insert("composed".into());
    }
    names.into_iter().collect()
}

/// The list of a prepared Program's launches, with their recipes compiled or found.
pub(crate) fn compile(context: &Context, program: &Program, at: Cut) -> Result<Prepared> {
    let regions = cut(program, at);
    let commands = commands(&regions).map_err(internal)?;
    let hashes = regions.program.hashes();
    let rules = rules(&context.options);
    let told = format!("{:?} {:?}", rules.attention, rules.kernels);
    let mut recipes = context.recipes.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found: std::collections::HashMap<BlockId, Option<Arc<Recipe>>> = Default::default();
    let mut list = Vec::with_capacity(commands.list.len());
    let mut workspace = 0;
    for command in commands.list {
        match command {
            Command::Copy { from, to, bytes } => list.push(Step::Copy { from, to, bytes }),
            Command::Launch { block, reads, writes } => {
                let recipe = match found.get(&block) {
                    Some(recipe) => recipe.clone(),
                    None => {
                        let hash = hashes.get(block.index()).map(ToString::to_string).unwrap_or_default();
                        let key = Key::new(&hash, &told, &context.device);
                        let name = &regions.program.block(block).name;
                        let graph = || graph(&regions, block, &rules);
                        let recipe = recipes.get(&context.device, &key, name, &context.counters, graph)?;
                        found.insert(block, recipe.clone());
                        recipe
                    }
                };
                if let Some(recipe) = recipe {
                    workspace = workspace.max(recipe.workspace as usize);
                    list.push(Step::Launch { recipe, reads, writes });
                }
            }
        }
    }
    Ok(Prepared { list, arena: commands.arena, workspace })
}

fn rules(options: &Options) -> Rules {
    Rules { kernels: options.kernels.clone(), attention: options.attention }
}

fn graph(regions: &Regions, block: BlockId, rules: &Rules) -> Result<Graph> {
    lower(&regions.program, block, rules).map_err(|Refusal { block, node, reason }| {
        Error::unsupported(crate::NAME, regions.program.block(block), node, reason)
    })
}

fn internal(reason: String) -> Error {
    Error::Internal { backend: crate::NAME.into(), reason }
}

/// Bytes of the arena of a Program, without compiling anything.
pub(crate) fn arena(program: &Program, at: Cut) -> Result<usize> {
    commands(&cut(program, at)).map(|commands| commands.arena).map_err(internal)
}

/// The recipes of a Program as text, without a library or a device: each once, with how often a run launches it.
///
/// # Errors
///
/// A Program that does not hold together, or an operation that has no node.
pub fn outline(program: &Program, launch: LaunchMode, options: &Options) -> Result<String> {
    use std::fmt::Write;
    program.check()?;
    let program = prepared(program, options)?;
    let regions = cut(&program, cut_of(launch, options));
    let commands = commands(&regions).map_err(internal)?;
    let hashes = regions.program.hashes();
    let mut seen: Vec<(tintype_program::BlockHash, BlockId, usize)> = Vec::new();
    let mut copies = 0;
    for command in &commands.list {
        match command {
            Command::Copy { .. } => copies += 1,
            Command::Launch { block, .. } => {
                let hash = hashes[block.index()];
                match seen.iter_mut().find(|(known, _, _)| *known == hash) {
                    Some((_, _, count)) => *count += 1,
                    None => seen.push((hash, *block, 1)),
                }
            }
        }
    }
    let launches: usize = seen.iter().map(|(_, _, count)| count).sum();
    let mut text =
        format!("{launches} launches of {} recipes, {copies} copies, arena {}\n", seen.len(), commands.arena);
    let rules = rules(options);
    for (_, block, count) in &seen {
        let graph = graph(&regions, *block, &rules)?;
        let name = &regions.program.block(*block).name;
        let _ = write!(text, "recipe {name}, launched {count} times, {} nodes\n{graph}", graph.nodes.len());
    }
    Ok(text)
}

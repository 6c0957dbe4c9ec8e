//! A Program as a list of launches and copies.

use crate::regions::Regions;
use std::collections::HashMap;
use tintype_accel::Buffer;
use tintype_program::memory::{self, BlockPlan, Need, Place, Scratch};
use tintype_program::{Block, BlockId, Op, Program, ValueId};

/// Where an operand lies when the Program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    /// In what the caller gives: inputs, parameters, then states.
    Argument(usize),
    /// In what the caller takes: outputs.
    Output(usize),
    /// In the arena, so many bytes from its start.
    Arena(usize),
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Launch the recipe of a block.
    Launch {
        block: BlockId,
        /// Its inputs, then its parameters.
        reads: Vec<(Spot, usize)>,
        /// Its results.
        writes: Vec<(Spot, usize)>,
    },
    /// Copy bytes.
    Copy { from: Spot, to: Spot, bytes: usize },
}

/// Everything that a run does, and the bytes of its arena.
pub(crate) struct Commands {
    pub(crate) list: Vec<Command>,
    pub(crate) arena: usize,
}

/// How deep calls may nest.
const DEEPEST: usize = 256;

/// The list of a Program that was cut.
pub(crate) fn commands(regions: &Regions) -> Result<Commands, String> {
    let program = &regions.program;
    let mut plans: HashMap<BlockId, BlockPlan> = HashMap::new();
    for (index, block) in program.blocks.iter().enumerate() {
        let id = BlockId(index as u32);
        if !regions.callers.contains(&id) {
            continue;
        }
        let alone = Program { version: program.version, blocks: vec![block.clone()], sources: Vec::new() };
        let need = |_: &Block, node: &tintype_program::Node| {
            let callee = node.op.block().and_then(|id| plans.get(&id));
            Need::fresh(&node.op).with_scratch(Scratch::Bytes(callee.map_or(0, |plan| plan.size)))
        };
        let plan = memory::plan(&alone, Buffer::ALIGNMENT.max(128), need).pop();
        plans.insert(id, plan.ok_or("the memory planner gave no plan")?);
    }
    let entry = program.entry();
    let states = entry.inputs.len() + entry.params.len();
    let arguments = (0..states + entry.states.len()).map(Spot::Argument).collect();
    let outputs = (0..entry.outputs.len()).map(Spot::Output);
    let results = outputs.chain((0..entry.states.len()).map(|i| Spot::Argument(states + i))).collect();
    let mut flat = Flat { regions, plans, list: Vec::new() };
    let id = program.entry_id();
    flat.block(id, &Frame { arguments, results, arena: 0 }, 1)?;
    let arena = flat.plans.get(&id).map_or(0, |plan| plan.size);
    Ok(Commands { list: flat.list, arena })
}

struct Flat<'r> {
    regions: &'r Regions,
    plans: HashMap<BlockId, BlockPlan>,
    list: Vec<Command>,
}

struct Frame {
    arguments: Vec<Spot>,
    results: Vec<Spot>,
    arena: usize,
}

impl Flat<'_> {
    fn block(&mut self, id: BlockId, frame: &Frame, depth: usize) -> Result<(), String> {
        let block = self.regions.program.block(id);
        if depth > DEEPEST {
            return Err(format!("calls nest deeper than {DEEPEST}"));
        }
        let plan = self.plans.get(&id).cloned().ok_or("a caller was not planned")?;
        for (index, node) in block.nodes.iter().enumerate() {
            let Op::Call { block: callee } = node.op else {
                return Err("a caller holds more than calls".into());
            };
            let spots = |values: &[ValueId]| {
                values.iter().map(|&value| spot(block, &plan, frame, value)).collect::<Result<Vec<_>, _>>()
            };
            let (reads, writes) = (spots(&node.inputs)?, spots(&node.outputs)?);
            if self.regions.callers.contains(&callee) {
                let arena = frame.arena + plan.scratch.get(index).copied().flatten().unwrap_or(0);
                let inner = Frame { arguments: reads, results: writes, arena };
                self.block(callee, &inner, depth + 1)?;
            } else {
                let bytes = |values: &[ValueId], spots: Vec<Spot>| {
                    let sizes = values.iter().map(|&value| size(block, value));
                    spots.into_iter().zip(sizes).collect()
                };
                let (reads, writes) = (bytes(&node.inputs, reads), bytes(&node.outputs, writes));
                self.list.push(Command::Launch { block: callee, reads, writes });
            }
        }
        let mut last = Vec::new();
        for copy in &plan.copies {
            let bytes = block.ty(copy.from).bytes();
            let to = frame.results.get(copy.to).copied().ok_or("a result has no place")?;
            let mut from = spot(block, &plan, frame, copy.from)?;
            if bytes == 0 || from == to {
                continue;
            }
            if let Some(offset) = copy.stage {
                let stage = Spot::Arena(frame.arena + offset);
                self.list.push(Command::Copy { from, to: stage, bytes });
                from = stage;
            }
            last.push(Command::Copy { from, to, bytes });
        }
        self.list.append(&mut last);
        Ok(())
    }
}

/// Bytes of a value in memory: encoded parameters hold codes and scales.
fn size(block: &Block, value: ValueId) -> usize {
    let ty = block.ty(value);
    block.encoding(value).layout(ty).map_or(ty.bytes(), |layout| layout.bytes())
}

fn spot(block: &Block, plan: &BlockPlan, frame: &Frame, mut value: ValueId) -> Result<Spot, String> {
    loop {
        let spot = match plan.places.get(value.index()).copied() {
            Some(Place::View { of }) => {
                value = of;
                continue;
            }
            Some(Place::Arena { offset }) => Some(Spot::Arena(frame.arena + offset)),
            Some(Place::Result { position }) => frame.results.get(position).copied(),
            Some(Place::Argument) => {
                let states = block.states.iter().map(|state| state.value);
                let position = block.arguments().chain(states).position(|other| other == value);
                position.and_then(|position| frame.arguments.get(position).copied())
            }
            Some(Place::Nowhere) | None => None,
        };
        return spot.ok_or_else(|| format!("value {} of block `{}` lies nowhere", value.0, block.name));
    }
}

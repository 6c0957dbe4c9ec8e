//! Regions: a Program cut into its repeated blocks and what stands between them, each a Program of its own.

use super::dead::{drop_blocks, drop_values};
use super::inline::inline_where;
use crate::{Block, Error, Node, Op, Param, Port, Program, Result, Source, TensorType, ValueId};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A Program as runs of smaller ones, one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Regions {
    /// What is run, each once however often it runs.
    pub regions: Vec<Region>,
    /// The runs, in order.
    pub runs: Vec<RegionRun>,
    /// The types of what runs make.
    pub made: Vec<TensorType>,
    /// Which of these each output of the Program is.
    pub outputs: Vec<usize>,
    /// Which of these each state becomes; nothing where it stays as it is.
    pub states: Vec<Option<usize>>,
}

/// What a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionKind {
    /// The whole Program.
    Whole,
    /// A block that runs more than once.
    Block,
    /// What stands between runs of blocks.
    Segment,
}

/// A part of a Program, as a Program.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// What it is.
    pub kind: RegionKind,
    /// Its Program. Only a whole one has states.
    pub program: Program,
}

/// One run of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionRun {
    /// Which region.
    pub region: usize,
    /// For each of its inputs, then of its states.
    pub arguments: Vec<Operand>,
    /// For each of its parameters, which of the whole Program's.
    pub params: Vec<usize>,
    /// Which of the made values its results are: outputs, then what states become.
    pub results: Vec<usize>,
}

/// What a region is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// Of the whole Program's inputs, then of its states.
    Argument(usize),
    /// Of the whole Program's parameters.
    Param(usize),
    /// What an earlier run has made.
    Made(usize),
}

/// The Program as one region.
pub fn whole(program: &Program) -> Regions {
    let entry = program.entry();
    let (inputs, outputs) = (entry.inputs.len(), entry.outputs.len());
    let made: Vec<_> = entry.results().map(|value| entry.ty(value).clone()).collect();
    Regions {
        runs: vec![RegionRun {
            region: 0,
            arguments: (0..inputs + entry.states.len()).map(Operand::Argument).collect(),
            params: (0..entry.params.len()).collect(),
            results: (0..made.len()).collect(),
        }],
        outputs: (0..outputs).collect(),
        states: (outputs..made.len()).map(Some).collect(),
        regions: vec![Region { kind: RegionKind::Whole, program: program.clone() }],
        made,
    }
}

/// Cuts a Program around the outermost blocks that run more than once. Everything else is gathered into as few segments as
/// dependencies allow: each as early as what it reads is there. Equal regions are one.
///
/// A Program without such blocks is one region, whole. Fails where a repeated block's parameter is given something that
/// is no parameter of the Program.
pub fn regions(program: &Program) -> Result<Regions> {
    let repeated: HashSet<_> = program
        .runs_of_blocks()
        .iter()
        .enumerate()
        .filter(|(_, runs)| **runs > 1)
        .map(|(id, _)| id)
        .collect();
    let mut flat = inline_where(program.clone(), |id| !repeated.contains(&id.index()))?;
    let calls = |node: &Node| matches!(node.op, Op::Call { .. });
    if !flat.entry().nodes.iter().any(calls) {
        return Ok(whole(program));
    }
    make_results(&mut flat);
    let entry = flat.entry();
    let used = entry.used_values();
    let is_used = |node: &Node| node.outputs.iter().any(|value| used.get(value.index()) == Some(&true));
    // How many calls stand before a value, one behind another.
    let mut behind: HashMap<ValueId, usize> = HashMap::new();
    let mut stages: Vec<[Vec<&Node>; 2]> = Vec::new();
    for node in entry.nodes.iter().filter(|node| is_used(node)) {
        let stage = node.inputs.iter().filter_map(|value| behind.get(value)).max().copied().unwrap_or(0);
        let is_call = calls(node);
        behind.extend(node.outputs.iter().map(|&value| (value, stage + usize::from(is_call))));
        if stages.len() <= stage {
            stages.resize_with(stage + 1, Default::default);
        }
        if let Some(lists) = stages.get_mut(stage) {
            lists[usize::from(is_call)].push(node);
        }
    }
    let mut cut = Cut::new(&flat);
    for [segment, calls] in &stages {
        if !segment.is_empty() {
            cut.segment(segment)?;
        }
        for call in calls {
            cut.call(call)?;
        }
    }
    let slot = |value| cut.slots.get(&value).copied();
    let outputs = entry.outputs.iter().filter_map(|port| slot(port.value)).collect();
    let states = entry.states.iter().map(|state| slot(state.next)).collect();
    let Cut { regions, runs, made, .. } = cut;
    Ok(Regions { regions, runs, made, outputs, states })
}

/// Has every result of the entry be the result of a node, so that a region makes it: all but a state that stays as it is.
fn make_results(program: &mut Program) {
    let Some(entry) = program.blocks.last_mut() else { return };
    let mut given: HashSet<ValueId> = entry.arguments().collect();
    given.extend(entry.states.iter().map(|state| state.value));
    let (values, nodes) = (&mut entry.values, &mut entry.nodes);
    let mut remake = |value: &mut ValueId| {
        if given.contains(value)
            && let Some(ty) = values.get(value.index()).cloned()
        {
            let made = ValueId(values.len() as u32);
            nodes.push(Node {
                op: Op::Reshape { shape: ty.shape.clone() },
                inputs: vec![*value],
                outputs: vec![made],
            });
            values.push(ty);
            *value = made;
        }
    };
    entry.outputs.iter_mut().for_each(|port| remake(&mut port.value));
    entry
        .states
        .iter_mut()
        .filter(|state| state.next != state.value)
        .for_each(|state| remake(&mut state.next));
}

/// A Program that is being cut.
struct Cut<'p> {
    program: &'p Program,
    /// The entry's inputs and states, by value: position and name.
    arguments: HashMap<ValueId, (usize, &'p str)>,
    /// The entry's parameters, by value.
    params: HashMap<ValueId, usize>,
    /// What each value made so far is among the made.
    slots: HashMap<ValueId, usize>,
    regions: Vec<Region>,
    runs: Vec<RegionRun>,
    made: Vec<TensorType>,
}

impl<'p> Cut<'p> {
    fn new(program: &'p Program) -> Self {
        let entry = program.entry();
        let inputs = entry.inputs.iter().map(|port| (port.value, port.name.as_str()));
        let states = entry.states.iter().map(|state| (state.value, state.name.as_str()));
        let arguments = inputs.chain(states).enumerate();
        Self {
            program,
            arguments: arguments.map(|(position, (value, name))| (value, (position, name))).collect(),
            params: entry
                .params
                .iter()
                .enumerate()
                .map(|(position, param)| (param.value, position))
                .collect(),
            slots: HashMap::new(),
            regions: Vec::new(),
            runs: Vec::new(),
            made: Vec::new(),
        }
    }

    /// Nodes that run together, as a region and its run.
    fn segment(&mut self, nodes: &[&Node]) -> Result<()> {
        let entry = self.program.entry();
        let inner: HashSet<ValueId> = nodes.iter().flat_map(|node| node.outputs.iter().copied()).collect();
        let position = |node: &Node| nodes.iter().any(|&own| std::ptr::eq(own, node));
        let outside = entry.nodes.iter().filter(|node| !position(node));
        let wanted: HashSet<ValueId> =
            outside.flat_map(|node| node.inputs.iter().copied()).chain(entry.results()).collect();
        let mut block = Block {
            name: format!("{}_segment", entry.name),
            values: entry.values.clone(),
            nodes: nodes.iter().map(|&node| node.clone()).collect(),
            ..Block::default()
        };
        let (mut arguments, mut params, mut results, mut seen) = (vec![], vec![], vec![], HashSet::new());
        let mut sources = Vec::new();
        for &value in nodes.iter().flat_map(|node| &node.inputs) {
            if inner.contains(&value) || !seen.insert(value) {
                continue;
            }
            let param = self.params.get(&value).and_then(|&at| Some((at, entry.params.get(at)?)));
            match param {
                Some((at, param)) => {
                    block.params.push(Param { value, ..param.clone() });
                    sources.push(
                        self.program.sources.get(at).cloned().unwrap_or_else(|| Source::load(&param.name)),
                    );
                    params.push(at);
                }
                None => {
                    let (operand, name) = self.operand(value)?;
                    block.inputs.push(Port { name, value });
                    arguments.push(operand);
                }
            }
        }
        for &value in nodes.iter().flat_map(|node| &node.outputs).filter(|value| wanted.contains(value)) {
            let slot = self.make(value);
            block.outputs.push(Port { name: format!("made_{slot}"), value });
            results.push(slot);
        }
        drop_values(&mut block);
        let mut blocks = self.program.blocks.clone();
        blocks.pop();
        blocks.push(block);
        let program = drop_blocks(Program { version: self.program.version, blocks, sources });
        let region = self.region(RegionKind::Segment, program)?;
        self.runs.push(RegionRun { region, arguments, params, results });
        Ok(())
    }

    /// The call of a block, as a region and its run.
    fn call(&mut self, node: &Node) -> Result<()> {
        let Some(id) = node.op.block() else { return Ok(()) };
        let callee = self.program.block(id);
        let (given, weights) = node.inputs.split_at(callee.inputs.len().min(node.inputs.len()));
        let arguments = given.iter().map(|&value| match self.params.get(&value) {
            Some(&at) => Ok(Operand::Param(at)),
            None => Ok(self.operand(value)?.0),
        });
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        let params = weights.iter().map(|value| {
            self.params.get(value).copied().ok_or_else(|| Error::Invalid {
                block: callee.name.clone(),
                reason: "a call gives one of its parameters something that is computed".into(),
            })
        });
        let params = params.collect::<Result<Vec<_>>>()?;
        let blocks = self.program.blocks.get(..=id.index()).unwrap_or_default().to_vec();
        let sources = callee.params.iter().map(|param| Source::load(&param.name)).collect();
        let program = drop_blocks(Program { version: self.program.version, blocks, sources });
        let region = self.region(RegionKind::Block, program)?;
        let results = node.outputs.iter().map(|&value| self.make(value)).collect();
        self.runs.push(RegionRun { region, arguments, params, results });
        Ok(())
    }

    /// Where a value comes from that is no parameter, and what a region calls it.
    fn operand(&self, value: ValueId) -> Result<(Operand, String)> {
        if let Some(&(position, name)) = self.arguments.get(&value) {
            return Ok((Operand::Argument(position), name.into()));
        }
        let slot = self.slots.get(&value).copied().ok_or_else(|| Error::Invalid {
            block: self.program.entry().name.clone(),
            reason: format!("value {} is used before it is made", value.0),
        })?;
        Ok((Operand::Made(slot), format!("made_{slot}")))
    }

    fn make(&mut self, value: ValueId) -> usize {
        let slot = self.made.len();
        self.made.push(self.program.entry().ty(value).clone());
        self.slots.insert(value, slot);
        slot
    }

    /// The place of a region: of one that computes the same, where there is one.
    fn region(&mut self, kind: RegionKind, program: Program) -> Result<usize> {
        let hash = program.hashes().last().copied();
        let same = |region: &Region| region.kind == kind && region.program.hashes().last().copied() == hash;
        if let Some(found) = self.regions.iter().position(same) {
            return Ok(found);
        }
        program.check()?;
        self.regions.push(Region { kind, program });
        Ok(self.regions.len() - 1)
    }
}

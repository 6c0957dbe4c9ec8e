//! Regions: a Program cut into blocks that are one recipe each, and blocks that only call these.

use std::collections::{HashMap, HashSet};
use tintype_program::{Block, BlockId, Node, Op, Param, Port, Program, ValueId};

/// Where a Program is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cut {
    /// Around every operation.
    Node,
    /// Around calls.
    Block,
    /// Nowhere.
    Step,
}

/// A Program whose blocks are recipes or callers.
pub(crate) struct Regions {
    pub(crate) program: Program,
    /// Which blocks only call others.
    pub(crate) callers: HashSet<BlockId>,
}

/// Cuts a Program. The entry is always a caller.
pub(crate) fn cut(program: &Program, cut: Cut) -> Regions {
    let mut made = Made { blocks: Vec::new(), callers: HashSet::new() };
    // By the block's old place: itself as one recipe, and what calls of it call.
    let mut ids: Vec<(BlockId, BlockId)> = Vec::with_capacity(program.blocks.len());
    for (index, block) in program.blocks.iter().enumerate() {
        let is_entry = index + 1 == program.blocks.len();
        let whole = |op: &Op| match op.block().and_then(|id| ids.get(id.index())) {
            Some((whole, _)) => op.clone().with_block(*whole),
            None => op.clone(),
        };
        let mut one = block.clone();
        one.nodes.iter_mut().for_each(|node| node.op = whole(&node.op));
        let calls = block.nodes.iter().any(|node| matches!(node.op, Op::Call { .. }));
        let caller = is_entry || (cut == Cut::Node) || (cut == Cut::Block && calls);
        let called = caller.then(|| made.caller(block, cut, &ids, &one.nodes));
        if is_entry {
            // What runs is the last.
            break;
        }
        let one = made.push(one);
        ids.push((one, called.unwrap_or(one)));
    }
    Regions {
        program: Program { version: program.version, blocks: made.blocks, sources: program.sources.clone() },
        callers: made.callers,
    }
}

struct Made {
    blocks: Vec<Block>,
    callers: HashSet<BlockId>,
}

impl Made {
    fn push(&mut self, block: Block) -> BlockId {
        self.blocks.push(block);
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// The block with its operations gathered into blocks of their own.
    fn caller(&mut self, block: &Block, cut: Cut, ids: &[(BlockId, BlockId)], whole: &[Node]) -> BlockId {
        let mut runs: Vec<(bool, Vec<usize>)> = Vec::new();
        for (index, node) in block.nodes.iter().enumerate() {
            let call = cut != Cut::Step && matches!(node.op, Op::Call { .. });
            match runs.last_mut() {
                Some((false, run)) if !call && cut != Cut::Node => run.push(index),
                _ => runs.push((call, vec![index])),
            }
        }
        let mut caller = Block { nodes: Vec::new(), ..block.clone() };
        let users = Users::of(block);
        for (call, run) in runs {
            if call {
                let node = &block.nodes[run[0]];
                let callee = node.op.block().and_then(|id| ids.get(id.index())).map(|(_, called)| *called);
                let op = callee.map_or(node.op.clone(), |block| Op::Call { block });
                caller.nodes.push(Node { op, ..node.clone() });
            } else if let Some((inner, node)) = gather(block, whole, &run, &users) {
                let id = self.push(inner);
                caller.nodes.push(Node { op: Op::Call { block: id }, ..node });
            }
        }
        let id = self.push(caller);
        self.callers.insert(id);
        id
    }
}

/// Where each value is last read; past the end where it is a result.
struct Users(HashMap<ValueId, usize>);

impl Users {
    fn of(block: &Block) -> Self {
        let mut last = HashMap::new();
        for (index, node) in block.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|&value| {
                last.insert(value, index);
            });
        }
        block.results().for_each(|value| {
            last.insert(value, block.nodes.len());
        });
        Self(last)
    }
}

/// Nodes in a row as a block, and the node that calls it. None where nobody reads what they make.
fn gather(block: &Block, whole: &[Node], run: &[usize], users: &Users) -> Option<(Block, Node)> {
    let end = run.last().copied()?;
    let mut inner = Block { name: block.name.clone(), ..Block::default() };
    let mut inside: HashMap<ValueId, ValueId> = HashMap::new();
    let (mut inputs, mut params, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for &index in run {
        let node = &whole[index];
        for &value in &node.inputs {
            if inside.contains_key(&value) {
                continue;
            }
            let id = inner.push_value(block.ty(value).clone());
            inside.insert(value, id);
            match block.params.iter().find(|param| param.value == value) {
                Some(param) => {
                    let name = format!("param_{}", inner.params.len());
                    inner.params.push(Param { name, value: id, encoding: param.encoding.clone() });
                    params.push(value);
                }
                None => {
                    inner.inputs.push(Port { name: format!("input_{}", inner.inputs.len()), value: id });
                    inputs.push(value);
                }
            }
        }
        for &value in &node.outputs {
            let id = inner.push_value(block.ty(value).clone());
            inside.insert(value, id);
            if users.0.get(&value).is_some_and(|&last| last > end) {
                inner.outputs.push(Port { name: format!("output_{}", inner.outputs.len()), value: id });
                outputs.push(value);
            }
        }
        let map = |values: &[ValueId]| values.iter().filter_map(|value| inside.get(value).copied()).collect();
        let (ins, outs) = (map(&node.inputs), map(&node.outputs));
        inner.nodes.push(Node { op: node.op.clone(), inputs: ins, outputs: outs });
    }
    inputs.extend(params);
    let op = Op::Call { block: BlockId(0) };
    (!outputs.is_empty()).then_some((inner, Node { op, inputs, outputs }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_program::{DType, TensorType};

    fn layered() -> Program {
        let program = Program::trace("layered", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [2, 4]))?;
            let block = scope.block("layer", &[x.ty()], |scope, x| {
                Ok(vec![x[0].linear(&scope.param("w", &[4, 4])?, None)?.silu()?])
            })?;
            let y = block.call(&scope.child(0), &[&x.silu()?])?;
            let y = block.call(&scope.child(1), &[&y[0]])?;
            scope.output("y", &(&y[0] + &x)?)
        });
        program.unwrap()
    }

    fn shape(regions: &Regions) -> (usize, usize) {
        let entry = regions.program.entry();
        (regions.callers.len(), entry.nodes.len())
    }

    #[test]
    fn programs_are_cut_where_they_should_be() {
        let program = layered();
        assert_eq!(shape(&cut(&program, Cut::Block)), (1, 4), "before, two calls, after");
        assert_eq!(shape(&cut(&program, Cut::Step)), (1, 1));
        let nodes = cut(&program, Cut::Node);
        assert_eq!(nodes.callers.len(), 2, "the layer is cut as well");
        for kind in [Cut::Node, Cut::Block, Cut::Step] {
            cut(&program, kind).program.check().unwrap();
        }
    }
}

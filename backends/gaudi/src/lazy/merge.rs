//! Several runs as one Program: a buffer that one writes and another reads is a value between them.

use super::{PendingRun, Shape};
use std::collections::HashMap;
use tintype_program::{
    Block, BlockId, Encoding, FORMAT_VERSION, Node, Op, Param, Port, Program, Source, State, TensorType,
    ValueId,
};

/// A Program of several runs, and which buffer each of its operands and results is.
pub(crate) struct Merged {
    pub(crate) program: Program,
    /// Inputs, parameters, then states.
    pub(crate) arguments: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
}

/// Whether a buffer that a run takes as a parameter is written by none of the others, and the other way round.
pub(super) fn fits(runs: &[PendingRun], run: &PendingRun) -> bool {
    let apart = |written: &PendingRun, params: &PendingRun| {
        let written = || written.states.iter().chain(&written.outputs);
        params.params.iter().all(|param| written().all(|seat| seat.place().0 != param.place().0))
    };
    runs.iter().all(|other| apart(other, run) && apart(run, other))
}

/// One run whose buffers all differ, and are all held.
pub(crate) fn alone(program: &Program) -> Merged {
    let entry = program.entry();
    let count = entry.inputs.len() + entry.params.len() + entry.states.len() + entry.outputs.len();
    let shape =
        Shape { programs: vec![String::new()], buffers: (0..count).collect(), alive: vec![true; count] };
    merge(&[program], &shape)
}

/// What is known of a buffer so far.
#[derive(Default)]
struct Buffer {
    /// Its content when the Program starts, if that is read.
    first: Option<ValueId>,
    /// Its content now.
    now: Option<ValueId>,
    param: Option<Encoding>,
}

/// The Program of these runs, in this order.
pub(super) fn merge(programs: &[&Program], shape: &Shape) -> Merged {
    let mut merging = Merging {
        blocks: Vec::new(),
        known: HashMap::new(),
        entry: Block { name: "flush".into(), ..Block::default() },
        buffers: (0..shape.alive.len()).map(|_| Buffer::default()).collect(),
    };
    let mut classes = shape.buffers.iter().copied();
    for (program, key) in programs.iter().zip(&shape.programs) {
        merging.run(program, key, &mut classes);
    }
    merging.finish(&shape.alive)
}

struct Merging {
    blocks: Vec<Block>,
    /// Blocks that stand for whole Programs.
    known: HashMap<String, BlockId>,
    entry: Block,
    buffers: Vec<Buffer>,
}

impl Merging {
    fn run(&mut self, program: &Program, key: &str, classes: &mut impl Iterator<Item = usize>) {
        let entry = program.entry();
        let block = match self.known.get(key) {
            Some(&block) => block,
            None => {
                let block = self.adopt(program);
                self.known.insert(key.into(), block);
                block
            }
        };
        let mut take = |count: usize| classes.by_ref().take(count).collect::<Vec<_>>();
        let (inputs, params) = (take(entry.inputs.len()), take(entry.params.len()));
        let (states, outputs) = (take(entry.states.len()), take(entry.outputs.len()));
        let mut arguments = Vec::new();
        for (port, &class) in entry.inputs.iter().zip(&inputs) {
            arguments.push(self.read(class, entry.ty(port.value), None));
        }
        for (state, &class) in entry.states.iter().zip(&states) {
            arguments.push(self.read(class, entry.ty(state.value), None));
        }
        for (param, &class) in entry.params.iter().zip(&params) {
            arguments.push(self.read(class, entry.ty(param.value), Some(&param.encoding)));
        }
        let mut results = Vec::new();
        for (value, &class) in entry.results().zip(outputs.iter().chain(&states)) {
            let id = self.entry.push_value(entry.ty(value).clone());
            results.push(id);
            if let Some(buffer) = self.buffers.get_mut(class) {
                buffer.now = Some(id);
            }
        }
        self.entry.nodes.push(Node { op: Op::Call { block }, inputs: arguments, outputs: results });
    }

    /// The blocks of a Program; its entry's states become inputs and outputs.
    fn adopt(&mut self, program: &Program) -> BlockId {
        let base = self.blocks.len() as u32;
        for block in &program.blocks {
            let mut block = block.clone();
            for node in &mut block.nodes {
                if let Some(id) = node.op.block() {
                    node.op = node.op.clone().with_block(BlockId(id.0 + base));
                }
            }
            for state in std::mem::take(&mut block.states) {
                block.outputs.push(Port { name: format!("{}_next", state.name), value: state.next });
                block.inputs.push(Port { name: state.name, value: state.value });
            }
            self.blocks.push(block);
        }
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// A buffer's content now, as a type.
    fn read(&mut self, class: usize, ty: &TensorType, param: Option<&Encoding>) -> ValueId {
        let Some(buffer) = self.buffers.get_mut(class) else { return ValueId(u32::MAX) };
        if let Some(encoding) = param {
            buffer.param = Some(encoding.clone());
        }
        let value = match buffer.now {
            Some(value) => value,
            None => {
                let value = self.entry.push_value(ty.clone());
                (buffer.first, buffer.now) = (Some(value), Some(value));
                value
            }
        };
        if self.entry.ty(value) == ty {
            return value;
        }
        // The same bytes in another shape.
        let view = self.entry.push_value(ty.clone());
        let op = Op::Reshape { shape: ty.shape.clone() };
        self.entry.nodes.push(Node { op, inputs: vec![value], outputs: vec![view] });
        view
    }

    fn finish(mut self, alive: &[bool]) -> Merged {
        let mut entry = std::mem::take(&mut self.entry);
        let (mut inputs, mut params, mut states, mut outputs) = (vec![], vec![], vec![], vec![]);
        for (class, (buffer, alive)) in self.buffers.iter().zip(alive).enumerate() {
            let Some(now) = buffer.now else { continue };
            let name = format!("buffer_{class}");
            match (buffer.first, &buffer.param) {
                (Some(value), Some(encoding)) => {
                    entry.params.push(Param { name, value, encoding: encoding.clone() });
                    params.push(class);
                }
                (Some(value), None) if value == now || !alive => {
                    entry.inputs.push(Port { name, value });
                    inputs.push(class);
                }
                (Some(value), None) => {
                    entry.states.push(State { name, value, next: now });
                    states.push(class);
                }
                (None, _) if *alive => {
                    entry.outputs.push(Port { name, value: now });
                    outputs.push(class);
                }
                (None, _) => {}
            }
        }
        let sources = vec![Source::Zeros; entry.params.len()];
        self.blocks.push(entry);
        let program = Program { version: FORMAT_VERSION, blocks: self.blocks, sources };
        inputs.extend(params);
        inputs.extend(states);
        Merged { program, arguments: inputs, outputs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::commands;
    use crate::regions::{Cut, cut};
    use tintype_program::DType;

    /// A Program that doubles, and adds what it was given to a state.
    fn doubling() -> Program {
        let program = Program::trace("doubling", |scope| {
            let ty = TensorType::new(DType::F32, [4]);
            let x = scope.input("x", ty.clone())?;
            let sum = scope.state("sum", ty)?;
            scope.update(&sum, &(sum.value() + &x)?)?;
            scope.output("y", &(&x + &x)?)
        });
        program.unwrap()
    }

    /// Two runs: buffer 0 to buffer 2 to buffer 3, with the state in buffer 1.
    fn twice(between: bool) -> Merged {
        let program = doubling();
        let shape = Shape {
            programs: vec!["a".into(), "a".into()],
            buffers: vec![0, 1, 2, 2, 1, 3],
            alive: vec![true, true, between, true],
        };
        merge(&[&program, &program], &shape)
    }

    #[test]
    fn what_nobody_holds_between_two_runs_never_reaches_memory() {
        let held = twice(true);
        held.program.check().unwrap();
        assert_eq!((held.arguments, held.outputs), (vec![0, 1], vec![2, 3]));
        let dropped = twice(false);
        dropped.program.check().unwrap();
        assert_eq!((dropped.arguments, dropped.outputs), (vec![0, 1], vec![3]));
        assert_eq!(dropped.program.blocks.len(), 2, "one Program is one block, however often it runs");
        let list = commands(&cut(&dropped.program, Cut::Step)).unwrap().list;
        let launches = list.iter().filter(|c| matches!(c, crate::commands::Command::Launch { .. }));
        assert_eq!(launches.count(), 1);
    }

    #[test]
    fn one_run_by_itself_is_as_its_flush_has_it() {
        let alone = alone(&doubling());
        alone.program.check().unwrap();
        assert_eq!((alone.arguments, alone.outputs), (vec![0, 1], vec![2]));
    }
}

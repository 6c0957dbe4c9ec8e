//! Groups of elementwise operations in one pass over memory: a register program, run tile by tile.

mod compile;
mod instruction;
mod operands;

use super::scratch;
use super::vector::{Work, vectorised};
use crate::level::Level;
use crate::tensor::{AnySlice, AnyView};
use instruction::Instruction;
use operands::AnyReader;
use smallvec::SmallVec;
use tintype_program::{Block, DType, Op, Program, Shape, TensorType};

/// Elements that an instruction takes at once: few enough that a group's registers stay in the first cache.
const TILE: usize = 1024;
/// Elements that a task takes at least.
const TASK: usize = 16 * TILE;

/// A compiled block of elementwise operations, casts, broadcasts and constants.
///
/// Registers hold f32, or i32 for values of integer types. A cast to a floating-point type rounds to it; other
/// intermediate values stay f32, and results are rounded when stored.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    inputs: Vec<DType>,
    outputs: Vec<DType>,
    /// One for each shape among the outputs.
    passes: Vec<Pass>,
}

/// What computes the outputs of one shape.
#[derive(Clone, Debug)]
struct Pass {
    shape: Shape,
    /// Run once a task: constants and inputs of one element.
    prologue: Vec<Instruction>,
    /// Run for each tile.
    code: Vec<Instruction>,
    registers: usize,
    /// Outputs, ascending, and the registers that they are stored from.
    stores: Vec<(usize, usize)>,
}

impl Group {
    /// Compiles a block. `program` holds it; no other block of it is read.
    pub fn new(_program: &Program, block: &Block) -> Result<Self, String> {
        compile::compile(block)
    }

    /// Compiles one operation, for launching operation by operation.
    pub fn single(op: &Op, operands: &[TensorType]) -> Result<Self, String> {
        compile::compile(&compile::wrap(op, operands)?)
    }

    /// Computes the outputs, in the order of the block, from its inputs and then its parameters.
    pub fn run(&self, level: Level, inputs: &[AnyView], outputs: &mut [AnySlice]) -> Result<(), String> {
        let fits = inputs.iter().map(operands::view_dtype).eq(self.inputs.iter().copied())
            && outputs.iter().map(operands::slice_dtype).eq(self.outputs.iter().copied());
        if !fits {
            let given: Vec<DType> = inputs.iter().map(operands::view_dtype).collect();
            let wanted: Vec<DType> = outputs.iter().map(operands::slice_dtype).collect();
            let (inputs, outputs) = (&self.inputs, &self.outputs);
            return Err(format!("{given:?} to {wanted:?} given to a group of {inputs:?} to {outputs:?}"));
        }
        for pass in &self.passes {
            let readers: SmallVec<[AnyReader; 8]> =
                inputs.iter().map(|x| AnyReader::new(x, &pass.shape)).collect();
            let stored = |index| pass.stores.iter().any(|(output, _)| *output == index);
            let outputs: SmallVec<[AnySlice; 4]> = outputs
                .iter_mut()
                .enumerate()
                .filter(|(index, _)| stored(*index))
                .map(|(_, slice)| operands::borrow(slice))
                .collect();
            if let Some(slice) = outputs.iter().find(|slice| operands::len(slice) != pass.elements()) {
                return Err(format!(
                    "an output has {} elements, not {}",
                    operands::len(slice),
                    pass.elements()
                ));
            }
            pass.split(level, &readers, 0, pass.elements(), outputs);
        }
        Ok(())
    }
}

impl Pass {
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Halves the work until it is small enough for a task.
    fn split(
        &self,
        level: Level,
        inputs: &[AnyReader],
        start: usize,
        len: usize,
        outputs: SmallVec<[AnySlice; 4]>,
    ) {
        if len <= TASK {
            return scratch::with(self.registers * TILE, |registers| {
                vectorised(level, Task { pass: self, inputs, start, len, outputs, registers });
            });
        }
        let middle = (len / 2).next_multiple_of(TILE);
        let (mut left, mut right) = (SmallVec::<[AnySlice; 4]>::new(), SmallVec::<[AnySlice; 4]>::new());
        for slice in outputs {
            let (first, second) = operands::split(slice, middle);
            left.push(first);
            right.push(second);
        }
        rayon::join(
            || self.split(level, inputs, start, middle, left),
            || self.split(level, inputs, start + middle, len - middle, right),
        );
    }
}

/// What one thread computes at once.
struct Task<'a, 'o> {
    pass: &'a Pass,
    inputs: &'a [AnyReader<'a>],
    start: usize,
    len: usize,
    outputs: SmallVec<[AnySlice<'o>; 4]>,
    registers: &'a mut [f32],
}

impl Work for Task<'_, '_> {
    #[inline(always)]
    fn run(mut self) {
        let tile = TILE.min(self.len);
        for instruction in &self.pass.prologue {
            instruction.run(self.inputs, 0, tile, self.registers);
        }
        for from in (0..self.len).step_by(TILE) {
            let tile = TILE.min(self.len - from);
            for instruction in &self.pass.code {
                instruction.run(self.inputs, self.start + from, tile, self.registers);
            }
            for ((_, register), output) in self.pass.stores.iter().zip(self.outputs.iter_mut()) {
                operands::store(output, from, &self.registers[register * TILE..][..tile]);
            }
        }
    }
}

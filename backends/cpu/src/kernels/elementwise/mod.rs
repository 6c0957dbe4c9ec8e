//! Groups of elementwise operations in one pass over memory: a register program, run tile by tile.

mod compile;
mod instruction;
mod operands;

use super::scratch;
use crate::tensor::{AnySlice, AnyView};
use instruction::Instruction;
use operands::AnyReader;
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
    pub fn run(&self, inputs: &[AnyView], outputs: &mut [AnySlice]) -> Result<(), String> {
        let given: Vec<DType> = inputs.iter().map(operands::view_dtype).collect();
        let wanted: Vec<DType> = outputs.iter().map(operands::slice_dtype).collect();
        if given != self.inputs || wanted != self.outputs {
            let (inputs, outputs) = (&self.inputs, &self.outputs);
            return Err(format!("{given:?} to {wanted:?} given to a group of {inputs:?} to {outputs:?}"));
        }
        for pass in &self.passes {
            let readers: Vec<AnyReader> = inputs.iter().map(|x| AnyReader::new(x, &pass.shape)).collect();
            let outputs: Vec<AnySlice> = outputs
                .iter_mut()
                .enumerate()
                .filter(|(index, _)| pass.stores.iter().any(|(output, _)| output == index))
                .map(|(_, slice)| operands::borrow(slice))
                .collect();
            if let Some(slice) = outputs.iter().find(|slice| operands::len(slice) != pass.elements()) {
                return Err(format!(
                    "an output has {} elements, not {}",
                    operands::len(slice),
                    pass.elements()
                ));
            }
            pass.split(&readers, 0, pass.elements(), outputs);
        }
        Ok(())
    }
}

impl Pass {
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Halves the work until it is small enough for a task.
    fn split(&self, inputs: &[AnyReader], start: usize, len: usize, outputs: Vec<AnySlice>) {
        if len <= TASK {
            return self.task(inputs, start, len, outputs);
        }
        let middle = (len / 2).next_multiple_of(TILE);
        let (left, right) = outputs.into_iter().map(|slice| operands::split(slice, middle)).unzip();
        rayon::join(
            || self.split(inputs, start, middle, left),
            || self.split(inputs, start + middle, len - middle, right),
        );
    }

    fn task(&self, inputs: &[AnyReader], start: usize, len: usize, mut outputs: Vec<AnySlice>) {
        scratch::with(self.registers * TILE, |buffer| {
            let mut registers: Vec<&mut [f32]> = buffer.chunks_mut(TILE).collect();
            let tile = TILE.min(len);
            self.prologue.iter().for_each(|i| i.run(inputs, 0, tile, &mut registers));
            for from in (0..len).step_by(TILE) {
                let tile = TILE.min(len - from);
                self.code.iter().for_each(|i| i.run(inputs, start + from, tile, &mut registers));
                for ((_, register), output) in self.stores.iter().zip(&mut outputs) {
                    operands::store(output, from, &registers[*register][..tile]);
                }
            }
        });
    }
}

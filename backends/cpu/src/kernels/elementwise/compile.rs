//! From a block to a register program.

use super::instruction::{Function, Instruction};
use super::{Group, Pass};
use crate::kernels::convert::{narrow, round};
use std::collections::BTreeMap;
use tintype_program::{Block, DType, Node, Op, Port, TensorType, ValueId, infer};

/// A block of one operation.
pub(super) fn wrap(op: &Op, operands: &[TensorType]) -> Result<Block, String> {
    let mut block = Block::default();
    let inputs: Vec<ValueId> = operands.iter().map(|ty| block.push_value(ty.clone())).collect();
    let outputs: Vec<ValueId> = infer(op, operands)?.into_iter().map(|ty| block.push_value(ty)).collect();
    let port = |value: &ValueId| Port { name: format!("{}", value.0), value: *value };
    block.inputs = inputs.iter().map(port).collect();
    block.outputs = outputs.iter().map(port).collect();
    block.nodes = vec![Node { op: op.clone(), inputs, outputs }];
    Ok(block)
}

pub(super) fn compile(block: &Block) -> Result<Group, String> {
    let dtype = |value: ValueId| block.ty(value).dtype;
    let mut shapes: Vec<_> = block.outputs.iter().map(|port| &block.ty(port.value).shape).collect();
    shapes.sort();
    shapes.dedup();
    Ok(Group {
        inputs: block.arguments().map(dtype).collect(),
        outputs: block.outputs.iter().map(|port| dtype(port.value)).collect(),
        passes: shapes.into_iter().map(|shape| Compiler::new(block).pass(shape)).collect::<Result<_, _>>()?,
    })
}

/// Every value is computed at the full shape: an operation on a smaller tensor, broadcast later, gives the same elements.
struct Compiler<'b> {
    block: &'b Block,
    prologue: Vec<Instruction>,
    code: Vec<Instruction>,
    /// The virtual register of each value that has one; each instruction writes one of its own.
    registers: BTreeMap<ValueId, usize>,
    count: usize,
}

impl<'b> Compiler<'b> {
    fn new(block: &'b Block) -> Self {
        Self { block, prologue: Vec::new(), code: Vec::new(), registers: BTreeMap::new(), count: 0 }
    }

    fn pass(mut self, shape: &[usize]) -> Result<Pass, String> {
        let outputs: Vec<(usize, ValueId)> = self
            .block
            .outputs
            .iter()
            .enumerate()
            .map(|(index, port)| (index, port.value))
            .filter(|(_, value)| self.block.ty(*value).shape == shape)
            .collect();
        let mut live = vec![false; self.block.values.len()];
        outputs.iter().for_each(|(_, value)| live[value.index()] = true);
        for node in self.block.nodes.iter().rev() {
            if node.outputs.iter().any(|value| live[value.index()]) {
                node.inputs.iter().for_each(|value| live[value.index()] = true);
            }
        }
        for node in self.block.nodes.iter().filter(|n| n.outputs.iter().any(|v| live[v.index()])) {
            self.node(node)?;
        }
        let stores: Vec<(usize, usize)> = outputs
            .into_iter()
            .map(|(index, value)| self.register(value).map(|register| (index, register)))
            .collect::<Result<_, _>>()?;
        Ok(allocate(shape, self.prologue, self.code, self.count, stores))
    }

    fn push(&mut self, once: bool, make: impl FnOnce(usize) -> Instruction) -> usize {
        let to = self.count;
        self.count += 1;
        if once {
            self.prologue.push(make(to))
        } else {
            self.code.push(make(to))
        }
        to
    }

    /// The register of a value; an input is read at its first use.
    fn register(&mut self, value: ValueId) -> Result<usize, String> {
        if let Some(register) = self.registers.get(&value) {
            return Ok(*register);
        }
        let input = self.block.arguments().position(|argument| argument == value);
        let input = input
            .ok_or_else(|| format!("value {} of block `{}` is not defined", value.0, self.block.name))?;
        let once = self.block.ty(value).elements() == 1;
        let to = self.push(once, |to| Instruction::Load { input, to });
        self.registers.insert(value, to);
        Ok(to)
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        let operands: Vec<usize> =
            node.inputs.iter().map(|value| self.register(*value)).collect::<Result<_, _>>()?;
        let is_integer = |value: &ValueId| !self.block.ty(*value).dtype.is_float();
        let integers = node.inputs.first().is_some_and(is_integer);
        let to = match (&node.op, &operands[..]) {
            (Op::Broadcast { .. }, [from]) => *from,
            (Op::Cast { dtype }, [from]) if *dtype == self.block.ty(node.inputs[0]).dtype && integers => {
                *from
            }
            (Op::Cast { dtype: DType::F32 }, [from]) if !integers => *from,
            (Op::Cast { dtype }, [from]) => {
                let (dtype, from) = (*dtype, *from);
                self.push(false, |to| Instruction::Cast { integers, dtype, from, to })
            }
            (Op::Constant { value, dtype }, []) => {
                let bits = constant(*value, *dtype);
                self.push(true, |to| Instruction::Constant { bits, to })
            }
            (Op::Binary { function }, [a, b]) => {
                let (function, operands) = (*function, [*a, *b]);
                self.push(false, |to| Instruction::Binary { function, integers, operands, to })
            }
            (op, [from]) => {
                let function = match op {
                    Op::Unary { function } => Function::Unary(*function),
                    Op::Gelu { form } => Function::Gelu(*form),
                    Op::Silu => Function::Silu,
                    _ => return Err(format!("{} is not elementwise", op.name())),
                };
                let from = *from;
                self.push(false, |to| Instruction::Unary { function, from, to })
            }
            (op, _) => return Err(format!("{} is not elementwise", op.name())),
        };
        node.outputs.iter().for_each(|value| {
            self.registers.insert(*value, to);
        });
        Ok(())
    }
}

/// A constant as a register holds it.
fn constant(value: f64, dtype: DType) -> u32 {
    match dtype {
        DType::I32 | DType::U8 => value as i32 as u32,
        DType::F32 => (value as f32).to_bits(),
        DType::F16 | DType::Bf16 => {
            let mut values = [narrow(value)];
            round(&mut values, dtype);
            values[0].to_bits()
        }
    }
}

/// Gives instructions real registers, each free again after its last use.
fn allocate(
    shape: &[usize],
    mut prologue: Vec<Instruction>,
    mut code: Vec<Instruction>,
    count: usize,
    mut stores: Vec<(usize, usize)>,
) -> Pass {
    let mut last_use: Vec<Option<usize>> = vec![None; count];
    for (at, instruction) in code.iter_mut().enumerate() {
        instruction.operands().iter().for_each(|operand| last_use[*operand] = Some(at));
    }
    stores.iter().for_each(|(_, register)| last_use[*register] = Some(usize::MAX));
    let mut real: Vec<usize> = vec![0; count];
    let mut registers = 0;
    for instruction in &mut prologue {
        let to = instruction.to();
        // Written once a task, so it lives through every tile.
        last_use[*to] = Some(usize::MAX);
        real[*to] = registers;
        *to = registers;
        registers += 1;
    }
    let mut free: Vec<usize> = Vec::new();
    for (at, instruction) in code.iter_mut().enumerate() {
        let taken = *instruction.to();
        real[taken] = free.pop().unwrap_or_else(|| {
            registers += 1;
            registers - 1
        });
        *instruction.to() = real[taken];
        for slot in instruction.operands() {
            let operand = *slot;
            // An operand may stand twice; it is freed once.
            if last_use[operand] == Some(at) {
                free.push(real[operand]);
                last_use[operand] = None;
            }
            *slot = real[operand];
        }
    }
    stores.iter_mut().for_each(|(_, register)| *register = real[*register]);
    Pass { shape: shape.to_vec(), prologue, code, registers, stores }
}

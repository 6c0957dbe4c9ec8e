//! One block to one plan.

use super::layouts::{Layouts, padded};
use super::packing::{self, Packs};
use super::plan::{Action, BlockPlan, Home, Operand, Step, Target};
use crate::kernels::elementwise::Group;
use crate::level::Level;
use half::{bf16, f16};
use std::cmp::max;
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::Buffer;
use tintype_program::memory;
use tintype_program::{Block, DType, Node, Op, Program, ValueId};

/// Finished plans of called blocks, by the node that calls.
pub(super) type Callees = HashMap<usize, Arc<BlockPlan>>;

/// Compiles a block of a checked Program, or says which of its nodes cannot be, and why.
pub(super) fn lower(
    program: &Program,
    block: &Block,
    callees: &Callees,
    packs: &Packs,
    level: Level,
) -> Result<BlockPlan, (usize, String)> {
    let layouts = Layouts::new(block, packs);
    // The block by itself: what its callees take is known already.
    let alone = Program { version: program.version, blocks: vec![block.clone()], sources: Vec::new() };
    let plan =
        memory::plan(&alone, Buffer::ALIGNMENT, |block, node| layouts.need(block, node, callees)).pop();
    let plan = plan.ok_or_else(|| (0, "the memory planner gave no plan".to_string()))?;
    let mut lowering = Lowering { program, block, callees, packs, level, layouts, plan, steps: Vec::new() };
    let used = block.used_values();
    for (index, node) in block.nodes.iter().enumerate() {
        if node.outputs.iter().any(|value| used[value.index()]) {
            lowering.node(index, node).map_err(|reason| (index, reason))?;
        }
    }
    lowering.copies().map_err(|reason| (block.nodes.len(), reason))?;
    let depth = callees.values().map(|callee| callee.depth);
    Ok(BlockPlan {
        name: block.name.clone(),
        packs: packs.clone(),
        steps: lowering.steps,
        arena: lowering.plan.size,
        depth: 1 + depth.fold(0, max),
    })
}

struct Lowering<'p> {
    program: &'p Program,
    block: &'p Block,
    callees: &'p Callees,
    packs: &'p Packs,
    level: Level,
    layouts: Layouts,
    plan: memory::BlockPlan,
    steps: Vec<Step>,
}

impl Lowering<'_> {
    fn node(&mut self, index: usize, node: &Node) -> Result<(), String> {
        if self.layouts.is_view(node) {
            return Ok(());
        }
        let action = match &node.op {
            Op::Call { .. } => return self.call(index, node),
            Op::Constant { value, dtype } => Action::Fill(scalar(*value, *dtype)),
            // A view that strides cannot express.
            op if op.is_view() => Action::Copy,
            Op::Elementwise { block } => Action::Group(Group::new(self.program, self.program.block(*block))?),
            op if op.is_elementwise() => {
                let types: Vec<_> = node.inputs.iter().map(|&value| self.block.ty(value).clone()).collect();
                Action::Group(Group::single(op, &types)?)
            }
            op => Action::Kernel(op.clone()),
        };
        let writes = node.outputs.iter().map(|&value| self.target(value)).collect::<Result<Vec<_>, _>>()?;
        if writes.iter().any(|target| target.bytes > 0) {
            let reads =
                node.inputs.iter().map(|&value| self.operand(value)).collect::<Result<Vec<_>, _>>()?;
            self.steps.push(Step { action, reads, writes });
        }
        Ok(())
    }

    /// A call. Arguments that do not lie in row-major order are packed into scratch memory, behind the callee's arena.
    fn call(&mut self, index: usize, node: &Node) -> Result<(), String> {
        let callee = Arc::clone(self.callees.get(&index).ok_or("it calls a block that is not compiled")?);
        let arena = self.plan.scratch.get(index).copied().flatten().unwrap_or(0);
        let mut free = arena + callee.arena;
        let mut reads = Vec::with_capacity(node.inputs.len());
        for &value in &node.inputs {
            let mut operand = self.operand(value)?;
            if self.layouts.is_scattered(self.block, value) {
                let packed =
                    Target { home: Home::Arena(free), dtype: operand.ty.dtype, bytes: operand.ty.bytes() };
                free += padded(packed.bytes);
                let from = std::mem::replace(
                    &mut operand,
                    Operand::packed(packed.home, &self.block.ty(value).clone()),
                );
                self.steps.push(Step { action: Action::Copy, reads: vec![from], writes: vec![packed] });
            }
            reads.push(operand);
        }
        let writes = node.outputs.iter().map(|&value| self.target(value)).collect::<Result<Vec<_>, _>>()?;
        self.steps.push(Step { action: Action::Call { callee, arena }, reads, writes });
        Ok(())
    }

    /// Results that are not where the caller wants them yet.
    fn copies(&mut self) -> Result<(), String> {
        let copies = std::mem::take(&mut self.plan.copies);
        let mut last = Vec::with_capacity(copies.len());
        for copy in copies {
            let ty = self.block.ty(copy.from).clone();
            if ty.bytes() == 0 {
                continue;
            }
            let mut from = self.operand(copy.from)?;
            let target = |home| Target { home, dtype: ty.dtype, bytes: ty.bytes() };
            if let Some(offset) = copy.stage {
                let stage = target(Home::Arena(offset));
                let staged = std::mem::replace(&mut from, Operand::packed(stage.home, &ty));
                self.steps.push(Step { action: Action::Copy, reads: vec![staged], writes: vec![stage] });
            }
            let writes = vec![target(Home::Result(copy.to))];
            last.push(Step { action: Action::Copy, reads: vec![from], writes });
        }
        self.steps.append(&mut last);
        Ok(())
    }

    fn home(&self, value: ValueId) -> Result<Home, String> {
        self.plan.home(self.block, value).ok_or_else(|| format!("value {} lies nowhere", value.0))
    }

    fn operand(&self, value: ValueId) -> Result<Operand, String> {
        let value = self.layouts.read_as(value);
        let (ty, layout) = (self.block.ty(value), self.layouts.of(value));
        let encoding = self.block.encoding(value);
        let size = ty.dtype.size();
        let packing = packing::own(self.block, self.packs, value);
        let bytes = match encoding.is_plain() {
            _ if packing.is_some() => packing.map_or(0, |packing| packing.bytes(self.level, ty)),
            true => layout.reach(&ty.shape) * size,
            false => encoding.layout(ty)?.bytes(),
        };
        Ok(Operand {
            home: self.home(value)?,
            offset: layout.offset * size,
            bytes,
            ty: ty.clone(),
            strides: layout.strides.clone(),
            encoding: encoding.clone(),
            packing,
        })
    }

    fn target(&self, value: ValueId) -> Result<Target, String> {
        let ty = self.block.ty(value);
        Ok(Target { home: self.home(value)?, dtype: ty.dtype, bytes: ty.bytes() })
    }
}

/// The bytes of a constant.
fn scalar(value: f64, dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F32 => (value as f32).to_ne_bytes().to_vec(),
        DType::Bf16 => bf16::from_f64(value).to_ne_bytes().to_vec(),
        DType::F16 => f16::from_f64(value).to_ne_bytes().to_vec(),
        DType::I32 => (value as i32).to_ne_bytes().to_vec(),
        DType::U8 => vec![value as u8],
    }
}

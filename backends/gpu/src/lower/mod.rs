//! Lowering: one block to one launch plan. Pure: needs no device, so plans can be made and compared anywhere.

mod contraction;
mod fused;
mod layouts;
mod matrix;
mod node;
mod rim;
mod siblings;
mod spatial;

use crate::plan::{Action, BlockPlan, Span, Step};
use crate::{Architecture, Launch, View, kernels};
use layouts::Layouts;
pub(crate) use rim::Rim;
use std::cell::Cell;
use std::cmp::max;
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::Buffer;
use tintype_program::memory::{self, Home, Layout, Need, Scratch};
use tintype_program::{Block, Op, Program, TensorType, ValueId};

/// Finished plans of called blocks, by the node that calls.
pub(crate) type Callees = HashMap<usize, Arc<BlockPlan>>;

/// What lowering depends on beside the block.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What kernels are made for.
    pub(crate) architecture: Architecture,
    /// Whether factors of f32 products may be rounded to tf32.
    pub(crate) tf32: bool,
    /// Whether values may lie in other orders than row-major.
    pub(crate) fitted: bool,
}

/// Lowers a block of a checked Program, or says which of its nodes cannot be, and why. The `entry` takes and gives everything in
/// row-major order.
pub(crate) fn lower(
    program: &Program,
    block: &Block,
    callees: &Callees,
    target: &Target,
    entry: bool,
) -> Result<BlockPlan, (usize, String)> {
    let layouts = match (target.fitted, entry) {
        (true, true) => Layouts::fitted(block, callees, None),
        (true, false) => Layouts::fitted(block, callees, Some(Rim::of_arguments(block, callees))),
        (false, _) => Layouts::plain(block),
    };
    let mut lowering = Lowering {
        program,
        block,
        callees,
        target,
        layouts,
        plan: None,
        steps: Vec::new(),
        scratch: Desk::default(),
    };
    let used = block.used_values();
    // Once to see what memory the kernels want beside operands and results, and once more with all of it in place.
    let mut needs = Vec::with_capacity(block.nodes.len());
    for (index, node) in block.nodes.iter().enumerate() {
        lowering.scratch = Desk::default();
        if node.outputs.iter().any(|value| used[value.index()]) {
            lowering.node(index, node).map_err(|reason| (index, reason))?;
        }
        let scratch = Scratch::Bytes(lowering.scratch.taken.get());
        needs.push(Need { storage: lowering.layouts.storage(block, node), scratch });
    }
    let alone = Program { version: program.version, blocks: vec![block.clone()], sources: Vec::new() };
    let needs = Cell::new(needs.into_iter());
    let plan = memory::plan(&alone, Buffer::ALIGNMENT, |_, node| {
        let mut rest = needs.take();
        let need = rest.next().unwrap_or_else(|| Need::fresh(&node.op));
        needs.set(rest);
        need
    });
    let plan =
        plan.into_iter().next_back().ok_or_else(|| (0, "the memory planner gave no plan".to_string()))?;
    lowering.steps.clear();
    lowering.plan = Some(plan);
    for (index, node) in block.nodes.iter().enumerate() {
        if node.outputs.iter().any(|value| used[value.index()]) {
            let start = lowering.plan.as_ref().and_then(|plan| plan.scratch.get(index).copied().flatten());
            lowering.scratch = Desk { start: start.unwrap_or(0), taken: Cell::new(0) };
            lowering.node(index, node).map_err(|reason| (index, reason))?;
        }
    }
    lowering.copies().map_err(|reason| (block.nodes.len(), reason))?;
    let depth = callees.values().map(|callee| callee.depth).fold(0, max) + 1;
    let arena = lowering.plan.as_ref().map_or(0, |plan| plan.size);
    let rim = lowering.layouts.rim().clone();
    let steps = if target.fitted { siblings::join(lowering.steps) } else { lowering.steps };
    Ok(BlockPlan { name: block.name.clone(), steps, arena, depth, rim })
}

/// Scratch memory of one node.
#[derive(Default)]
struct Desk {
    start: usize,
    taken: Cell<usize>,
}

struct Lowering<'p> {
    program: &'p Program,
    block: &'p Block,
    callees: &'p Callees,
    target: &'p Target,
    layouts: Layouts,
    /// None while it is found out what the planner has to be asked for.
    plan: Option<memory::BlockPlan>,
    steps: Vec<Step>,
    scratch: Desk,
}

/// A tensor, and where it lies.
#[derive(Clone, Debug)]
struct Operand {
    view: View,
    home: Home,
}

impl Operand {
    /// The memory from the first element to the last.
    fn span(&self) -> Span {
        let View { dtype, shape, strides, offset } = &self.view;
        let reach = Layout { offset: *offset, strides: strides.clone() }.reach(shape);
        let distinct = shape
            .iter()
            .zip(strides)
            .map(|(&extent, &stride)| if stride == 0 { extent.min(1) } else { extent });
        let least = distinct.product::<usize>() * dtype.size();
        Span { home: self.home, offset: offset * dtype.size(), bytes: reach * dtype.size(), least }
    }
}

impl Lowering<'_> {
    fn architecture(&self) -> &Architecture {
        &self.target.architecture
    }

    /// Where the memory of a value lies.
    fn home(&self, value: ValueId) -> Result<Home, String> {
        // Before there is a plan nobody follows addresses.
        let Some(plan) = &self.plan else { return Ok(Home::Arena(0)) };
        plan.home(self.block, value).ok_or_else(|| format!("value {} lies nowhere", value.0))
    }

    /// A value as it lies.
    fn operand(&self, value: ValueId) -> Result<Operand, String> {
        let (ty, layout) = (self.block.ty(value), self.layouts.of(value));
        let view = View {
            dtype: ty.dtype,
            shape: ty.shape.clone(),
            strides: layout.strides.clone(),
            offset: layout.offset,
        };
        Ok(Operand { view, home: self.home(value)? })
    }

    fn operands(&self, values: &[ValueId]) -> Result<Vec<Operand>, String> {
        values.iter().map(|&value| self.operand(value)).collect()
    }

    /// Scratch memory for a tensor in row-major order.
    fn desk(&self, ty: &TensorType) -> Operand {
        let home = Home::Arena(self.bytes(ty.bytes()));
        Operand { view: View::contiguous(ty.dtype, &ty.shape), home }
    }

    /// Scratch memory, from its first byte on.
    fn bytes(&self, bytes: usize) -> usize {
        let at = self.scratch.taken.get();
        self.scratch.taken.set(at + bytes.next_multiple_of(Buffer::ALIGNMENT));
        self.scratch.start + at
    }

    /// A tensor in row-major order: itself if it lies so, else a copy.
    fn packed(&mut self, from: Operand) -> Result<Operand, String> {
        if from.view.is_contiguous() { Ok(from) } else { self.copied(&from) }
    }

    /// A copy in row-major order, from an aligned address on.
    fn copied(&mut self, from: &Operand) -> Result<Operand, String> {
        let ty = TensorType::new(from.view.dtype, from.view.shape.clone());
        let to = self.desk(&ty);
        self.copy(from, &to)?;
        Ok(to)
    }

    fn copy(&mut self, from: &Operand, to: &Operand) -> Result<(), String> {
        let launch = kernels::copy::copy(&from.view, &to.view, self.architecture())?;
        self.launch("copy", launch, &[from], &[to]);
        Ok(())
    }

    fn launch(&mut self, name: &str, launch: Launch, reads: &[&Operand], writes: &[&Operand]) {
        self.push(name, Action::Launch(launch), reads, writes);
    }

    fn push(&mut self, name: &str, action: Action, reads: &[&Operand], writes: &[&Operand]) {
        let spans = |operands: &[&Operand]| operands.iter().map(|operand| operand.span()).collect();
        self.steps.push(Step { name: name.into(), action, reads: spans(reads), writes: spans(writes) });
    }

    /// A call. Arguments that do not lie as the callee's kernels take them to, from an aligned address on, are copied into
    /// scratch memory so that they do, behind the callee's arena.
    fn call(&mut self, index: usize, inputs: &[ValueId], outputs: &[ValueId]) -> Result<(), String> {
        let callee = Arc::clone(self.callees.get(&index).ok_or("it calls a block that is not compiled")?);
        let arena = self.bytes(callee.arena);
        let mut reads = Vec::with_capacity(inputs.len());
        for (position, &value) in inputs.iter().enumerate() {
            let encoded = !self.block.encoding(value).is_plain();
            let operand = self.operand(value)?;
            let scattered = self.layouts.is_scattered(self.block, value);
            let operand = match callee.rim.argument(position) {
                true => self.channels_last(&operand)?,
                false if scattered || !spatial::is_aligned(&operand) => self.copied(&operand)?,
                false => operand,
            };
            let mut span = operand.span();
            if encoded {
                let layout = self.block.encoding(value).layout(self.block.ty(value))?;
                (span.bytes, span.least) = (layout.bytes(), layout.bytes());
            }
            reads.push(span);
        }
        let writes = self.operands(outputs)?.iter().map(Operand::span).collect();
        let name = callee.name.clone();
        self.steps.push(Step { name, action: Action::Call { callee, arena }, reads, writes });
        Ok(())
    }

    /// Results that are not where the caller wants them yet.
    fn copies(&mut self) -> Result<(), String> {
        let copies = self.plan.as_mut().map(|plan| std::mem::take(&mut plan.copies)).unwrap_or_default();
        let mut last = Vec::with_capacity(copies.len());
        for copy in copies {
            let ty = self.block.ty(copy.from).clone();
            if ty.bytes() == 0 {
                continue;
            }
            let at = |home| Operand { view: View::contiguous(ty.dtype, &ty.shape), home };
            let mut from = self.operand(copy.from)?;
            if let Some(offset) = copy.stage {
                let stage = at(Home::Arena(offset));
                self.copy(&from, &stage)?;
                from = stage;
            }
            let mut to = at(Home::Result(copy.to));
            if self.layouts.rim().result(copy.to)
                && let Some(layout) = layouts::channels_last(&ty.shape)
            {
                to.view.strides = layout.strides;
            }
            last.push((from, to));
        }
        last.iter().try_for_each(|(from, to)| self.copy(from, to))
    }
}

/// Whether an operation of the Program reads its operands as they are encoded.
fn reads_codes(op: &Op) -> bool {
    matches!(op, Op::Linear { .. } | Op::Decode | Op::Call { .. })
}

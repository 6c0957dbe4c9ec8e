//! Running plans.

mod arguments;
mod dispatch;
mod pack;

use crate::compile::{Action, BlockPlan, Home, Operand, Step, Target};
use crate::level::Level;
use crate::memory::{Access, Span};
use crate::tensor::{AnySlice, AnyView};
use arguments::{Argument, any_slice};
use std::mem::take;
use std::ops::Range;
use std::sync::Arc;
use tintype_accel::Error;

pub(crate) use pack::pack;

/// What one call of a block works on.
pub(crate) struct Frame<'f> {
    /// Inputs, parameters, then states.
    pub(crate) arguments: &'f [Span],
    /// Outputs, then states.
    pub(crate) results: &'f [Span],
    /// As many bytes as the plan asks for, or more.
    pub(crate) arena: Span,
}

/// Everything that a run of a block launches, in order, with nested blocks' launches in their places: what is left to
/// do at a run is to look up addresses.
pub(crate) struct Recording {
    launches: Vec<Launch>,
    spans: Vec<Span>,
}

/// A step of a plan, and where its operands' spans are.
struct Launch {
    plan: Arc<BlockPlan>,
    step: usize,
    reads: Range<usize>,
    writes: Range<usize>,
}

/// Lists that a run needs for each launch, kept from launch to launch so that they are allocated once.
#[derive(Default)]
pub(crate) struct Desk {
    reads: Vec<&'static [u8]>,
    writes: Vec<&'static mut [u8]>,
    arguments: Vec<Argument<'static>>,
    slices: Vec<AnySlice<'static>>,
    views: Vec<AnyView<'static>>,
}

/// An empty list in the memory of another one.
fn emptied<A, B>(mut list: Vec<A>) -> Vec<B> {
    list.clear();
    // Collecting in place keeps the memory where both kinds of element are laid out alike; otherwise only speed is lost.
    list.into_iter().filter_map(|_| None).collect()
}

impl Recording {
    /// Records a run.
    pub(crate) fn of(plan: &Arc<BlockPlan>, frame: &Frame<'_>) -> Result<Self, Error> {
        let mut recording = Self { launches: Vec::new(), spans: Vec::new() };
        recording.block(plan, frame)?;
        Ok(recording)
    }

    /// How many kernels a run launches.
    pub(crate) fn launches(&self) -> u64 {
        self.launches.len() as u64
    }

    fn block(&mut self, plan: &Arc<BlockPlan>, frame: &Frame<'_>) -> Result<(), Error> {
        for (index, step) in plan.steps.iter().enumerate() {
            let reads = step.reads.iter().map(|operand| frame.operand(operand)).collect::<Option<Vec<_>>>();
            let writes = step.writes.iter().map(|target| frame.target(target)).collect::<Option<Vec<_>>>();
            let (Some(reads), Some(writes)) = (reads, writes) else {
                return Err(fail(plan, index, "an operand lies outside its memory"));
            };
            if let Action::Call { callee, arena } = &step.action {
                let arena = frame.arena.part(*arena, callee.arena);
                let arena = arena.ok_or_else(|| fail(plan, index, "the arena is too small"))?;
                self.block(callee, &Frame { arguments: &reads, results: &writes, arena })?;
                continue;
            }
            let (reads, writes) = (self.enter(&reads), self.enter(&writes));
            self.launches.push(Launch { plan: Arc::clone(plan), step: index, reads, writes });
        }
        Ok(())
    }

    fn enter(&mut self, spans: &[Span]) -> Range<usize> {
        let start = self.spans.len();
        self.spans.extend_from_slice(spans);
        start..self.spans.len()
    }

    /// Runs what was recorded, on the memory that it was recorded for.
    pub(crate) fn run(&self, level: Level, access: &mut Access<'_>, desk: &mut Desk) -> Result<(), Error> {
        for entry in &self.launches {
            let Launch { plan, step, reads, writes } = entry;
            let (mut from, mut to) = (emptied(take(&mut desk.reads)), emptied(take(&mut desk.writes)));
            let spans = (&self.spans[reads.clone()], &self.spans[writes.clone()]);
            access
                .slices_into(spans.0, spans.1, &mut from, &mut to)
                .map_err(|refusal| fail(plan, *step, &refusal.to_string()))?;
            launch(level, &plan.steps[*step], &from, &mut to, desk)
                .map_err(|reason| fail(plan, *step, &reason))?;
            (desk.reads, desk.writes) = (emptied(from), emptied(to));
        }
        Ok(())
    }
}

fn fail(plan: &BlockPlan, index: usize, reason: &str) -> Error {
    let name = plan.steps.get(index).map_or("", |step| step.action.name());
    Error::Internal {
        backend: "cpu".into(),
        reason: format!("block `{}`, step {index} ({name}): {reason}", plan.name),
    }
}

/// Runs one kernel.
fn launch(
    level: Level,
    step: &Step,
    reads: &[&[u8]],
    writes: &mut [&mut [u8]],
    desk: &mut Desk,
) -> Result<(), String> {
    let mut arguments = emptied(take(&mut desk.arguments));
    arguments.extend(step.reads.iter().zip(reads).map(|(operand, bytes)| Argument { operand, bytes }));
    let mut slices = emptied(take(&mut desk.slices));
    for (target, bytes) in step.writes.iter().zip(writes) {
        slices.push(any_slice(target.dtype, bytes)?);
    }
    if let Action::Group(group) = &step.action {
        let mut views = emptied(take(&mut desk.views));
        for argument in &arguments {
            views.push(argument.any_view()?);
        }
        group.run(level, &views, &mut slices)?;
        desk.views = emptied(views);
    } else {
        let [out] = &mut slices[..] else { return Err("it has more than one result".into()) };
        match &step.action {
            Action::Fill(bytes) => dispatch::fill(bytes, out),
            Action::Copy => dispatch::copy(&arguments, out),
            Action::Kernel(op) => dispatch::kernel(level, op, &arguments, out),
            Action::Group(_) | Action::Call { .. } => Err("it is no kernel".into()),
        }?;
    }
    (desk.arguments, desk.slices) = (emptied(arguments), emptied(slices));
    Ok(())
}

impl Frame<'_> {
    fn operand(&self, operand: &Operand) -> Option<Span> {
        self.home(operand.home)?.part(operand.offset, operand.bytes)
    }

    fn target(&self, target: &Target) -> Option<Span> {
        self.home(target.home)?.part(0, target.bytes)
    }

    fn home(&self, home: Home) -> Option<Span> {
        match home {
            Home::Argument(position) => self.arguments.get(position).copied(),
            Home::Result(position) => self.results.get(position).copied(),
            Home::Arena(offset) => self.arena.after(offset),
        }
    }
}

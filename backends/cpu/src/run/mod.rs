//! Running plans.

mod arguments;
mod dispatch;

use crate::compile::{Action, BlockPlan, Home, Operand, Step, Target};
use crate::level::Level;
use crate::memory::{Access, Span};
use arguments::{Argument, any_slice};
use tintype_accel::Error;

/// What one call of a block works on.
pub(crate) struct Frame<'f> {
    /// Inputs, parameters, then states.
    pub(crate) arguments: &'f [Span],
    /// Outputs, then states.
    pub(crate) results: &'f [Span],
    /// As many bytes as the plan asks for, or more.
    pub(crate) arena: Span,
}

/// Runs a block, and counts what it launches.
pub(crate) fn run(
    plan: &BlockPlan,
    access: &mut Access<'_>,
    frame: &Frame<'_>,
    launches: &mut u64,
) -> Result<(), Error> {
    for (index, step) in plan.steps.iter().enumerate() {
        let fail = |reason: String| Error::Internal {
            backend: "cpu".into(),
            reason: format!("block `{}`, step {index} ({}): {reason}", plan.name, step.action.name()),
        };
        let reads = step.reads.iter().map(|operand| frame.operand(operand)).collect::<Option<Vec<_>>>();
        let writes = step.writes.iter().map(|target| frame.target(target)).collect::<Option<Vec<_>>>();
        let (Some(reads), Some(writes)) = (reads, writes) else {
            return Err(fail("an operand lies outside its memory".into()));
        };
        if let Action::Call { callee, arena } = &step.action {
            let arena = frame.arena.part(*arena, callee.arena);
            let arena = arena.ok_or_else(|| fail("the arena is too small".into()))?;
            run(callee, access, &Frame { arguments: &reads, results: &writes, arena }, launches)?;
            continue;
        }
        let (reads, mut writes) =
            access.slices(&reads, &writes).map_err(|refusal| fail(refusal.to_string()))?;
        launch(step, &reads, &mut writes).map_err(fail)?;
        *launches += 1;
    }
    Ok(())
}

/// Runs one kernel.
fn launch(step: &Step, reads: &[&[u8]], writes: &mut [&mut [u8]]) -> Result<(), String> {
    let arguments = step.reads.iter().zip(reads).map(|(operand, bytes)| Argument { operand, bytes });
    let arguments: Vec<Argument<'_>> = arguments.collect();
    let slices = step.writes.iter().zip(writes).map(|(target, bytes)| any_slice(target.dtype, bytes));
    let mut slices = slices.collect::<Result<Vec<_>, _>>()?;
    if let Action::Group(group) = &step.action {
        let views = arguments.iter().map(Argument::any_view).collect::<Result<Vec<_>, _>>()?;
        return group.run(Level::best(), &views, &mut slices);
    }
    let [out] = &mut slices[..] else { return Err("it has more than one result".into()) };
    match &step.action {
        Action::Fill(bytes) => dispatch::fill(bytes, out),
        Action::Copy => dispatch::copy(&arguments, out),
        Action::Kernel(op) => dispatch::kernel(op, &arguments, out),
        Action::Group(_) | Action::Call { .. } => Err("it is no kernel".into()),
    }
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

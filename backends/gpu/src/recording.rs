//! A run with its addresses: everything that it enqueues, in order.

use crate::plan::{Action, Span};
use crate::ready::{Ready, ReadyStep};
use crate::runtime::Call;
use crate::{Arg, Kernel, Launch, Prepared, Runtime, Scalar};
use std::sync::Arc;
use tintype_accel::{Error, Result};
use tintype_program::memory::Home;

/// What one call of a block works on: addresses.
pub(crate) struct Frame<'f> {
    /// Inputs, parameters, then states.
    pub(crate) arguments: &'f [u64],
    /// Outputs, then states.
    pub(crate) results: &'f [u64],
    pub(crate) arena: u64,
    /// What libraries work in.
    pub(crate) workspace: u64,
}

/// Everything that a run enqueues, with the launches of called blocks in their places.
pub(crate) struct Recording {
    entries: Vec<Entry>,
}

enum Entry {
    Kernel { kernel: Kernel, grid: [u32; 3], block: [u32; 3], shared: u32, params: Box<[Scalar]> },
    Library { op: Arc<dyn Prepared>, addresses: Box<[u64]>, workspace: u64 },
}

impl Recording {
    /// Records a run.
    pub(crate) fn of(backend: &'static str, ready: &Ready, frame: &Frame<'_>) -> Result<Self> {
        let mut recording = Self { entries: Vec::new() };
        recording
            .block(ready, frame)
            .map_err(|reason| Error::Internal { backend: backend.into(), reason })?;
        Ok(recording)
    }

    /// How many kernels and library calls it enqueues.
    pub(crate) fn launches(&self) -> u64 {
        self.entries.len() as u64
    }

    fn block(&mut self, ready: &Ready, frame: &Frame<'_>) -> std::result::Result<(), String> {
        for (index, (step, done)) in ready.plan.steps.iter().zip(&ready.steps).enumerate() {
            let fail =
                |what: &str| format!("block `{}`, step {index} ({}): {what}", ready.plan.name, step.name);
            let all =
                |spans: &[Span]| spans.iter().map(|span| frame.address(span)).collect::<Option<Vec<_>>>();
            let (Some(reads), Some(writes)) = (all(&step.reads), all(&step.writes)) else {
                return Err(fail("an operand lies outside its memory"));
            };
            match (&step.action, done) {
                (Action::Call { arena, .. }, ReadyStep::Call(callee)) => {
                    let inner = Frame {
                        arguments: &reads,
                        results: &writes,
                        arena: frame.arena + *arena as u64,
                        workspace: frame.workspace,
                    };
                    self.block(callee, &inner)?;
                }
                (Action::Launch(launch) | Action::Library { own: launch, .. }, ReadyStep::Kernel(kernel)) => {
                    let params =
                        params(launch, &reads, &writes).ok_or_else(|| fail("it has other operands"))?;
                    let &Launch { grid, block, shared, .. } = launch;
                    self.entries.push(Entry::Kernel { kernel: *kernel, grid, block, shared, params });
                }
                (Action::Library { .. }, ReadyStep::Library(op)) => {
                    let addresses = reads.into_iter().chain(writes).collect();
                    let (op, workspace) = (Arc::clone(op), frame.workspace);
                    self.entries.push(Entry::Library { op, addresses, workspace });
                }
                _ => return Err(fail("it was prepared as something else")),
            }
        }
        Ok(())
    }

    /// Enqueues everything.
    pub(crate) fn enqueue(&self, runtime: &dyn Runtime) -> Result<()> {
        self.entries.iter().try_for_each(|entry| match entry {
            Entry::Kernel { kernel, grid, block, shared, params } => {
                let (kernel, grid, block, shared) = (*kernel, *grid, *block, *shared);
                runtime.launch(&Call { kernel, grid, block, shared, params })
            }
            Entry::Library { op, addresses, workspace } => op.enqueue(addresses, *workspace),
        })
    }
}

fn params(launch: &Launch, reads: &[u64], writes: &[u64]) -> Option<Box<[Scalar]>> {
    let each = launch.args.iter().map(|arg| {
        Some(match *arg {
            Arg::Read(position) => Scalar::Address(*reads.get(position)?),
            Arg::Write(position) => Scalar::Address(*writes.get(position)?),
            Arg::I32(value) => Scalar::I32(value),
            Arg::I64(value) => Scalar::I64(value),
            Arg::F32(value) => Scalar::F32(value),
        })
    });
    each.collect()
}

impl Frame<'_> {
    fn address(&self, span: &Span) -> Option<u64> {
        let home = match span.home {
            Home::Argument(position) => *self.arguments.get(position)?,
            Home::Result(position) => *self.results.get(position)?,
            Home::Arena(offset) => self.arena + offset as u64,
        };
        Some(home + span.offset as u64)
    }
}

//! Plans with their kernels loaded and libraries asked.

use crate::plan::{Action, BlockPlan};
use crate::{Kernel, KernelSource, LibraryOp, Offer, Prepared, Runtime};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tintype_accel::Result;

/// A plan that can be run.
pub(crate) struct Ready {
    pub(crate) plan: Arc<BlockPlan>,
    /// One for each step.
    pub(crate) steps: Vec<ReadyStep>,
    /// Bytes that libraries need while they run, called blocks included.
    pub(crate) workspace: usize,
}

pub(crate) enum ReadyStep {
    Kernel(Kernel),
    Library(Arc<dyn Prepared>),
    Call(Arc<Ready>),
}

/// Kernels to be loaded, and the plans that were looked through for them.
#[derive(Default)]
struct Wanted {
    kernels: HashSet<KernelSource>,
    plans: HashSet<usize>,
}

/// What has been made ready on a device.
#[derive(Default)]
pub(crate) struct Preparations {
    /// By where the plan lies; what is ready keeps its plan, so that no other comes to lie there.
    ready: HashMap<usize, Arc<Ready>>,
    offers: HashMap<LibraryOp, Offer>,
}

impl Preparations {
    /// How many plans are kept ready.
    const KEPT: usize = 2048;

    /// Makes a plan ready: libraries asked, kernels compiled or found, all that are wanted at once, and loaded.
    pub(crate) fn ready(&mut self, runtime: &dyn Runtime, plan: &Arc<BlockPlan>) -> Result<Arc<Ready>> {
        let mut wanted = Wanted::default();
        self.wanted(runtime, plan, &mut wanted);
        runtime.load_all(&wanted.kernels.into_iter().collect::<Vec<_>>())?;
        self.prepared(runtime, plan)
    }

    /// The kernels of a plan and of those that it calls, what libraries take left out.
    fn wanted(&mut self, runtime: &dyn Runtime, plan: &Arc<BlockPlan>, into: &mut Wanted) {
        let key = Arc::as_ptr(plan) as usize;
        if self.ready.contains_key(&key) || !into.plans.insert(key) {
            return;
        }
        for step in &plan.steps {
            let launch = match &step.action {
                Action::Launch(launch) => launch,
                Action::Library { op, own } if self.offer(runtime, op).is_err() => own,
                Action::Library { .. } => continue,
                Action::Call { callee, .. } => {
                    self.wanted(runtime, callee, into);
                    continue;
                }
            };
            if !into.kernels.contains(&launch.kernel) {
                into.kernels.insert(launch.kernel.clone());
            }
        }
    }

    fn prepared(&mut self, runtime: &dyn Runtime, plan: &Arc<BlockPlan>) -> Result<Arc<Ready>> {
        let key = Arc::as_ptr(plan) as usize;
        if let Some(ready) = self.ready.get(&key) {
            return Ok(Arc::clone(ready));
        }
        let mut steps = Vec::with_capacity(plan.steps.len());
        let mut workspace = 0;
        for step in &plan.steps {
            steps.push(match &step.action {
                Action::Launch(launch) => ReadyStep::Kernel(runtime.load(&launch.kernel)?),
                Action::Library { op, own } => match self.offer(runtime, op) {
                    Ok(prepared) => {
                        workspace = workspace.max(prepared.workspace());
                        ReadyStep::Library(prepared)
                    }
                    Err(_) => ReadyStep::Kernel(runtime.load(&own.kernel)?),
                },
                Action::Call { callee, .. } => {
                    let callee = self.prepared(runtime, callee)?;
                    workspace = workspace.max(callee.workspace);
                    ReadyStep::Call(callee)
                }
            });
        }
        let ready = Arc::new(Ready { plan: Arc::clone(plan), steps, workspace });
        if self.ready.len() >= Self::KEPT {
            self.ready.clear();
        }
        self.ready.insert(key, Arc::clone(&ready));
        Ok(ready)
    }

    /// What a library said to an operation; asked once.
    fn offer(&mut self, runtime: &dyn Runtime, op: &LibraryOp) -> Offer {
        if let Some(offer) = self.offers.get(op) {
            return offer.clone();
        }
        let offer = runtime.prepare(op);
        if let Err(reason) = &offer {
            tracing::debug!(?op, reason, "no library takes it: a kernel of our own");
        }
        self.offers.insert(op.clone(), offer.clone());
        offer
    }
}

//! Kernels of launch plans, each text once, to be compiled without a device on all cores.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use tintype_gpu::{Action, BlockPlan, KernelSource};

/// The kernels of plans, each text once, and one plan that has it.
#[derive(Clone, Default)]
pub struct Kernels(BTreeMap<(String, String), String>);

impl Kernels {
    /// Adds those of a plan, those behind library work included.
    pub fn add(&mut self, whose: &str, plan: &BlockPlan) {
        for step in &plan.steps {
            match &step.action {
                Action::Launch(launch) | Action::Library { own: launch, .. } => {
                    let KernelSource { entry, code } = &launch.kernel;
                    self.0.entry((entry.clone(), code.to_string())).or_insert_with(|| whose.into());
                }
                Action::Call { callee, .. } => self.add(whose, callee),
            }
        }
    }

    /// Every `nth` of them.
    #[allow(dead_code, reason = "no test uses all of it")]
    pub fn some(&self, nth: usize) -> Self {
        Self(self.0.iter().step_by(nth).map(|(kernel, whose)| (kernel.clone(), whose.clone())).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Does `work` on parts of them of `size` each, side by side, and gives what it says of any. It is given sources with the
    /// plan that each is of, and stops after one that says `NOT RUN`.
    pub fn each<'k>(
        &'k self,
        size: usize,
        work: impl Fn(&[(KernelSource, &'k str)]) -> Vec<String> + Sync,
    ) -> Vec<String> {
        let source = |(entry, code): &(String, String)| KernelSource {
            entry: entry.clone(),
            code: code.as_str().into(),
        };
        let all: Vec<_> = self.0.iter().map(|(kernel, whose)| (source(kernel), whose.as_str())).collect();
        let parts: Vec<_> = all.chunks(size.max(1)).collect();
        let (next, said) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let texts = work(part);
                        if texts.iter().any(|text| text.starts_with("NOT RUN")) {
                            next.store(parts.len(), Ordering::Relaxed);
                        }
                        said.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
                    }
                });
            }
        });
        said.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

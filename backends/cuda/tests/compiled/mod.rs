//! Kernels compiled without a device: of launch plans, each text once an architecture, on all cores.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{env, thread};
use tintype_accel::Error;
use tintype_cuda::warnings;
use tintype_gpu::{Action, Architecture, BlockPlan, KernelSource};

/// The kernels of plans, each text once, and one plan that has it.
#[derive(Default)]
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

    /// Compiles all for an architecture, and fails with whatever the compiler says of any. Says so where there is no compiler,
    /// which is a failure where the environment promises one.
    pub fn compile(&self, test: &str, name: &str) {
        let capability = name.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap();
        let architecture = Architecture { name: name.into(), capability, ..Architecture::hopper() };
        let sources: Vec<_> = self.0.iter().collect();
        let (next, said) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let started = Instant::now();
        let work = || {
            while let Some(((entry, code), whose)) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                let source = KernelSource { entry: entry.clone(), code: code.as_str().into() };
                let text = match warnings(&source, &architecture) {
                    Ok(log) if log.is_empty() => continue,
                    Ok(log) => format!("`{entry}` of {whose}, {name}: {log}"),
                    Err(error @ Error::Unavailable { .. }) => {
                        next.store(sources.len(), Ordering::Relaxed);
                        format!("NOT RUN, {error}")
                    }
                    Err(error) => format!("`{entry}` of {whose}, {name}: {error}"),
                };
                said.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
        };
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(work);
            }
        });
        let said = said.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(missing) = said.iter().find(|text| text.starts_with("NOT RUN")) {
            assert!(env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "{test}: {missing}");
            println!("{test}: {missing}");
            return;
        }
        let first = said.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(said.is_empty(), "{} of {} kernels:\n{first}", said.len(), sources.len());
        println!("{test}, {name}: {} kernels in {:.1?}", sources.len(), started.elapsed());
    }
}

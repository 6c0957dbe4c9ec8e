//! Making a Program ready to run: what an accelerator and its modules share.

use crate::compile::{self, Cache};
use crate::context::Context;
use crate::lower::Target;
use crate::plan::BlockPlan;
use crate::ready::{Preparations, Ready};
use crate::{Joins, Runtime};
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Counters, Joined, LaunchMode, Result};
use tintype_program::Program;

/// How many compiled blocks are kept. A pipeline has some dozens; each is some kilobytes.
const KEPT_BLOCKS: usize = 1024;

/// The compiled blocks of one device, and what libraries said.
pub(crate) struct Maker {
    runtime: Arc<dyn Runtime>,
    counters: Arc<Counters>,
    backend: &'static str,
    target: Target,
    joins: Joins,
    cache: Mutex<Cache>,
    preparations: Mutex<Preparations>,
}

impl Maker {
    pub(crate) fn new(context: &Context, tf32: bool, joins: Joins) -> Self {
        let architecture = context.runtime.architecture().clone();
        Self {
            runtime: Arc::clone(&context.runtime),
            counters: Arc::clone(&context.counters),
            backend: context.backend(),
            target: Target { architecture, tf32, fitted: true },
            joins,
            cache: Mutex::new(Cache::new(KEPT_BLOCKS)),
            preparations: Mutex::default(),
        }
    }

    /// A checked Program as its products are joined; none where nothing is.
    pub(crate) fn joined(&self, program: &Program, launch: LaunchMode) -> Option<Joined> {
        compile::joined(program, launch, self.joins)
    }

    /// The plan of a checked Program, joined where it can be. Nothing of it is kept or counted.
    pub(crate) fn plan_afresh(&self, program: &Program, launch: LaunchMode) -> Result<Arc<BlockPlan>> {
        let joined = self.joined(program, launch);
        let program = joined.as_ref().map_or(program, |joined| &joined.program);
        let (mut cache, counters) = (Cache::new(KEPT_BLOCKS), Counters::default());
        compile::compile(self.backend, program, launch, &self.target, &mut cache, &counters)
    }

    /// Compiles a checked Program as it is, and makes it ready on the device.
    pub(crate) fn make(&self, program: &Program, launch: LaunchMode) -> Result<Arc<Ready>> {
        let plan = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            compile::compile(self.backend, program, launch, &self.target, &mut cache, &self.counters)?
        };
        let mut preparations = self.preparations.lock().unwrap_or_else(PoisonError::into_inner);
        preparations.ready(self.runtime.as_ref(), &plan)
    }
}

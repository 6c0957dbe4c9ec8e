//! Compiled Programs.

use crate::compile::BlockPlan;
use crate::context::Context;
use crate::instance::CpuInstance;
use crate::params::Params;
use std::sync::Arc;
use tintype_accel::{Instance, LaunchMode, Module, Purpose, Result, Signature, Weights};

/// A compiled Program.
pub(crate) struct CpuModule {
    context: Arc<Context>,
    signature: Arc<Signature>,
    plan: Arc<BlockPlan>,
    launch: LaunchMode,
}

impl CpuModule {
    pub(crate) fn new(
        context: Arc<Context>,
        signature: Signature,
        plan: Arc<BlockPlan>,
        launch: LaunchMode,
    ) -> Self {
        Self { context, signature: Arc::new(signature), plan, launch }
    }
}

impl Module for CpuModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        self.plan.arena
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let params = Params::new(&self.context, &self.signature, &self.plan, weights)?;
        let arena = self.context.allocate(self.plan.arena, Purpose::Arena)?;
        let (context, signature, plan) =
            (Arc::clone(&self.context), Arc::clone(&self.signature), Arc::clone(&self.plan));
        Ok(Box::new(CpuInstance::new(context, signature, plan, params, arena, self.launch)))
    }
}

//! Compiled Programs.

use crate::context::Context;
use crate::instance::GpuInstance;
use crate::ready::Ready;
use std::sync::Arc;
use tintype_accel::{Instance, LaunchMode, Module, Purpose, Result, Signature, Weights};

/// A compiled Program.
pub(crate) struct GpuModule {
    context: Arc<Context>,
    signature: Arc<Signature>,
    ready: Arc<Ready>,
    launch: LaunchMode,
}

impl GpuModule {
    pub(crate) fn new(
        context: Arc<Context>,
        signature: Signature,
        ready: Arc<Ready>,
        launch: LaunchMode,
    ) -> Self {
        Self { context, signature: Arc::new(signature), ready, launch }
    }
}

impl Module for GpuModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        self.ready.plan.arena
    }

    fn workspace_bytes(&self) -> usize {
        self.ready.workspace
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let params = self.signature.params.iter().map(|slot| {
            let storage = weights.resolve(slot)?;
            self.context.own("parameter", &slot.name, storage).map(Arc::clone)
        });
        let params = params.collect::<Result<Vec<_>>>()?;
        let arena = self.context.allocate(self.ready.plan.arena, Purpose::Arena)?;
        let workspace = self.context.allocate(self.ready.workspace, Purpose::Arena)?;
        Ok(Box::new(GpuInstance::new(
            Arc::clone(&self.context),
            Arc::clone(&self.signature),
            Arc::clone(&self.ready),
            params,
            [arena, workspace],
            self.launch,
        )))
    }
}

//! Compiled Programs.

use crate::compile::Prepared;
use crate::context::Context;
use crate::instance::GaudiInstance;
use std::sync::Arc;
use tintype_accel::{Instance, LaunchMode, Module, Result, Signature, Weights};
use tintype_program::Program;

/// A compiled Program.
pub(crate) struct Compiled {
    pub(crate) signature: Arc<Signature>,
    pub(crate) prepared: Arc<Prepared>,
    /// The Program as it is lowered, for lazy mode to put together with others.
    pub(crate) program: Program,
    /// The Program's own hash, and where it is cut.
    pub(crate) key: String,
    pub(crate) launch: LaunchMode,
    /// What attention became.
    pub(crate) attention: Vec<String>,
}

/// A compiled Program on its device.
pub(crate) struct GaudiModule {
    pub(crate) context: Arc<Context>,
    pub(crate) compiled: Arc<Compiled>,
}

impl Module for GaudiModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.compiled.signature
    }

    fn arena_bytes(&self) -> usize {
        self.compiled.prepared.arena
    }

    fn workspace_bytes(&self) -> usize {
        self.compiled.prepared.workspace
    }

    fn attention(&self) -> Vec<String> {
        self.compiled.attention.clone()
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let params = self.compiled.signature.params.iter().map(|slot| {
            let storage = weights.resolve(slot)?;
            self.context.own("parameter", &slot.name, storage).map(Arc::clone)
        });
        let params = params.collect::<Result<Vec<_>>>()?;
        let prepared = &self.compiled.prepared;
        let mut queue = self.context.accumulate();
        let scratch = &mut queue.scratch;
        scratch.arena.reserve(&self.context, prepared.arena, "the arena of intermediate results")?;
        scratch.workspace.reserve(&self.context, prepared.workspace, "the workspace of recipes")?;
        drop(queue);
        Ok(Box::new(GaudiInstance::new(Arc::clone(&self.context), Arc::clone(&self.compiled), params)))
    }
}

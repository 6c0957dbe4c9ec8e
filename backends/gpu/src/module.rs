//! Compiled Programs.

use crate::context::Context;
use crate::instance::{GpuInstance, Param};
use crate::maker::Maker;
use crate::ready::Ready;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Instance, LaunchMode, Module, Purpose, Result, Signature, Weights, first_parts};
use tintype_program::Program;

/// A compiled Program.
pub(crate) struct GpuModule {
    context: Arc<Context>,
    maker: Arc<Maker>,
    signature: Arc<Signature>,
    launch: LaunchMode,
    /// The Program as it was given.
    program: Program,
    /// That Program ready to run: for weights that do not lie as joined products want them.
    plain: Mutex<Option<Arc<Ready>>>,
    /// With its products joined, where there is something to join: what each parameter is made of.
    joined: Option<(Arc<Ready>, Vec<Vec<usize>>)>,
}

impl GpuModule {
    /// Compiles a checked Program.
    pub(crate) fn new(
        context: &Arc<Context>,
        maker: &Arc<Maker>,
        program: &Program,
        launch: LaunchMode,
    ) -> Result<Self> {
        let mut signature = Signature::of(program);
        let (plain, joined) = match maker.joined(program, launch) {
            Some(joined) => {
                joined.place(&mut signature);
                (None, Some((maker.make(&joined.program, launch)?, joined.parts)))
            }
            None => (Some(maker.make(program, launch)?), None),
        };
        Ok(Self {
            context: Arc::clone(context),
            maker: Arc::clone(maker),
            signature: Arc::new(signature),
            launch,
            program: program.clone(),
            plain: Mutex::new(plain),
            joined,
        })
    }

    /// The Program as it was given, made ready now if it was not.
    fn plain(&self) -> Result<Arc<Ready>> {
        let mut plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        match &*plain {
            Some(ready) => Ok(Arc::clone(ready)),
            None => Ok(Arc::clone(plain.insert(self.maker.make(&self.program, self.launch)?))),
        }
    }

    /// What most likely runs: joined where there is something to join.
    fn made(&self) -> Option<Arc<Ready>> {
        let plain = || self.plain.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.joined.as_ref().map(|(ready, _)| Arc::clone(ready)).or_else(plain)
    }

    /// What runs on these parameters, and its parameters: joined if all lie as that wants them.
    fn fitted(&self, params: Vec<Param>) -> Result<(Arc<Ready>, Vec<Param>)> {
        let Some((ready, parts)) = &self.joined else { return Ok((self.plain()?, params)) };
        let place = |part: usize| {
            let ((memory, start), slot) = (params.get(part)?, self.signature.params.get(part)?);
            Some((Arc::as_ptr(memory), *start, slot.ty.bytes()))
        };
        match first_parts(parts, place) {
            Some(first) => {
                let joined = first.into_iter().filter_map(|part| params.get(part).cloned());
                Ok((Arc::clone(ready), joined.collect()))
            }
            None => Ok((self.plain()?, params)),
        }
    }
}

impl Module for GpuModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        self.made().map_or(0, |ready| ready.plan.arena)
    }

    fn workspace_bytes(&self) -> usize {
        self.made().map_or(0, |ready| ready.workspace)
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let params = self.signature.params.iter().map(|slot| {
            let (storage, start) = weights.place(slot)?;
            Ok((Arc::clone(self.context.own("parameter", &slot.name, storage)?), start))
        });
        let (ready, params) = self.fitted(params.collect::<Result<Vec<_>>>()?)?;
        let arena = self.context.allocate(ready.plan.arena, Purpose::Arena)?;
        let workspace = self.context.allocate(ready.workspace, Purpose::Arena)?;
        Ok(Box::new(GpuInstance::new(
            Arc::clone(&self.context),
            Arc::clone(&self.signature),
            ready,
            params,
            [arena, workspace],
            self.launch,
        )))
    }
}

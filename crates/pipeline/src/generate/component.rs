//! A component of a model on a device: its weights, loaded once, and its Programs, compiled once a shape.

use super::shared::{SharedWeights, Stoppable};
use super::watch::{CancelToken, Event, Watcher};
use crate::recipe::Made;
use crate::{Error, Result};
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, Instance, LaunchMode, Purpose, Signature, TensorSource,
    Weights,
};
use tintype_program::{DType, Program};

/// The device that components run on, and how.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) accelerator: Arc<dyn Accelerator>,
    pub(crate) launch: LaunchMode,
}

/// One run of a pipeline: where, in which dtype, and who watches.
pub(crate) struct Run<'r> {
    pub(crate) place: &'r Place,
    pub(crate) dtype: DType,
    pub(crate) watcher: &'r mut dyn Watcher,
    pub(crate) cancel: &'r CancelToken,
    /// The record of a picture that this place makes, settings aside.
    pub(crate) made: &'r Made,
}

/// A Program that is compiled and bound.
pub(crate) struct Stage {
    pub(crate) signature: Arc<Signature>,
    instance: Box<dyn Instance>,
}

/// Weights and compiled Programs of one component. `K` tells its shapes apart.
pub(crate) struct Component<K> {
    name: &'static str,
    source: Arc<dyn TensorSource + Send + Sync>,
    /// Names of the checkpoint that the Programs are known not to read.
    ignored: fn(&str) -> bool,
    weights: Option<Arc<Weights>>,
    /// What pipelines that share this component have loaded.
    shared: SharedWeights,
    /// The most recently used last.
    stages: Vec<(K, Stage)>,
}

/// Shapes kept compiled for one component. Each keeps an arena.
const KEPT: usize = 4;

impl<K: PartialEq + Clone> Component<K> {
    pub(crate) fn new(
        name: &'static str,
        source: Arc<dyn TensorSource + Send + Sync>,
        ignored: fn(&str) -> bool,
    ) -> Self {
        Self { name, source, ignored, weights: None, shared: SharedWeights::default(), stages: Vec::new() }
    }

    /// The same component for another pipeline on the same device: weights are shared, compiled Programs are not.
    pub(crate) fn share(&self) -> Self {
        let (source, shared) = (Arc::clone(&self.source), self.shared.clone());
        Self { name: self.name, source, ignored: self.ignored, weights: None, shared, stages: Vec::new() }
    }

    /// The weights, once a stage has loaded them.
    pub(crate) fn weights(&self) -> Option<&Arc<Weights>> {
        self.weights.as_ref()
    }

    /// The stage for `key`: the one kept, or the Program that `trace` makes, compiled and bound.
    pub(crate) fn stage(
        &mut self,
        key: &K,
        run: &mut Run<'_>,
        trace: impl FnOnce() -> Result<Program>,
    ) -> Result<&mut Stage> {
        run.cancel.check()?;
        let kept = self.stages.iter().position(|(known, _)| known == key);
        let entry = match kept {
            Some(position) => self.stages.remove(position),
            None => {
                if self.stages.len() >= KEPT {
                    self.stages.remove(0);
                }
                (key.clone(), self.make(run, trace()?)?)
            }
        };
        self.stages.push(entry);
        match self.stages.last_mut() {
            Some((_, stage)) => Ok(stage),
            None => Err(Error::Internal { reason: "a stage that was kept is gone".into() }),
        }
    }

    fn make(&mut self, run: &mut Run<'_>, program: Program) -> Result<Stage> {
        let Run { place, watcher, cancel, .. } = run;
        watcher.event(Event::Compiling { stage: self.name });
        cancel.check()?;
        let _span = tracing::info_span!("stage", component = self.name).entered();
        tracing::debug!(launch = place.launch.name(), "compiling");
        let module = place.accelerator.compile(&program, &CompileOptions { launch: place.launch })?;
        let signature = Arc::clone(module.signature());
        let weights = match &self.weights {
            Some(weights) => Arc::clone(weights),
            None => {
                let component = self.name;
                let mut progress = |done, total| watcher.event(Event::Loading { component, done, total });
                let source = Stoppable { source: self.source.as_ref(), cancel };
                let load = || {
                    let params = signature.params.iter();
                    Weights::load(&place.accelerator, params, &source, &self.ignored, &mut progress)
                };
                let loaded = self.shared.find_or_load(&signature, load);
                cancel.check()?;
                Arc::clone(self.weights.insert(loaded?))
            }
        };
        Ok(Stage { instance: module.bind(&weights)?, signature })
    }
}

impl Stage {
    /// Nothing bound yet.
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings::new(Arc::clone(&self.signature))
    }

    /// Enqueues a run.
    pub(crate) fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        Ok(self.instance.run(bindings)?)
    }

    /// Runs once: `inputs` by name, to new buffers for the outputs in the signature's order.
    pub(crate) fn call(&mut self, place: &Place, inputs: &[(&str, &Buffer)]) -> Result<Vec<Buffer>> {
        let mut bindings = self.bindings();
        for (name, buffer) in inputs {
            bindings.input(name, buffer)?;
        }
        let mut outputs = Vec::with_capacity(self.signature.outputs.len());
        for slot in &self.signature.outputs {
            let buffer = place.accelerator.buffer(&slot.ty, Purpose::Data)?;
            bindings.output(&slot.name, &buffer)?;
            outputs.push(buffer);
        }
        self.run(&mut bindings)?;
        Ok(outputs)
    }
}

impl Place {
    /// A tensor of `values`, converted to `ty`'s dtype, on the device.
    pub(crate) fn put(&self, ty: tintype_program::TensorType, values: &[f32]) -> Result<Buffer> {
        Ok(self.accelerator.buffer_from(&ty, tintype_accel::from_f32(ty.dtype, values))?)
    }

    /// Integers on the device.
    pub(crate) fn put_ids(&self, shape: &[usize], values: &[i32]) -> Result<Buffer> {
        let ty = tintype_program::TensorType::new(tintype_program::DType::I32, shape);
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(self.accelerator.buffer_from(&ty, bytes)?)
    }

    /// A buffer's elements as f32, once the device has got there.
    pub(crate) fn get(&self, buffer: &Buffer) -> Result<Vec<f32>> {
        Ok(tintype_accel::to_f32(buffer.ty().dtype, &self.accelerator.download(buffer)?))
    }
}

impl Run<'_> {
    /// Shows a buffer to a watcher that wants to see it.
    pub(crate) fn show(&mut self, name: &str, buffer: &Buffer) -> Result<()> {
        if self.watcher.wants_tensors() {
            let values = self.place.get(buffer)?;
            self.watcher.tensor(name, &buffer.ty().shape, &values);
        }
        Ok(())
    }
}

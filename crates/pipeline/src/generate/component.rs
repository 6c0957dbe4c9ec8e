//! A component of a model on a device: its weights, loaded once, and its Programs, compiled once a shape.

use super::ahead::Ahead;
use super::shared::{SharedWeights, Stoppable};
use super::stage::Stage;
use super::throughput::Pace;
use super::watch::{CancelToken, Event, Watcher};
use crate::recipe::Made;
use crate::{Arithmetic, Error, Moment, Result};
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, LaunchMode, Module, ParamSlot, TensorSource, Weights,
};
use tintype_program::Program;

/// The device that components run on, and how.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) accelerator: Arc<dyn Accelerator>,
    pub(crate) launch: LaunchMode,
}

/// One run of a pipeline: where, in which arithmetic, and who watches.
pub(crate) struct Run<'r> {
    pub(crate) place: &'r Place,
    pub(crate) arithmetic: Arithmetic,
    pub(crate) watcher: &'r mut dyn Watcher,
    pub(crate) cancel: &'r CancelToken,
    /// The record of a picture that this place makes, settings aside.
    pub(crate) made: &'r Made,
    /// What a denoising step took, once steps were run.
    pub(crate) step_seconds: Option<f64>,
    /// How fast its batches go.
    pub(crate) pace: Pace,
    /// What is compiled for it while something else is done.
    pub(crate) ahead: Ahead,
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
    /// Compiled ahead of its stage.
    ahead: Option<(K, Arc<dyn Module>)>,
}

/// Shapes kept compiled for one component. Each keeps an arena.
const KEPT: usize = 4;

impl<K: PartialEq + Clone> Component<K> {
    pub(crate) fn new(
        name: &'static str,
        source: Arc<dyn TensorSource + Send + Sync>,
        ignored: fn(&str) -> bool,
    ) -> Self {
        Self {
            name,
            source,
            ignored,
            weights: None,
            shared: SharedWeights::default(),
            stages: Vec::new(),
            ahead: None,
        }
    }

    /// The same component for another pipeline on the same device: weights are shared, compiled Programs are not.
    pub(crate) fn share(&self) -> Self {
        self.beside()
    }

    /// Other Programs of this component, which share its weights: each set is loaded once, for all of them.
    pub(crate) fn beside<L>(&self) -> Component<L> {
        let (source, shared) = (Arc::clone(&self.source), self.shared.clone());
        Component {
            name: self.name,
            source,
            ignored: self.ignored,
            weights: None,
            shared,
            stages: Vec::new(),
            ahead: None,
        }
    }

    /// The weights, once a stage has loaded them.
    pub(crate) fn weights(&self) -> Option<&Arc<Weights>> {
        self.weights.as_ref()
    }

    /// Whether the stage for `key` is kept.
    pub(crate) fn has(&self, key: &K) -> bool {
        self.stages.iter().any(|(known, _)| known == key)
    }

    /// Whether any stage is kept, and with it what the device has made from weights.
    pub(crate) fn is_bound(&self) -> bool {
        !self.stages.is_empty()
    }

    /// The stage that was used last.
    pub(crate) fn last(&self) -> Option<&Stage> {
        self.stages.last().map(|(_, stage)| stage)
    }

    /// Gives up all stages and their memory; weights stay. Says whether there were any.
    pub(crate) fn forget(&mut self) -> bool {
        let any = self.is_bound();
        self.stages.clear();
        any
    }

    /// The stage for `key`: the one kept, or the Program that `trace` makes, compiled and bound.
    pub(crate) fn stage(
        &mut self,
        key: &K,
        run: &mut Run<'_>,
        trace: impl FnOnce() -> Result<Arc<Program>>,
    ) -> Result<&mut Stage> {
        self.stage_with(key, run, trace, |_| Ok(Vec::new()))
    }

    /// The parameters of the Program for `key` as the device wants them, compiled now for the stage that is made of it next.
    /// None where that is kept.
    pub(crate) fn params_ahead(
        &mut self,
        key: &K,
        run: &mut Run<'_>,
        trace: impl FnOnce() -> Result<Arc<Program>>,
    ) -> Result<Vec<ParamSlot>> {
        if self.has(key) {
            return Ok(Vec::new());
        }
        let program = trace()?;
        let module = self.compile(run, &program)?;
        let params = module.signature().params.clone();
        self.ahead = Some((key.clone(), module));
        Ok(params)
    }

    /// As [`Component::stage`]; where weights are loaded for it, those that `others` declares are loaded with them.
    pub(crate) fn stage_with(
        &mut self,
        key: &K,
        run: &mut Run<'_>,
        trace: impl FnOnce() -> Result<Arc<Program>>,
        others: impl FnOnce(&mut Run<'_>) -> Result<Vec<ParamSlot>>,
    ) -> Result<&mut Stage> {
        run.cancel.check()?;
        let kept = self.stages.iter().position(|(known, _)| known == key);
        let entry = match kept {
            Some(position) => self.stages.remove(position),
            None => {
                if self.stages.len() >= KEPT {
                    self.stages.remove(0);
                }
                let others = if self.weights.is_none() { others(run)? } else { Vec::new() };
                let program = trace()?;
                let made = match self.make(key, run, &program, &others) {
                    // Arenas of other shapes may be what is in the way.
                    Err(error) if error.is_out_of_memory() && self.forget() => {
                        tracing::info!(component = self.name, "memory ran out: other shapes are given up");
                        self.make(key, run, &program, &others)
                    }
                    made => made,
                };
                (key.clone(), made.map_err(|error| error.at(Moment::Binding { component: self.name }))?)
            }
        };
        self.stages.push(entry);
        match self.stages.last_mut() {
            Some((_, stage)) => Ok(stage),
            None => Err(Error::Internal { reason: "a stage that was kept is gone".into() }),
        }
    }

    fn compile(&self, run: &mut Run<'_>, program: &Program) -> Result<Arc<dyn Module>> {
        let Run { place, watcher, cancel, ahead, .. } = run;
        watcher.event(Event::Compiling { stage: self.name });
        cancel.check()?;
        let _span = tracing::info_span!("compile", component = self.name).entered();
        if let Some(module) = ahead.take(program)? {
            return Ok(module);
        }
        tracing::debug!(launch = place.launch.name(), "compiling");
        Ok(place.accelerator.compile(program, &CompileOptions { launch: place.launch })?)
    }

    fn make(&mut self, key: &K, run: &mut Run<'_>, program: &Program, others: &[ParamSlot]) -> Result<Stage> {
        let _span = tracing::info_span!("stage", component = self.name).entered();
        let module = match self.ahead.take() {
            Some((known, module)) if known == *key => module,
            _ => self.compile(run, program)?,
        };
        let Run { place, watcher, cancel, .. } = run;
        let signature = Arc::clone(module.signature());
        let weights = match &self.weights {
            Some(weights) => Arc::clone(weights),
            None => {
                let component = self.name;
                let mut progress = |done, total| watcher.event(Event::Loading { component, done, total });
                let source = Stoppable { source: self.source.as_ref(), cancel };
                // Those that are found must serve the others too: they may be encoded otherwise.
                let params = signature.params.iter().chain(others);
                let load = || {
                    let params = params.clone();
                    Weights::load(&place.accelerator, params, &source, &self.ignored, &mut progress)
                };
                let loaded = self.shared.find_or_load(params.clone(), load);
                cancel.check()?;
                Arc::clone(self.weights.insert(loaded?))
            }
        };
        Ok(Stage::new(module.as_ref(), module.bind(&weights)?))
    }
}

impl Place {
    /// A buffer's elements as f32, once the device has got there.
    pub(crate) fn get(&self, buffer: &Buffer) -> Result<Vec<f32>> {
        Ok(tintype_accel::to_f32(buffer.ty().dtype, &self.accelerator.download(buffer)?))
    }
}

impl Run<'_> {
    /// Shows a buffer to a watcher that wants to see it.
    pub(crate) fn show(&mut self, name: impl FnOnce() -> String, buffer: &Buffer) -> Result<()> {
        if self.watcher.wants_tensors() {
            let values = self.place.get(buffer)?;
            self.watcher.tensor(&name(), &buffer.ty().shape, &values);
        }
        Ok(())
    }
}

//! One module of a model, as a Program of its own.

use super::{About, Options, Subject, launch};
use crate::case::{Case, Input, as_source, ignored};
use crate::random::RandomWeights;
use crate::result::{OperationCount, Work};
use crate::save::save;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, FlushReason, Instance, Module, Purpose, Slot, Support,
    TensorSource, Weights, to_f32,
};
use tintype_program::{Program, cost};

/// A compiled and bound module with its inputs on the device.
pub(super) struct ModuleSubject {
    about: About,
    what: &'static str,
    accelerator: Arc<dyn Accelerator>,
    instance: Box<dyn Instance>,
    bindings: Bindings,
    inputs: Vec<Input>,
    outputs: Vec<(Slot, Buffer)>,
}

impl ModuleSubject {
    /// Traces, compiles, loads, binds, and runs once.
    pub(super) fn open(accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<Self> {
        let started = Instant::now();
        let case = Case::open(options)?;
        let launch = launch(&**accelerator, options);
        let module = accelerator.compile(&case.program, &CompileOptions { launch })?;
        let (weights, drawing) = weights(accelerator, &*module, &case, options)?;
        let (mut bindings, outputs) = connect(accelerator, &*module, &case.inputs)?;
        let mut instance = module.bind(&weights)?;
        instance.run(&mut bindings)?;
        accelerator.synchronize()?;
        let cold = started.elapsed().saturating_sub(drawing).as_secs_f64();
        let Case { model, program, dtype, sizes, inputs, .. } = case;
        let about = About {
            model,
            dtype,
            launch,
            sizes,
            work: work([(&program, 1)]),
            operations: operations(&**accelerator, [&program]),
            attention: module.attention(),
            planned_arena: Some(module.arena_bytes() as u64),
            pictures: None,
            cold,
        };
        let accelerator = Arc::clone(accelerator);
        Ok(Self { about, what: options.what.name(), accelerator, instance, bindings, inputs, outputs })
    }
}

/// The module's weights, from the case's files or drawn, and the time of the drawing.
pub(super) fn weights(
    accelerator: &Arc<dyn Accelerator>,
    module: &dyn Module,
    case: &Case,
    options: &Options,
) -> Result<(Arc<Weights>, Duration)> {
    let params = &module.signature().params;
    let load = |source: &dyn TensorSource| -> Result<Arc<Weights>> {
        Ok(Weights::load(accelerator, params, source, &ignored(options.what), &mut |_, _| {})?)
    };
    if let Some(checkpoint) = &case.weights {
        return Ok((load(as_source(checkpoint))?, Duration::ZERO));
    }
    let source = RandomWeights::of(params, options.seed).map_err(|reason| Error::Request {
        option: "model",
        value: case.model.clone(),
        remedy: reason,
    })?;
    Ok((load(&source)?, source.spent()))
}

/// Inputs and outputs of a module in the device's memory.
pub(super) fn connect(
    accelerator: &Arc<dyn Accelerator>,
    module: &dyn Module,
    inputs: &[Input],
) -> Result<(Bindings, Vec<(Slot, Buffer)>)> {
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    for Input { name, ty, bytes } in inputs {
        bindings.input(name, &accelerator.buffer_from(ty, bytes.clone())?)?;
    }
    let mut outputs = Vec::new();
    for slot in &module.signature().outputs {
        let buffer = accelerator.buffer(&slot.ty, Purpose::Data)?;
        bindings.output(&slot.name, &buffer)?;
        outputs.push((slot.clone(), buffer));
    }
    Ok((bindings, outputs))
}

impl Subject for ModuleSubject {
    fn about(&self) -> &About {
        &self.about
    }

    fn run(&mut self) -> Result<()> {
        self.instance.run(&mut self.bindings)?;
        Ok(self.accelerator.synchronize()?)
    }

    fn launch(&mut self) -> Result<Option<f64>> {
        self.accelerator.synchronize()?;
        let started = Instant::now();
        self.instance.run(&mut self.bindings)?;
        // What accumulates runs until it is told to go has not launched before.
        self.accelerator.flush(FlushReason::Step)?;
        let elapsed = started.elapsed().as_secs_f64();
        self.accelerator.synchronize()?;
        Ok(Some(elapsed))
    }

    fn busy(&mut self, runs: usize) -> Result<Option<f64>> {
        if runs == 0 {
            return Ok(None);
        }
        self.accelerator.synchronize()?;
        let started = Instant::now();
        for _ in 0..runs {
            self.instance.run(&mut self.bindings)?;
        }
        self.accelerator.synchronize()?;
        Ok(Some(started.elapsed().as_secs_f64() / runs as f64))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        let inputs: Vec<_> =
            self.inputs.iter().map(|input| (input.name, &input.ty, input.bytes.as_slice())).collect();
        save(&folder.join("inputs.safetensors"), &inputs)?;
        let mut outputs = Vec::new();
        for (slot, buffer) in &self.outputs {
            outputs.push((slot, self.accelerator.download(buffer)?));
        }
        let outputs: Vec<_> =
            outputs.iter().map(|(slot, bytes)| (slot.name.as_str(), &slot.ty, bytes.as_slice())).collect();
        save(&folder.join("outputs.safetensors"), &outputs)
    }

    fn check(&self) -> Result<()> {
        for (slot, buffer) in &self.outputs {
            let values = to_f32(slot.ty.dtype, &self.accelerator.download(buffer)?);
            if values.iter().any(|value| !value.is_finite()) {
                return Err(Error::NotFinite { what: self.what, output: slot.name.clone() });
            }
        }
        Ok(())
    }
}

/// What Programs cost together, each as often as it runs.
pub(super) fn work<'p>(programs: impl IntoIterator<Item = (&'p Program, u64)>) -> Work {
    let total: cost::Cost =
        programs.into_iter().map(|(program, times)| cost::of_program(program).total * times).sum();
    Work { flops: total.flops, bytes: total.bytes, ..Work::default() }
}

/// What the device makes of the operations of Programs.
pub(super) fn operations<'p>(
    accelerator: &dyn Accelerator,
    programs: impl IntoIterator<Item = &'p Program>,
) -> BTreeMap<String, OperationCount> {
    let mut counts: BTreeMap<String, OperationCount> = BTreeMap::new();
    for program in programs {
        for op in accelerator.coverage(program).ops {
            let count = counts.entry(op.op).or_default();
            match op.support {
                Support::Native => count.native += 1,
                Support::Decomposed => count.decomposed += 1,
                // Compiling has refused these.
                Support::Unsupported(_) => {}
            }
        }
    }
    counts
}

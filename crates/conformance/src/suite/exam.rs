//! One case in one launch mode.

use super::checkpoint;
use super::compare::compare;
use super::guarded::Guarded;
use super::report::{Check, Finding, Outcome};
use crate::Result;
use crate::cases::{Case, Tolerance};
use crate::interpreter::{Bindings as Given, Outputs, interpret};
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, FlushReason, Instance, LaunchMode, Module,
    Result as AccelResult, Signature, Slot, Stats, Weights,
};
use tintype_program::{DType, TensorType};

/// A case being examined in a launch mode.
pub(super) struct Exam<'a> {
    accelerator: &'a Arc<dyn Accelerator>,
    case: &'a Case,
    tolerance: Tolerance,
    options: CompileOptions,
    outcome: Outcome,
}

/// The buffers of a case.
struct Buffers {
    signature: Arc<Signature>,
    inputs: Vec<Guarded>,
    states: Vec<Guarded>,
    outputs: Vec<Guarded>,
}

/// One run: which inputs and which parameters it has, and what a wrong result shows.
struct Run {
    inputs: u64,
    params: u64,
    shows: Check,
    /// Whether states start afresh rather than as the run before left them.
    resets: bool,
}

/// What buffers held after a run.
struct After {
    outputs: Vec<Vec<u8>>,
    states: Vec<Vec<u8>>,
}

/// What a case allows on a device, and how many roundings on the way that includes which the plugin has told.
fn allowed(accelerator: &Arc<dyn Accelerator>, case: &Case) -> (Tolerance, u32) {
    let nodes = case.program.blocks.iter().flat_map(|block| &block.nodes);
    let told = nodes.fold(0u32, |sum, node| sum.saturating_add(accelerator.roundings(node)));
    match case.dtype {
        // Every sum of f32 is rounded at each step.
        DType::F16 | DType::Bf16 => (case.tolerance.and_roundings(case.dtype, told), told),
        _ => (case.tolerance, 0),
    }
}

impl<'a> Exam<'a> {
    pub(super) fn new(accelerator: &'a Arc<dyn Accelerator>, case: &'a Case, launch: LaunchMode) -> Self {
        let (tolerance, roundings) = allowed(accelerator, case);
        let outcome = Outcome { roundings, ..Outcome::default() };
        Self { accelerator, case, tolerance, options: CompileOptions { launch }, outcome }
    }

    pub(super) fn finish(self) -> Outcome {
        self.outcome
    }

    fn complain(&mut self, check: Check, detail: impl Into<String>) {
        self.outcome.findings.push(Finding { check, detail: detail.into() });
    }

    /// A plugin that calls an operation unsupported refuses to compile it.
    pub(super) fn must_refuse(&mut self) {
        if self.accelerator.compile(&self.case.program, &self.options).is_ok() {
            self.complain(Check::Coverage, "coverage calls it unsupported, yet it compiles");
        }
    }

    /// Everything. An error of the plugin is a finding; only an error of the interpreter is an error.
    pub(super) fn take(&mut self) -> Result<()> {
        match self.runs() {
            Ok(()) => Ok(()),
            Err(crate::Error::Accel(error)) => {
                self.complain(Check::Error, error.to_string());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn runs(&mut self) -> Result<()> {
        let module = self.compile()?;
        let signature = Arc::clone(module.signature());
        if *signature != Signature::of(&self.case.program) {
            self.complain(Check::Signature, "the module's signature is not the program's");
            return Ok(());
        }
        let compiled = self.accelerator.stats();
        let weights = checkpoint::load(self.accelerator, &signature, self.case, 0)?;
        let mut instance = module.bind(&weights)?;
        let buffers = self.buffers(&signature)?;
        let first = Run { inputs: 0, params: 0, shows: Check::Numbers, resets: true };
        self.run(instance.as_mut(), &buffers, &first)?;
        let captured = self.accelerator.stats();
        let replay = Run { inputs: 1, params: 0, shows: Check::Replay, resets: false };
        self.run(instance.as_mut(), &buffers, &replay)?;
        let mut runs = 2;
        if !signature.params.is_empty() {
            self.weights_are_unchanged(&weights, 0)?;
            for (name, bytes) in self.case.params(1) {
                weights.write(name, bytes)?;
            }
            let written = Run { inputs: 1, params: 1, shows: Check::WeightWrite, resets: true };
            self.run(instance.as_mut(), &buffers, &written)?;
            self.weights_are_unchanged(&weights, 1)?;
            runs += 1;
        }
        self.replays(captured, instance.stats(), runs);
        if !signature.params.is_empty() {
            let fresh = checkpoint::load(self.accelerator, &signature, self.case, 1)?;
            let mut instance = module.bind(&fresh)?;
            let bound = Run { inputs: 1, params: 1, shows: Check::FreshBind, resets: true };
            self.run(instance.as_mut(), &buffers, &bound)?;
        }
        let since = self.accelerator.stats() - compiled;
        if since.compiles > 0 {
            self.complain(Check::Stats, format!("{} compiles while running", since.compiles));
        }
        Ok(())
    }

    fn compile(&mut self) -> AccelResult<Arc<dyn Module>> {
        let module = self.accelerator.compile(&self.case.program, &self.options)?;
        let before = self.accelerator.stats();
        self.accelerator.compile(&self.case.program, &self.options)?;
        let again = self.accelerator.stats() - before;
        if again.compiles > 0 {
            self.complain(Check::Stats, format!("{} blocks compiled a second time", again.compiles));
        }
        Ok(module)
    }

    fn buffers(&self, signature: &Arc<Signature>) -> AccelResult<Buffers> {
        let make = |slots: &[Slot]| -> AccelResult<Vec<Guarded>> {
            slots.iter().map(|slot| Guarded::new(self.accelerator, &slot.ty)).collect()
        };
        Ok(Buffers {
            signature: Arc::clone(signature),
            inputs: make(&signature.inputs)?,
            states: make(&signature.states)?,
            outputs: make(&signature.outputs)?,
        })
    }

    fn run(&mut self, instance: &mut dyn Instance, buffers: &Buffers, run: &Run) -> Result<()> {
        let case = self.case;
        let (inputs, params) = (case.inputs(run.inputs), case.params(run.params));
        for (guarded, (_, bytes)) in buffers.inputs.iter().zip(&inputs) {
            guarded.set(self.accelerator, Some(bytes))?;
        }
        for output in &buffers.outputs {
            output.set(self.accelerator, None)?;
        }
        let mut states = case.states();
        for (guarded, (_, bytes)) in buffers.states.iter().zip(&mut states) {
            if run.resets {
                guarded.set(self.accelerator, Some(bytes))?;
            } else {
                *bytes = guarded.read(self.accelerator)?.0;
            }
        }
        self.launch(instance, buffers)?;
        let after = self.read(buffers, &inputs)?;

        let given = [inputs, params, states].concat();
        let given =
            Given::from_bytes(&case.program, given.iter().map(|(name, bytes)| (*name, bytes.as_slice())))?;
        self.hold(&after, &interpret(&case.program, &given)?, run);
        Ok(())
    }

    /// Runs once. Enqueuing must neither compile nor wait, nor take another way than the one asked for.
    fn launch(&mut self, instance: &mut dyn Instance, buffers: &Buffers) -> AccelResult<()> {
        let signature = &buffers.signature;
        let mut bindings = Bindings::new(Arc::clone(signature));
        for (slot, guarded) in signature.inputs.iter().zip(&buffers.inputs) {
            bindings.input(&slot.name, &guarded.buffer)?;
        }
        for (slot, guarded) in signature.states.iter().zip(&buffers.states) {
            bindings.state(&slot.name, &guarded.buffer)?;
        }
        for (slot, guarded) in signature.outputs.iter().zip(&buffers.outputs) {
            bindings.output(&slot.name, &guarded.buffer)?;
        }
        let before = self.accelerator.stats();
        instance.run(&mut bindings)?;
        // As a pipeline does after each step; a device that accumulates work hands it over here.
        self.accelerator.flush(FlushReason::Step)?;
        let during = self.accelerator.stats() - before;
        for (count, what) in [
            (during.compiles, "compiles"),
            (during.host_synchronizations, "host synchronisations"),
            (during.fallbacks, "fallbacks"),
        ] {
            if count > 0 {
                self.complain(Check::Stats, format!("{count} {what} in a run"));
            }
        }
        Ok(())
    }

    /// Reads every buffer back; complains of guard bytes and inputs that were written.
    fn read(&mut self, buffers: &Buffers, inputs: &[(&str, Vec<u8>)]) -> AccelResult<After> {
        let entry = self.case.program.entry();
        let mut read = |guarded: &Guarded, role: &str, name: &str| -> AccelResult<Vec<u8>> {
            let (bytes, touched) = guarded.read(self.accelerator)?;
            if let Some(at) = touched {
                let ty = guarded.buffer.ty();
                let detail =
                    format!("byte {at} of {role} `{name}`, {ty} of {} bytes, was written", ty.bytes());
                self.outcome.findings.push(Finding { check: Check::Guard, detail });
            }
            Ok(bytes)
        };
        let mut changed = Vec::new();
        for (guarded, (name, bytes)) in buffers.inputs.iter().zip(inputs) {
            if read(guarded, "input", name)? != *bytes {
                changed.push(format!("input `{name}` was written"));
            }
        }
        let mut after = After { outputs: Vec::new(), states: Vec::new() };
        for (guarded, port) in buffers.outputs.iter().zip(&entry.outputs) {
            after.outputs.push(read(guarded, "output", &port.name)?);
        }
        for (guarded, state) in buffers.states.iter().zip(&entry.states) {
            after.states.push(read(guarded, "state", &state.name)?);
        }
        changed.into_iter().for_each(|detail| self.complain(Check::Unchanged, detail));
        Ok(after)
    }

    fn hold(&mut self, after: &After, want: &Outputs, run: &Run) {
        let entry = self.case.program.entry();
        let outputs = entry.outputs.iter().map(|port| ("output", &port.name, port.value));
        let outputs =
            outputs.zip(&after.outputs).zip(entry.outputs.iter().map(|p| want.outputs.get(&p.name)));
        let states = entry.states.iter().map(|state| ("state", &state.name, state.value));
        let states = states.zip(&after.states).zip(entry.states.iter().map(|s| want.states.get(&s.name)));
        for (((role, name, value), got), want) in outputs.chain(states) {
            let Some(want) = want else { continue };
            let comparison = compare(&self.tolerance, entry.ty(value), got, want);
            self.outcome.worst = self.outcome.worst.max(comparison.worst);
            if let Some(complaint) = comparison.complaint {
                let check = if comparison.unwritten { Check::Unwritten } else { run.shows };
                self.complain(check, format!("{role} `{name}`: {complaint}"));
            }
        }
    }

    fn weights_are_unchanged(&mut self, weights: &Weights, round: u64) -> AccelResult<()> {
        for (name, bytes) in self.case.params(round) {
            let Some(slot) = weights.slot(name) else { continue };
            let (storage, start) = weights.place(slot)?;
            let ty = TensorType::new(DType::U8, [bytes.len()]);
            let buffer = Buffer::at(Arc::clone(storage), start, ty)?;
            if self.accelerator.download(&buffer)? != bytes {
                self.complain(Check::Unchanged, format!("parameter `{name}` does not hold what was bound"));
            }
        }
        Ok(())
    }

    /// What an instance counted over its runs, the first of which ended at `captured`.
    fn replays(&mut self, captured: Stats, instance: Stats, runs: u64) {
        if instance.runs != runs {
            self.complain(Check::Stats, format!("the instance counts {} runs of {runs}", instance.runs));
        }
        if self.options.launch == LaunchMode::Graph {
            let since = self.accelerator.stats() - captured;
            if since.captures > 0 || since.replays < runs - 1 {
                let detail = format!(
                    "{} captures and {} replays in {} more runs",
                    since.captures,
                    since.replays,
                    runs - 1
                );
                self.complain(Check::Stats, detail);
            }
        }
    }
}

//! The denoiser on a device, in two Programs that share its weights: what no step changes, run once before the loop, and
//! the step.

use super::step::{StepShape, step_program};
use super::text::{Prompt, Role};
use super::traces::{Traced, Traces};
use crate::generate::{Component, Given, Run, Stage};
use crate::{Error, Result};
use std::sync::Arc;
use tintype_accel::{Buffer, TensorSource, Weights};
use tintype_models::flux::{ConditioningSizes, Config, conditioning_program};
use tintype_program::{DType, Program};

/// The rows that are computed for so many steps: other numbers of steps up to it use the same Program. Only that small
/// Program depends on it, the step's does not.
pub(crate) fn computed(steps: usize) -> usize {
    steps.next_power_of_two().max(8)
}

/// The sizes of the Program that is run before `steps` steps.
pub(crate) fn conditioning_sizes(shape: &StepShape, steps: usize) -> ConditioningSizes {
    let StepShape { text_tokens, capacity, .. } = *shape;
    ConditioningSizes { text_tokens, steps: computed(steps), capacity }
}

/// What the steps are told of a prompt, on the device.
#[derive(Clone)]
pub(crate) struct Conditioning {
    /// `[1, t, width]`.
    pub(crate) text: Buffer,
    /// `[capacity, modulation_width]`: a row a step.
    pub(crate) modulations: Buffer,
}

/// Features of what changes from step to step, and of what does not.
pub(crate) struct Features<'f> {
    /// `[capacity, 256]`.
    pub(crate) times: &'f [f32],
    /// `[1, 256]`, where the model is told a guidance.
    pub(crate) guidance: Option<&'f [f32]>,
    pub(crate) steps: usize,
}

/// A Flux transformer.
pub(crate) struct Denoiser {
    conditioning: Component<(ConditioningSizes, DType)>,
    steps: Component<StepShape>,
    traces: Arc<Traces>,
    /// What was computed last for each kind of step. It stays where it is, whatever the number of steps and the size of the
    /// picture, so that a step that was captured finds it there.
    computed: Vec<(Readers, Conditioning)>,
}

/// Which steps read a [`Conditioning`].
#[derive(Clone, Copy, PartialEq)]
struct Readers {
    text_tokens: usize,
    capacity: usize,
    dtype: DType,
    role: Role,
}

/// Conditionings that are kept: of both roles of some lengths of prompts.
const KEPT: usize = 8;

impl Denoiser {
    /// Of the transformer whose weights `source` holds, and whose Programs are among `traces`.
    pub(crate) fn new(source: Arc<dyn TensorSource + Send + Sync>, traces: Arc<Traces>) -> Self {
        let steps: Component<StepShape> = Component::new("transformer", source, |_| false);
        Self { conditioning: steps.beside(), steps, traces, computed: Vec::new() }
    }

    /// The same denoiser for another pipeline on the same device: weights are shared, compiled Programs are not.
    pub(crate) fn share(&self) -> Self {
        let (steps, traces) = (self.steps.share(), Arc::clone(&self.traces));
        Self { conditioning: steps.beside(), steps, traces, computed: Vec::new() }
    }

    /// The weights, once they are loaded.
    pub(crate) fn weights(&self) -> Option<&Arc<Weights>> {
        self.conditioning.weights()
    }

    /// What attention became in the step that ran last.
    pub(crate) fn attention(&self) -> Vec<String> {
        self.steps.last().map(|stage| stage.attention().to_vec()).unwrap_or_default()
    }

    /// Enqueues what no step changes: once for all steps of a picture, and anew for each picture, so that weights which
    /// were written since are heeded. The result holds until the next one of the same role and shape.
    pub(crate) fn conditioning(
        &mut self,
        config: &Config,
        run: &mut Run<'_>,
        shape: &StepShape,
        features: &Features<'_>,
        prompt: &Prompt,
        role: Role,
    ) -> Result<Conditioning> {
        let _span = tracing::info_span!("conditioning", steps = features.steps).entered();
        let sizes = conditioning_sizes(shape, features.steps);
        let (device, dtype) = (run.place, shape.arithmetic.dtype);
        let Self { conditioning, steps, traces, computed } = self;
        let trace = || conditioning_trace(traces, config, sizes, dtype);
        // The checkpoint is read once, for both Programs, and each weight laid where the device wants it for either.
        let step = || step_trace(traces, config, shape);
        let others = |run: &mut Run<'_>| steps.params_ahead(shape, run, step);
        let stage = conditioning.stage_with(&(sizes, dtype), run, trace, others)?;
        let readers = Readers { text_tokens: shape.text_tokens, capacity: shape.capacity, dtype, role };
        let known = computed.iter().find(|(known, _)| *known == readers);
        let conditioning = match known {
            Some((_, conditioning)) => conditioning.clone(),
            None => {
                let Ok([text, modulations]) = <[Buffer; 2]>::try_from(stage.new_outputs(device)?) else {
                    return Err(Error::Internal { reason: "a conditioning is two tensors".into() });
                };
                if computed.len() >= KEPT {
                    computed.remove(0);
                }
                let conditioning = Conditioning { text, modulations };
                computed.push((readers, conditioning.clone()));
                conditioning
            }
        };
        let mut inputs = vec![
            ("encoder_hidden_states", Given::Buffer(&prompt.text)),
            ("pooled_projections", Given::Buffer(&prompt.pooled)),
            ("timestep_features", Given::Values(features.times)),
        ];
        inputs.extend(features.guidance.map(|values| ("guidance_features", Given::Values(values))));
        let outputs = [conditioning.text.clone(), conditioning.modulations.clone()];
        stage.call_into(device, &outputs, &inputs)?;
        Ok(conditioning)
    }

    /// The step, compiled and bound. A [`Conditioning`] of its shape comes first: it loads the weights.
    pub(crate) fn step(
        &mut self,
        config: &Config,
        run: &mut Run<'_>,
        shape: &StepShape,
    ) -> Result<&mut Stage> {
        self.steps.stage(shape, run, || step_trace(&self.traces, config, shape))
    }
}

/// What is run before the steps.
pub(crate) fn conditioning_trace(
    traces: &Traces,
    config: &Config,
    sizes: ConditioningSizes,
    dtype: DType,
) -> Result<Arc<Program>> {
    traces.find(Traced::Conditioning(sizes, dtype), || Ok(conditioning_program(config, sizes, dtype)?))
}

/// The step.
pub(crate) fn step_trace(traces: &Traces, config: &Config, shape: &StepShape) -> Result<Arc<Program>> {
    traces.find(Traced::Step(shape.clone()), || Ok(step_program(config, shape)?))
}

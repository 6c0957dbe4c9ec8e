//! The memory of a run, phase by phase.

use crate::Result;
use crate::files::Checkpoint;
use crate::flux::{Phase, Stage};
use crate::generate::dtype_of;
use serde::Serialize;
use tintype_accel::{Accelerator, CompileOptions, LaunchMode, ParamSlot, Signature, Slot};
use tintype_program::Source;

/// What a device holds in a phase, once everything that the phase needs is there. Components stay on the device from
/// the phase that first needs them on, so the numbers include those of the phases before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseMemory {
    /// The phase.
    pub phase: Phase,
    /// Bytes of weights in memory of their own.
    pub weights: u64,
    /// Bytes of weights that are used in the pages of their files. The system drops and reads them again as it has to.
    pub mapped: u64,
    /// Bytes that are made from weights.
    pub derived: u64,
    /// Bytes of intermediate results.
    pub arenas: u64,
    /// The most bytes of inputs, outputs and states at once.
    pub data: u64,
    /// The most bytes held at once, mapped ones aside.
    pub peak: u64,
}

/// The phases of a run on a device, and whether the device planned all of it itself.
pub(super) fn phases(
    stages: &[Stage],
    accelerator: &dyn Accelerator,
    launch: LaunchMode,
) -> Result<(Vec<PhaseMemory>, bool)> {
    let mut phases: Vec<PhaseMemory> = Vec::new();
    let mut held = Held::default();
    let mut exact = true;
    for stage in stages {
        let footprint = accelerator.footprint(&stage.program, &CompileOptions { launch })?;
        exact &= footprint.exact;
        let signature = Signature::of(&stage.program);
        for slot in &signature.params {
            let bytes = slot.encoding.layout(&slot.ty).map_or(0, |layout| layout.bytes() as u64);
            match footprint.in_place && stays_mapped(slot, &stage.weights) {
                true => held.mapped += bytes,
                false => held.weights += bytes,
            }
        }
        held.derived += footprint.derived;
        held.arenas += footprint.arena;
        let data = held.data(stage, &signature, footprint.captures as u64);
        let peak = held.weights + held.derived + held.arenas + data;
        let now = PhaseMemory {
            phase: stage.phase,
            weights: held.weights,
            mapped: held.mapped,
            derived: held.derived,
            arenas: held.arenas,
            data,
            peak,
        };
        match phases.last_mut().filter(|last| last.phase == stage.phase) {
            Some(last) => *last = PhaseMemory { data: last.data.max(data), peak: last.peak.max(peak), ..now },
            None => phases.push(now),
        }
    }
    Ok((phases, exact))
}

/// What is on the device so far.
#[derive(Default)]
struct Held {
    weights: u64,
    mapped: u64,
    derived: u64,
    arenas: u64,
    /// Of encoded prompts, which stay to the end.
    prompts: u64,
    /// Of the loop's inputs and latents, which stay until the pictures are decoded.
    loop_data: u64,
    /// Of buffers that only captures keep alive.
    captured: u64,
}

impl Held {
    /// The most bytes of inputs, outputs and states while a stage runs, where an instance keeps the buffers of so many
    /// captures alive.
    fn data(&mut self, stage: &Stage, signature: &Signature, captures: u64) -> u64 {
        let bytes = |slots: &[Slot]| slots.iter().map(|slot| slot.ty.bytes() as u64).sum::<u64>();
        let [inputs, states, outputs] =
            [&signature.inputs, &signature.states, &signature.outputs].map(|s| bytes(s));
        let own = inputs + states + outputs;
        let sets = stage.sets as u64;
        // Sets of buffers that were captured before the last one, and those that stay captured after it.
        let (before, after) = (sets.saturating_sub(1).min(captures), sets.min(captures));
        match stage.phase {
            Phase::TextEncoding => {
                // Of what a text encoder gives, the last output is what the denoiser is told.
                let kept = signature.outputs.last().map_or(0, |slot| slot.ty.bytes() as u64);
                let passing = own - kept;
                let most = self.prompts + self.captured + kept * sets + passing * (1 + before);
                self.prompts += kept * sets;
                self.captured += passing * after;
                most
            }
            Phase::ImageEncoding => {
                let most = self.prompts + self.captured + own;
                self.captured += own * after;
                most
            }
            Phase::Denoising => {
                // Prompts are inputs of the loop. Of its states only the latents outlast it.
                let latents = signature.states.first().map_or(0, |slot| slot.ty.bytes() as u64);
                let most = self.captured + own + states * before;
                self.loop_data = inputs + latents;
                self.captured += (states * after).saturating_sub(latents * after.min(1));
                most
            }
            Phase::Decoding => self.captured + self.loop_data + own * (1 + before),
        }
    }
}

/// Whether a device that works in host memory leaves a weight where its file is mapped.
fn stays_mapped(slot: &ParamSlot, checkpoint: &Checkpoint) -> bool {
    let Source::Load { name } = &slot.source else { return false };
    let Some(tensor) = checkpoint.get(name) else { return false };
    let aligned = tensor.bytes.as_ptr().addr().is_multiple_of(align_of::<f32>());
    slot.encoding.is_plain() && dtype_of(tensor.dtype) == Some(slot.ty.dtype) && aligned
}

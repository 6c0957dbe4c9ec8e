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
    /// Bytes of inputs, outputs and states.
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
        held.add(stage, &signature);
        let peak = held.weights + held.derived + held.arenas + held.data;
        let now = PhaseMemory {
            phase: stage.phase,
            weights: held.weights,
            mapped: held.mapped,
            derived: held.derived,
            arenas: held.arenas,
            data: held.data,
            peak,
        };
        match phases.last_mut().filter(|last| last.phase == stage.phase) {
            Some(last) => *last = now,
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
    /// Of inputs, outputs and states: each stage keeps its own.
    data: u64,
    /// Of encoded prompts, a part of it.
    prompts: u64,
}

impl Held {
    /// Adds a stage's inputs, outputs and states.
    fn add(&mut self, stage: &Stage, signature: &Signature) {
        let bytes = |slots: &[Slot]| slots.iter().map(|slot| slot.ty.bytes() as u64).sum::<u64>();
        let given = bytes(&signature.inputs) + bytes(&signature.states);
        match stage.phase {
            Phase::TextEncoding => {
                // The positive and the negative prompt have outputs of their own; the last is what the denoiser is told.
                let last = signature.outputs.last().map_or(0, |slot| slot.ty.bytes() as u64);
                self.data += given + bytes(&signature.outputs) * stage.sets as u64;
                self.prompts += last * stage.sets as u64;
            }
            // The prompts among the inputs lie where the text encoders left them.
            Phase::Denoising => self.data += given.saturating_sub(self.prompts) + bytes(&signature.outputs),
            Phase::ImageEncoding | Phase::Decoding => self.data += given + bytes(&signature.outputs),
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

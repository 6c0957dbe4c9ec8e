//! What a Program takes of a device's memory.

use crate::Result;
use crate::files::Checkpoint;
use crate::generate::dtype_of;
use tintype_accel::{Accelerator, CompileOptions, LaunchMode, ParamSlot, Signature, Slot};
use tintype_program::{Program, Source};

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Weights in memory of their own.
    pub(crate) weights: u64,
    /// Weights that are used in the pages of their files.
    pub(crate) mapped: u64,
    /// What is made from weights.
    pub(crate) derived: u64,
    /// Intermediate results.
    pub(crate) arena: u64,
    /// Inputs and states.
    pub(crate) given: u64,
    /// Outputs.
    pub(crate) outputs: u64,
    /// The last output, a part of those.
    pub(crate) last_output: u64,
    /// Whether the device planned it itself.
    pub(crate) exact: bool,
}

impl Need {
    /// Plans a Program that reads `checkpoint`. Loads and runs nothing.
    pub(crate) fn of(
        program: &Program,
        checkpoint: &Checkpoint,
        accelerator: &dyn Accelerator,
        launch: LaunchMode,
    ) -> Result<Self> {
        let footprint = accelerator.footprint(program, &CompileOptions { launch })?;
        let signature = Signature::of(program);
        let (mut weights, mut mapped) = (0, 0);
        for slot in &signature.params {
            let bytes = slot.encoding.layout(&slot.ty).map_or(0, |layout| layout.bytes() as u64);
            match footprint.in_place && stays_mapped(slot, checkpoint) {
                true => mapped += bytes,
                false => weights += bytes,
            }
        }
        let bytes = |slots: &[Slot]| slots.iter().map(|slot| slot.ty.bytes() as u64).sum::<u64>();
        Ok(Self {
            weights,
            mapped,
            derived: footprint.derived,
            arena: footprint.arena,
            given: bytes(&signature.inputs) + bytes(&signature.states),
            outputs: bytes(&signature.outputs),
            last_output: signature.outputs.last().map_or(0, |slot| slot.ty.bytes() as u64),
            exact: footprint.exact,
        })
    }
}

/// Whether a device that works in host memory leaves a weight where its file is mapped.
fn stays_mapped(slot: &ParamSlot, checkpoint: &Checkpoint) -> bool {
    let Source::Load { name } = &slot.source else { return false };
    let Some(tensor) = checkpoint.get(name) else { return false };
    let aligned = tensor.bytes.as_ptr().addr().is_multiple_of(align_of::<f32>());
    slot.encoding.is_plain() && dtype_of(tensor.dtype) == Some(slot.ty.dtype) && aligned
}

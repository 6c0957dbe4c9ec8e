//! The memory of a run, phase by phase.

use crate::flux::{Need, Phase, Stage};
use crate::{Error, Result};
use serde::Serialize;
use std::thread;
use tintype_accel::{Accelerator, LaunchMode};

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

/// What a run holds on a device, stage after stage.
#[derive(Clone)]
pub(super) struct Account<'a> {
    accelerator: &'a dyn Accelerator,
    launch: LaunchMode,
    held: Held,
    pub(super) phases: Vec<PhaseMemory>,
    /// Whether the device planned all of it itself.
    pub(super) exact: bool,
}

impl<'a> Account<'a> {
    pub(super) fn new(accelerator: &'a dyn Accelerator, launch: LaunchMode) -> Self {
        Self { accelerator, launch, held: Held::default(), phases: Vec::new(), exact: true }
    }

    /// The most bytes held at once, mapped ones aside.
    pub(super) fn peak(&self) -> u64 {
        self.phases.iter().map(|phase| phase.peak).max().unwrap_or(0)
    }

    /// Adds the stage that runs next.
    pub(super) fn add(&mut self, stage: &Stage) -> Result<()> {
        let need = self.need(stage)?;
        self.hold(stage, &need);
        Ok(())
    }

    /// Adds the stages that run next, planned side by side.
    pub(super) fn add_all(&mut self, stages: &[Stage]) -> Result<()> {
        let account = &*self;
        let needs: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> =
                stages.iter().map(|stage| scope.spawn(move || account.need(stage))).collect();
            let ended = |_| Error::Internal { reason: "a thread that plans ended early".into() };
            threads.into_iter().map(|thread| thread.join().map_err(ended)?).collect::<Result<_>>()
        })?;
        stages.iter().zip(&needs).for_each(|(stage, need)| self.hold(stage, need));
        Ok(())
    }

    fn need(&self, stage: &Stage) -> Result<Need> {
        Need::of(&stage.program, &stage.weights, self.accelerator, self.launch)
    }

    fn hold(&mut self, stage: &Stage, need: &Need) {
        self.exact &= need.exact;
        let held = &mut self.held;
        held.add(stage, need);
        let now = PhaseMemory {
            phase: stage.phase,
            weights: held.weights,
            mapped: held.mapped,
            derived: held.derived,
            arenas: held.arenas,
            data: held.data,
            peak: held.weights + held.derived + held.arenas + held.data,
        };
        match self.phases.last_mut().filter(|last| last.phase == stage.phase) {
            Some(last) => *last = now,
            None => self.phases.push(now),
        }
    }
}

/// What is on the device so far.
#[derive(Clone, Default)]
struct Held {
    weights: u64,
    mapped: u64,
    derived: u64,
    arenas: u64,
    /// Of inputs, outputs and states: each stage keeps its own.
    data: u64,
    /// Of one encoded prompt, a part of it.
    prompt: u64,
    /// Of what all steps are told of prompts, a part of it.
    told: u64,
}

impl Held {
    fn add(&mut self, stage: &Stage, need: &Need) {
        self.weights += need.weights;
        self.mapped += need.mapped;
        self.derived += need.derived;
        self.arenas += need.arena;
        match stage.phase {
            Phase::TextEncoding => {
                // The positive and the negative prompt have outputs of their own; the last is what the denoiser is told.
                self.data += need.given + need.outputs * stage.sets as u64;
                self.prompt += need.last_output;
            }
            Phase::Conditioning => {
                // The prompt among the inputs lies where the text encoders left it.
                self.told = need.outputs * stage.sets as u64;
                self.data += need.given.saturating_sub(self.prompt) + self.told;
            }
            // As does what the steps are told.
            Phase::Denoising => self.data += need.given.saturating_sub(self.told) + need.outputs,
            Phase::ImageEncoding | Phase::Decoding => self.data += need.given + need.outputs,
        }
    }
}

//! The work of a run: FLOPs and bytes, whatever device does it.

use crate::flux::{Flux, Phase, Stage};
use crate::generate::Settings;
use crate::{Arithmetic, Request, Result};
use serde::Serialize;
use std::sync::Arc;
use tintype_program::{Op, Program, cost, passes};

/// The settings that decide what a run takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Steps of the full schedule.
    pub steps: usize,
    /// Tokens of the T5 prompt.
    pub max_sequence_length: usize,
    /// Pictures.
    pub count: usize,
    /// Pictures made at once.
    pub batch_size: usize,
    /// Whether the denoiser runs twice a step.
    pub true_cfg: bool,
    /// The share of the schedule that is run on a picture, where one is started from.
    pub strength: Option<f64>,
    /// The dtype of the arithmetic.
    pub dtype: String,
    /// What the denoiser's blocks are quantized to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<String>,
}

/// What a run has to do.
#[derive(Clone, Debug, Serialize)]
pub struct Work {
    /// What was asked for, defaults filled in.
    pub asked: Asked,
    /// The Programs of the run, in its order.
    pub stages: Vec<StageWork>,
}

/// What one Program has to do.
#[derive(Clone, Debug, Serialize)]
pub struct StageWork {
    /// The component, as its folder is called; behind a point which of its Programs, where it has several.
    pub name: String,
    /// The phase that it belongs to.
    pub phase: Phase,
    /// How often a run of the pipeline runs it: the denoiser once a step and batch.
    pub runs: usize,
    /// Floating-point operations of one run.
    pub flops: u64,
    /// Bytes that one run reads and writes at least, elementwise operations fused.
    pub bytes: u64,
}

impl Asked {
    pub(super) fn of(settings: &Settings, batch_size: usize) -> Self {
        Self {
            width: settings.width,
            height: settings.height,
            steps: settings.steps,
            max_sequence_length: settings.max_sequence_length,
            count: settings.count,
            batch_size,
            true_cfg: settings.true_cfg.is_some(),
            strength: settings.strength,
            dtype: settings.dtype.clone(),
            quantize: settings.quantize.clone(),
        }
    }

    /// In what is computed, in a word or three.
    pub fn arithmetic(&self) -> String {
        match &self.quantize {
            Some(quantize) => format!("{} with {quantize}", self.dtype),
            None => self.dtype.clone(),
        }
    }
}

impl Work {
    pub(super) fn of(flux: &Flux, request: &Request, arithmetic: Arithmetic) -> Result<Self> {
        let (settings, batch, stages) = flux.stages(request, arithmetic)?;
        let asked = Asked::of(&settings, batch);
        let stages = stages.into_iter().map(|stage| Fused::of(stage).work()).collect();
        Ok(Self { asked, stages })
    }
}

/// A stage whose elementwise operations are fused, as every plugin fuses them, and what its blocks cost.
pub(super) struct Fused {
    name: &'static str,
    phase: Phase,
    runs: usize,
    program: Program,
    cost: cost::ProgramCost,
}

impl Fused {
    pub(super) fn of(stage: Stage) -> Self {
        let Stage { name, phase, runs, program, .. } = stage;
        let program = passes::group_elementwise(Arc::unwrap_or_clone(program));
        Self { name, phase, runs, cost: cost::of_program(&program), program }
    }

    pub(super) fn work(&self) -> StageWork {
        StageWork {
            name: self.name.to_owned(),
            phase: self.phase,
            runs: self.runs,
            flops: self.cost.total.flops,
            bytes: self.cost.total.bytes,
        }
    }

    /// The least seconds of one run on a device that does one operation after another, each at the slower of its rates.
    pub(super) fn least_seconds(&self, flops_per_second: f64, bytes_per_second: f64) -> f64 {
        let once: Vec<_> = self.cost.blocks.iter().map(|block| block.once).collect();
        let blocks = self.program.blocks.iter().zip(&self.cost.blocks);
        let seconds = blocks.filter(|(_, cost)| cost.runs > 0).map(|(block, cost)| {
            let own = block.nodes.iter().filter(|node| !matches!(node.op, Op::Call { .. }));
            let each = own.map(|node| {
                cost::roofline(cost::of_node(block, node, &once), flops_per_second, bytes_per_second)
            });
            each.sum::<f64>() * cost.runs as f64
        });
        seconds.sum()
    }
}

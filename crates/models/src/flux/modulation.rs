//! Scales, shifts and gates that depend on the timestep (adaptive layer norm, Peebles and Xie 2023).

use super::Config;
use crate::layers::{linear, width};
use tintype_program::{Error, Result, Scope, Value, concat};

/// What diffusers adds to a variance in every norm of this model.
pub(super) const EPS: f64 = 1e-6;

/// Vectors of one modulation: shift, scale and gate of attention, then of the feed-forward network.
pub(super) const DOUBLE: usize = 6;
/// Shift, scale and gate.
pub(super) const SINGLE: usize = 3;
/// Scale and shift: `AdaLayerNormContinuous` has them the other way round.
pub(super) const LAST: usize = 2;

/// The modulations of every layer, `[b, 1, vectors * width]` each.
///
/// They depend on the timestep, the guidance and the pooled text, and on nothing that a step changes: those of all steps
/// are one product with as many rows, and a step picks its own.
pub(super) struct Modulations {
    /// Of the picture and of the text, a double block.
    pub(super) double: Vec<[Value; 2]>,
    /// One a single block.
    pub(super) single: Vec<Value>,
    /// Of the last norm.
    pub(super) last: Value,
}

impl Modulations {
    /// From a conditioning `[b, 1, width]` to which SiLU has been applied.
    ///
    /// The batch stays an outer axis, so that each picture's vectors are rows of their own and do not depend on what else
    /// is in the batch.
    pub(super) fn of(scope: &Scope, config: &Config, conditioning: &Value) -> Result<Self> {
        Self::with(config, |layer, vectors| {
            let outputs = width(conditioning).saturating_mul(vectors);
            linear(&scope.child(layer).child("linear"), conditioning, outputs)
        })
    }

    /// Side by side, `[b, 1, modulation_width]`: [`Modulations::apart`] takes them apart.
    pub(super) fn beside(&self) -> Result<Value> {
        let blocks = self.double.iter().flatten().chain(&self.single);
        let all: Vec<&Value> = blocks.chain([&self.last]).collect();
        concat(&all, 2)
    }

    /// Out of `[b, 1, modulation_width]`.
    pub(super) fn apart(config: &Config, beside: &Value) -> Result<Self> {
        let mut start = 0usize;
        Self::with(config, |_, vectors| {
            let end = start.saturating_add(config.width().saturating_mul(vectors));
            let modulation = beside.slice(2, start, end)?;
            start = end;
            Ok(modulation)
        })
    }

    /// Each one by `make`, which is told the layer's name and how many vectors it has.
    fn with(config: &Config, mut make: impl FnMut(&str, usize) -> Result<Value>) -> Result<Self> {
        let mut double = Vec::with_capacity(config.num_layers);
        for i in 0..config.num_layers {
            let mut of = |norm: &str| make(&format!("transformer_blocks.{i}.{norm}"), DOUBLE);
            double.push([of("norm1")?, of("norm1_context")?]);
        }
        let mut single = Vec::with_capacity(config.num_single_layers);
        for i in 0..config.num_single_layers {
            single.push(make(&format!("single_transformer_blocks.{i}.norm"), SINGLE)?);
        }
        Ok(Self { double, single, last: make("norm_out", LAST)? })
    }
}

/// The `N` vectors of a modulation `[b, 1, N * width]`, `[b, 1, width]` each.
pub(super) fn vectors<const N: usize>(modulation: &Value) -> Result<[Value; N]> {
    modulation.chunk(2, N)?.try_into().map_err(|rest: Vec<Value>| Error::Declaration {
        what: "block",
        name: "modulation".into(),
        block: "flux".into(),
        reason: format!("it is {} vectors, not {N}", rest.len()),
    })
}

/// `norm(x) (1 + scale) + shift`, where the norm has no weights of its own.
pub(super) fn modulated_norm(x: &Value, shift: &Value, scale: &Value) -> Result<Value> {
    let normed = x.layer_norm(None, EPS)?;
    &(&normed * &(scale + 1.0)?)? + shift
}

/// `x + gate * update`.
pub(super) fn gated_sum(x: &Value, gate: &Value, update: &Value) -> Result<Value> {
    x + &(gate * update)?
}

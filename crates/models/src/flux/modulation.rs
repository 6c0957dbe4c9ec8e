//! Scales, shifts and gates that depend on the timestep (adaptive layer norm, Peebles and Xie 2023).

use crate::layers::{linear, width};
use tintype_program::{Result, Scope, Value};

/// What diffusers adds to a variance in every norm of this model.
pub(super) const EPS: f64 = 1e-6;

/// `count` vectors `[b, 1, width]`, from a conditioning `[b, 1, width]` to which SiLU has been applied.
///
/// The batch stays an outer axis, so that each picture's vectors are rows of their own and do not depend on what else
/// is in the batch.
pub(super) fn modulation(scope: &Scope, conditioning: &Value, count: usize) -> Result<Vec<Value>> {
    let outputs = width(conditioning).saturating_mul(count);
    linear(&scope.child("linear"), conditioning, outputs)?.chunk(2, count)
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

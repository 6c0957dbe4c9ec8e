//! The two blocks that repeat.

use super::Config;
use super::attention::{ADDED, OWN, Projected, attend, project};
use super::modulation::{gated_sum, modulated_norm, vectors};
use crate::layers::{clamp, linear, width};
use tintype_program::{DType, GeluForm, Result, Scope, Value, concat};

/// The hidden layer of a feed-forward network is this many times as wide as the model.
const MLP_RATIO: usize = 4;

/// The angles of every token of the joint sequence.
pub(super) struct Angles<'v> {
    /// `f32[tokens, d]`.
    pub(super) cos: &'v Value,
    /// `f32[tokens, d]`.
    pub(super) sin: &'v Value,
}

/// `FluxTransformerBlock`: picture `[b, s, width]` and text `[b, t, width]` to the same. Their modulations are
/// `[b | 1, 1, 6 * width]` each.
pub(super) fn double_block(
    scope: &Scope,
    config: &Config,
    [picture, text]: [&Value; 2],
    [own, added]: [&Value; 2],
    angles: &Angles<'_>,
) -> Result<(Value, Value)> {
    let (own, added) = (AdaNormZero::of(own)?, AdaNormZero::of(added)?);

    let attn = scope.child("attn");
    let p = project(&attn, config, &OWN, &own.before_attention(picture)?)?;
    let t = project(&attn, config, &ADDED, &added.before_attention(text)?)?;
    let joint = Projected {
        query: concat(&[&t.query, &p.query], 1)?,
        key: concat(&[&t.key, &p.key], 1)?,
        value: concat(&[&t.value, &p.value], 1)?,
    };
    let attended = attend(config, &joint, angles.cos, angles.sin)?;
    let (for_text, for_picture) = split_joint(&attended, text)?;

    let update = linear(&attn.child("to_out").child(0), &for_picture, config.width())?;
    let picture = gated_sum(picture, &own.gate_attention, &update)?;
    let picture = own.feed_forward(&scope.child("ff"), &picture)?;

    let update = linear(&attn.child("to_add_out"), &for_text, config.width())?;
    let text = gated_sum(text, &added.gate_attention, &update)?;
    let text = added.feed_forward(&scope.child("ff_context"), &text)?;
    Ok((picture, keep_finite(text)?))
}

/// `FluxSingleTransformerBlock`: text and picture in one sequence, `[b, t + s, width]`, to the same. Attention and
/// feed-forward network run side by side. The modulation is `[b | 1, 1, 3 * width]`.
pub(super) fn single_block(
    scope: &Scope,
    config: &Config,
    x: &Value,
    modulation: &Value,
    angles: &Angles<'_>,
) -> Result<Value> {
    let [shift, scale, gate] = vectors(modulation)?;
    let normed = modulated_norm(x, &shift, &scale)?;
    let hidden = width(x).saturating_mul(MLP_RATIO);
    let mlp = linear(&scope.child("proj_mlp"), &normed, hidden)?.gelu(GeluForm::Tanh)?;
    let joint = project(&scope.child("attn"), config, &OWN, &normed)?;
    let attended = attend(config, &joint, angles.cos, angles.sin)?;
    let update = linear(&scope.child("proj_out"), &concat(&[&attended, &mlp], 2)?, width(x))?;
    keep_finite(gated_sum(x, &gate, &update)?)
}

/// A joint sequence `[b, t + s, width]` as text, of as many tokens as `text` has, and picture.
pub(super) fn split_joint(joint: &Value, text: &Value) -> Result<(Value, Value)> {
    let at = text.shape().get(1).copied().unwrap_or(0);
    let end = joint.shape().get(1).copied().unwrap_or(0);
    Ok((joint.slice(1, 0, at)?, joint.slice(1, at, end)?))
}

/// The six vectors of `AdaLayerNormZero`.
struct AdaNormZero {
    shift_attention: Value,
    scale_attention: Value,
    gate_attention: Value,
    shift_mlp: Value,
    scale_mlp: Value,
    gate_mlp: Value,
}

impl AdaNormZero {
    fn of(modulation: &Value) -> Result<Self> {
        let [shift_attention, scale_attention, gate_attention, shift_mlp, scale_mlp, gate_mlp] =
            vectors(modulation)?;
        Ok(Self { shift_attention, scale_attention, gate_attention, shift_mlp, scale_mlp, gate_mlp })
    }

    fn before_attention(&self, x: &Value) -> Result<Value> {
        modulated_norm(x, &self.shift_attention, &self.scale_attention)
    }

    fn feed_forward(&self, scope: &Scope, x: &Value) -> Result<Value> {
        let normed = modulated_norm(x, &self.shift_mlp, &self.scale_mlp)?;
        let net = scope.child("net");
        let hidden = linear(&net.child("0.proj"), &normed, width(x).saturating_mul(MLP_RATIO))?;
        let update = linear(&net.child(2), &hidden.gelu(GeluForm::Tanh)?, width(x))?;
        gated_sum(x, &self.gate_mlp, &update)
    }
}

/// f16 overflows in some layers of the published models; diffusers keeps it at its largest number there.
fn keep_finite(x: Value) -> Result<Value> {
    if x.dtype() == DType::F16 { clamp(&x, -65504.0, 65504.0) } else { Ok(x) }
}

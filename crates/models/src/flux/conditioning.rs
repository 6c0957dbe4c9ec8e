//! What no step changes: the text as the blocks take it, and the modulations of every step.

use super::modulation::Modulations;
use super::{Config, FEATURES};
use crate::layers::{extents, linear};
use tintype_program::{DType, Error, PadMode, Program, Result, Scope, TensorType, Value};

/// What the denoiser is told beside latents. `r` rows of time and of the pooled text are pictures of a batch, or steps
/// of one picture; what has one row is the same for all.
pub(super) struct Told<'v> {
    /// `[r | 1, pooled_projection_dim]`.
    pub(super) pooled_projections: &'v Value,
    /// `f32[r, 256]`.
    pub(super) timestep_features: &'v Value,
    /// `f32[r | 1, 256]`, exactly where the config has `guidance_embeds`.
    pub(super) guidance_features: Option<&'v Value>,
}

/// T5's output `[b, t, joint_attention_dim]` to `[b, t, width]`.
pub(super) fn text(scope: &Scope, config: &Config, encoder_hidden_states: &Value) -> Result<Value> {
    linear(&scope.child("context_embedder"), encoder_hidden_states, config.width())
}

/// The modulations of `r` pictures or steps.
pub(super) fn modulations(scope: &Scope, config: &Config, told: &Told<'_>) -> Result<Modulations> {
    let conditioning = conditioning(&scope.child("time_text_embed"), config, told)?;
    Modulations::of(scope, config, &conditioning)
}

/// `silu` of the sum of time, guidance and text embeddings, `[r, 1, width]`: each use begins with that SiLU.
fn conditioning(scope: &Scope, config: &Config, told: &Told<'_>) -> Result<Value> {
    let refuse = |reason: &str| Error::Declaration {
        what: "input",
        name: "guidance_features".into(),
        block: "flux".into(),
        reason: reason.into(),
    };
    let embed = |name: &str, x: &Value| -> Result<Value> {
        let [rows, elements] = extents(x, name)?;
        let rows = x.reshape(&[rows, 1, elements])?.cast(scope.dtype())?;
        let embedder = scope.child(name);
        let hidden = linear(&embedder.child("linear_1"), &rows, config.width())?.silu()?;
        linear(&embedder.child("linear_2"), &hidden, config.width())
    };
    let mut sum = embed("timestep_embedder", told.timestep_features)?;
    match (config.guidance_embeds, told.guidance_features) {
        (true, Some(features)) => sum = (&sum + &embed("guidance_embedder", features)?)?,
        (false, None) => {}
        (true, None) => {
            return Err(refuse("the config has guidance_embeds; the model must be told a guidance"));
        }
        (false, Some(_)) => return Err(refuse("the config has no guidance_embeds; leave it out")),
    }
    (&sum + &embed("text_embedder", told.pooled_projections)?)?.silu()
}

/// The sizes that [`conditioning_program`] is traced for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditioningSizes {
    /// Tokens of text.
    pub text_tokens: usize,
    /// Steps that modulations are computed for.
    pub steps: usize,
    /// Rows of the tables, at least as many: those behind the steps are zeros.
    pub capacity: usize,
}

/// What [`super::denoiser`] is told in every step of a picture, as a Program to be run once before the first. Its
/// products read each weight once, whatever the number of steps.
///
/// Inputs: `encoder_hidden_states` `[1, t, joint_attention_dim]`, `pooled_projections` `[1, pooled_projection_dim]`,
/// `timestep_features` `f32[capacity, 256]`, one row a step, and, where the config has `guidance_embeds`,
/// `guidance_features` `f32[1, 256]`. Outputs: `text` `[1, t, width]` and `modulations`
/// `[capacity, modulation_width]`. `dtype` is that of parameters and of what is not said to be f32.
///
/// # Errors
/// A config that makes no model, more steps than rows, or sizes beyond what a Program may name.
pub fn conditioning_program(
    config: &Config,
    sizes: ConditioningSizes,
    dtype: DType,
) -> crate::Result<Program> {
    config.validate()?;
    let ConditioningSizes { text_tokens, steps, capacity } = sizes;
    Ok(Program::trace("flux_conditioning", |scope| {
        let scope = &scope.with_dtype(dtype);
        let of = |name: &str, shape: &[usize]| scope.input(name, TensorType::new(dtype, shape));
        let table =
            |name: &str, rows: usize| scope.input(name, TensorType::new(DType::F32, [rows, FEATURES]));
        let states = of("encoder_hidden_states", &[1, text_tokens, config.joint_attention_dim])?;
        let pooled = of("pooled_projections", &[1, config.pooled_projection_dim])?;
        let times = table("timestep_features", capacity)?.slice(0, 0, steps)?;
        let guidance = match config.guidance_embeds {
            true => Some(table("guidance_features", 1)?),
            false => None,
        };
        let told = Told {
            pooled_projections: &pooled,
            timestep_features: &times,
            guidance_features: guidance.as_ref(),
        };
        scope.output("text", &text(scope, config, &states)?)?;
        let rows = modulations(scope, config, &told)?.beside()?;
        let rows = rows.reshape(&[steps, config.modulation_width()])?;
        let missing = capacity.saturating_sub(steps);
        let rows = if missing > 0 { rows.pad(&[0, 0], &[missing, 0], PadMode::Zero)? } else { rows };
        scope.output("modulations", &rows)
    })?)
}

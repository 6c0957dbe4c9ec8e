//! The whole denoiser.

use super::blocks::{Angles, double_block, single_block, split_joint};
use super::conditioning::{self, Told, modulations};
use super::modulation::{LAST, Modulations, modulated_norm, vectors};
use super::{Config, FEATURES};
use crate::layers::linear;
use tintype_program::{DType, Program, Result, Scope, TensorType, Value, concat};

/// What the denoiser is given. Floating-point values have the dtype of the scope's parameters, unless said otherwise.
pub struct Inputs<'v> {
    /// Packed latents, `[b, s, in_channels]`.
    pub hidden_states: &'v Value,
    /// T5's output, `[b, t, joint_attention_dim]`.
    pub encoder_hidden_states: &'v Value,
    /// CLIP's pooled output, `[b, pooled_projection_dim]`.
    pub pooled_projections: &'v Value,
    /// [`super::timestep_features`] of the time, `f32[b, 256]`.
    pub timestep_features: &'v Value,
    /// [`super::timestep_features`] of the guidance, `f32[b, 256]`: given exactly where the config has
    /// `guidance_embeds`.
    pub guidance_features: Option<&'v Value>,
    /// [`super::rope_tables`], `f32[t + s, attention_head_dim]`.
    pub rope_cos: &'v Value,
    /// [`super::rope_tables`], `f32[t + s, attention_head_dim]`.
    pub rope_sin: &'v Value,
}

/// Traces the denoiser: the predicted velocity, `[b, s, patch_size^2 * out_channels]`.
///
/// Double and single blocks are one block each, called once a layer. What no step changes is computed here too; see
/// [`super::conditioning_program`] and [`denoiser`] for the two apart.
///
/// # Errors
/// Inputs whose shapes or dtypes do not fit; guidance given to a model without, or not given to one with.
pub fn transformer(scope: &Scope, config: &Config, inputs: &Inputs<'_>) -> Result<Value> {
    let told = Told {
        pooled_projections: inputs.pooled_projections,
        timestep_features: inputs.timestep_features,
        guidance_features: inputs.guidance_features,
    };
    let modulations = modulations(scope, config, &told)?;
    let text = conditioning::text(scope, config, inputs.encoder_hidden_states)?;
    let angles = Angles { cos: inputs.rope_cos, sin: inputs.rope_sin };
    layers(scope, config, inputs.hidden_states, text, &modulations, &angles)
}

/// What [`denoiser`] is given. What is not said to be f32 has the dtype of the scope's parameters.
pub struct DenoiserInputs<'v> {
    /// Packed latents, `[b, s, in_channels]`.
    pub hidden_states: &'v Value,
    /// The text as [`super::conditioning_program`] gives it, `[b, t, width]`.
    pub text: &'v Value,
    /// The row of the step in that Program's table, `[b | 1, 1, modulation_width]`.
    pub modulations: &'v Value,
    /// [`super::rope_tables`], `f32[t + s, attention_head_dim]`.
    pub rope_cos: &'v Value,
    /// [`super::rope_tables`], `f32[t + s, attention_head_dim]`.
    pub rope_sin: &'v Value,
}

/// Traces what is left of [`transformer`] in every step once [`super::conditioning_program`] has run. The blocks are
/// those of [`transformer`].
///
/// # Errors
/// Inputs whose shapes or dtypes do not fit.
pub fn denoiser(scope: &Scope, config: &Config, inputs: &DenoiserInputs<'_>) -> Result<Value> {
    let modulations = Modulations::apart(config, inputs.modulations)?;
    let angles = Angles { cos: inputs.rope_cos, sin: inputs.rope_sin };
    layers(scope, config, inputs.hidden_states, inputs.text.clone(), &modulations, &angles)
}

fn layers(
    scope: &Scope,
    config: &Config,
    hidden_states: &Value,
    mut text: Value,
    modulations: &Modulations,
    angles: &Angles<'_>,
) -> Result<Value> {
    let mut picture = linear(&scope.child("x_embedder"), hidden_states, config.width())?;
    let (cos, sin) = (angles.cos, angles.sin);
    if let Some([own, added]) = modulations.double.first() {
        let types = [picture.ty(), text.ty(), own.ty(), added.ty(), cos.ty(), sin.ty()];
        let block = scope.block("flux_double", &types, |scope, arguments| {
            let [picture, text, own, added, cos, sin] = arguments else { return Ok(vec![]) };
            let angles = Angles { cos, sin };
            let (picture, text) = double_block(scope, config, [picture, text], [own, added], &angles)?;
            Ok(vec![picture, text])
        })?;
        for (i, [own, added]) in modulations.double.iter().enumerate() {
            let layer = scope.child("transformer_blocks").child(i);
            let results = block.call(&layer, &[&picture, &text, own, added, cos, sin])?;
            if let Ok([p, t]) = <[Value; 2]>::try_from(results) {
                (picture, text) = (p, t);
            }
        }
    }
    if let Some(modulation) = modulations.single.first() {
        let mut joint = concat(&[&text, &picture], 1)?;
        let types = [joint.ty(), modulation.ty(), cos.ty(), sin.ty()];
        let block = scope.block("flux_single", &types, |scope, arguments| {
            let [x, modulation, cos, sin] = arguments else { return Ok(vec![]) };
            Ok(vec![single_block(scope, config, x, modulation, &Angles { cos, sin })?])
        })?;
        for (i, modulation) in modulations.single.iter().enumerate() {
            let layer = scope.child("single_transformer_blocks").child(i);
            if let Some(result) = block.call(&layer, &[&joint, modulation, cos, sin])?.pop() {
                joint = result;
            }
        }
        picture = split_joint(&joint, &text)?.1;
    }

    // AdaLayerNormContinuous has scale before shift; the blocks' modulations have shift first.
    let [scale, shift] = vectors::<LAST>(&modulations.last)?;
    let picture = modulated_norm(&picture, &shift, &scale)?;
    linear(&scope.child("proj_out"), &picture, config.output_width())
}

/// The sizes that a Program is traced for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Pictures.
    pub batch: usize,
    /// Tokens of text.
    pub text_tokens: usize,
    /// Tokens of picture: 2 by 2 latent pixels each.
    pub image_tokens: usize,
}

/// The denoiser as a Program of its own. Inputs are named as the fields of [`Inputs`], the output is `output`; `dtype`
/// is that of parameters, tokens and output.
///
/// # Errors
/// A config that makes no model, or sizes beyond what a Program may name.
pub fn program(config: &Config, sizes: Sizes, dtype: DType) -> crate::Result<Program> {
    config.validate()?;
    let Sizes { batch, text_tokens, image_tokens } = sizes;
    Ok(Program::trace("flux", |scope| {
        let scope = &scope.with_dtype(dtype);
        let of = |name: &str, shape: &[usize]| scope.input(name, TensorType::new(dtype, shape));
        let table = |name: &str, shape: &[usize]| scope.input(name, TensorType::new(DType::F32, shape));
        let hidden_states = of("hidden_states", &[batch, image_tokens, config.in_channels])?;
        let text = of("encoder_hidden_states", &[batch, text_tokens, config.joint_attention_dim])?;
        let pooled = of("pooled_projections", &[batch, config.pooled_projection_dim])?;
        let time = table("timestep_features", &[batch, FEATURES])?;
        let guidance = match config.guidance_embeds {
            true => Some(table("guidance_features", &[batch, FEATURES])?),
            false => None,
        };
        let angles = [text_tokens.saturating_add(image_tokens), config.attention_head_dim];
        let inputs = Inputs {
            hidden_states: &hidden_states,
            encoder_hidden_states: &text,
            pooled_projections: &pooled,
            timestep_features: &time,
            guidance_features: guidance.as_ref(),
            rope_cos: &table("rope_cos", &angles)?,
            rope_sin: &table("rope_sin", &angles)?,
        };
        scope.output("output", &transformer(scope, config, &inputs)?)
    })?)
}

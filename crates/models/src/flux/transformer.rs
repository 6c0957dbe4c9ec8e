//! The whole denoiser.

use super::blocks::{Context, double_block, single_block, split_joint};
use super::modulation::{modulated_norm, modulation};
use super::{Config, FEATURES};
use crate::layers::{extents, linear};
use tintype_program::{DType, Error, Program, Result, Scope, TensorType, Value, concat};

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
/// Double and single blocks are one block each, called once a layer.
///
/// # Errors
/// Inputs whose shapes or dtypes do not fit; guidance given to a model without, or not given to one with.
pub fn transformer(scope: &Scope, config: &Config, inputs: &Inputs<'_>) -> Result<Value> {
    let conditioning = conditioning(&scope.child("time_text_embed"), config, inputs)?;
    let width = config.width();
    let mut picture = linear(&scope.child("x_embedder"), inputs.hidden_states, width)?;
    let mut text = linear(&scope.child("context_embedder"), inputs.encoder_hidden_states, width)?;
    let (cos, sin) = (inputs.rope_cos, inputs.rope_sin);

    if config.num_layers > 0 {
        let types = [picture.ty(), text.ty(), conditioning.ty(), cos.ty(), sin.ty()];
        let block = scope.block("flux_double", &types, |scope, arguments| {
            let [picture, text, conditioning, cos, sin] = arguments else { return Ok(vec![]) };
            let context = Context { conditioning, cos, sin };
            let (picture, text) = double_block(scope, config, picture, text, &context)?;
            Ok(vec![picture, text])
        })?;
        for i in 0..config.num_layers {
            let layer = scope.child("transformer_blocks").child(i);
            let results = block.call(&layer, &[&picture, &text, &conditioning, cos, sin])?;
            if let Ok([p, t]) = <[Value; 2]>::try_from(results) {
                (picture, text) = (p, t);
            }
        }
    }
    if config.num_single_layers > 0 {
        let mut joint = concat(&[&text, &picture], 1)?;
        let types = [joint.ty(), conditioning.ty(), cos.ty(), sin.ty()];
        let block = scope.block("flux_single", &types, |scope, arguments| {
            let [x, conditioning, cos, sin] = arguments else { return Ok(vec![]) };
            Ok(vec![single_block(scope, config, x, &Context { conditioning, cos, sin })?])
        })?;
        for i in 0..config.num_single_layers {
            let layer = scope.child("single_transformer_blocks").child(i);
            if let Some(result) = block.call(&layer, &[&joint, &conditioning, cos, sin])?.pop() {
                joint = result;
            }
        }
        picture = split_joint(&joint, &text)?.1;
    }

    // AdaLayerNormContinuous has scale before shift; the blocks' modulations have shift first.
    if let [scale, shift] = modulation(&scope.child("norm_out"), &conditioning, 2)?.as_slice() {
        picture = modulated_norm(&picture, shift, scale)?;
    }
    linear(&scope.child("proj_out"), &picture, config.output_width())
}

/// `silu` of the sum of time, guidance and text embeddings, `[b, 1, width]`: each use begins with that SiLU.
fn conditioning(scope: &Scope, config: &Config, inputs: &Inputs<'_>) -> Result<Value> {
    let refuse = |reason: &str| Error::Declaration {
        what: "input",
        name: "guidance_features".into(),
        block: "flux".into(),
        reason: reason.into(),
    };
    let embed = |name: &str, x: &Value| -> Result<Value> {
        let [batch, elements] = extents(x, name)?;
        let rows = x.reshape(&[batch, 1, elements])?.cast(scope.dtype())?;
        let embedder = scope.child(name);
        let hidden = linear(&embedder.child("linear_1"), &rows, config.width())?.silu()?;
        linear(&embedder.child("linear_2"), &hidden, config.width())
    };
    let mut sum = embed("timestep_embedder", inputs.timestep_features)?;
    match (config.guidance_embeds, inputs.guidance_features) {
        (true, Some(features)) => sum = (&sum + &embed("guidance_embedder", features)?)?,
        (false, None) => {}
        (true, None) => {
            return Err(refuse("the config has guidance_embeds; the model must be told a guidance"));
        }
        (false, Some(_)) => return Err(refuse("the config has no guidance_embeds; leave it out")),
    }
    (&sum + &embed("text_embedder", inputs.pooled_projections)?)?.silu()
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

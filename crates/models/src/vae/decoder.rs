//! From latents to pictures.

use super::config::FIELDS;
use super::mid::mid_block;
use super::resnet::{activated, resnet};
use super::{AttentionNames, Config};
use crate::fields::MAX_WIDTH;
use crate::layers::convolution;
use tintype_program::{DType, Program, Result, Scope, TensorType, Value};

/// Traces the decoder: `latents: [b, latent_channels, h, w]`, unscaled, to a picture `[b, out_channels, f h, f w]`
/// with values around `-1..=1`, where `f` is [`Config::spatial_factor`]. The scope is the checkpoint's root.
///
/// # Errors
/// Latents whose shape or dtype does not fit.
pub fn decoder(scope: &Scope, config: &Config, names: AttentionNames, latents: &Value) -> Result<Value> {
    let mut x = latents.clone();
    if config.use_post_quant_conv {
        x = convolution(&scope.child("post_quant_conv"), &x, config.latent_channels, 1, 1, [0, 0])?;
    }
    let scope = scope.child("decoder");
    let innermost = config.block_out_channels.last().copied().unwrap_or(0);
    x = convolution(&scope.child("conv_in"), &x, innermost, 3, 1, [1, 1])?;
    x = mid_block(&scope.child("mid_block"), config, names, &x)?;

    for (level, &channels) in config.block_out_channels.iter().rev().enumerate() {
        let scope = scope.child("up_blocks").child(level);
        for i in 0..=config.layers_per_block {
            x = resnet(&scope.child("resnets").child(i), config, &x, channels)?;
        }
        if level + 1 < config.block_out_channels.len() {
            let larger = x.upsample(&[2, 2])?;
            x = convolution(&scope.child("upsamplers.0.conv"), &larger, channels, 3, 1, [1, 1])?;
        }
    }
    let x = activated(&scope.child("conv_norm_out"), config, &x)?;
    convolution(&scope.child("conv_out"), &x, config.out_channels, 3, 1, [1, 1])
}

/// The decoder as a Program of its own: `latents` to `image`, for `batch` latents of `height` by `width` latent pixels.
///
/// # Errors
/// A config that makes no model, or sizes beyond what a Program may name.
pub fn decoder_program(
    config: &Config,
    names: AttentionNames,
    [batch, height, width]: [usize; 3],
    dtype: DType,
) -> crate::Result<Program> {
    config.validate()?;
    FIELDS.size("the latent's height", height, MAX_WIDTH)?;
    FIELDS.size("the latent's width", width, MAX_WIDTH)?;
    Ok(Program::trace("vae_decoder", |scope| {
        let scope = &scope.with_dtype(dtype);
        let shape = [batch, config.latent_channels, height, width];
        let latents = scope.input("latents", TensorType::new(dtype, shape))?;
        scope.output("image", &decoder(scope, config, names, &latents)?)
    })?)
}

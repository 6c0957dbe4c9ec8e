//! From pictures to latents.

use super::config::FIELDS;
use super::mid::mid_block;
use super::resnet::{activated, resnet};
use super::{AttentionNames, Config};
use crate::fields::MAX_WIDTH;
use crate::layers::{clamp, convolution};
use tintype_program::{DType, Program, Result, Scope, TensorType, Unary, Value};

/// The distribution of a picture's latent, `[b, latent_channels, h, w]` each. A sample is `mean + std * noise`.
pub struct Posterior {
    /// The mean, and the most likely latent.
    pub mean: Value,
    /// The standard deviation, from a logarithm of the variance that is kept within `-30..=20`.
    pub std: Value,
}

/// Traces the encoder: a picture `[b, in_channels, f h, f w]` with values in `-1..=1`, where `f` is
/// [`Config::spatial_factor`], to its posterior, unscaled. The scope is the checkpoint's root.
///
/// # Errors
/// A picture whose shape or dtype does not fit.
pub fn encoder(root: &Scope, config: &Config, names: AttentionNames, picture: &Value) -> Result<Posterior> {
    let scope = root.child("encoder");
    let outermost = config.block_out_channels.first().copied().unwrap_or(0);
    let mut x = convolution(&scope.child("conv_in"), picture, outermost, 3, 1, [1, 1])?;

    for (level, &channels) in config.block_out_channels.iter().enumerate() {
        let scope = scope.child("down_blocks").child(level);
        for i in 0..config.layers_per_block {
            x = resnet(&scope.child("resnets").child(i), config, &x, channels)?;
        }
        if level + 1 < config.block_out_channels.len() {
            // Padded below and to the right only, so that each output sees 3 by 3 pixels from its own corner on.
            x = convolution(&scope.child("downsamplers.0.conv"), &x, channels, 3, 2, [0, 1])?;
        }
    }
    x = mid_block(&scope.child("mid_block"), config, names, &x)?;
    x = activated(&scope.child("conv_norm_out"), config, &x)?;
    let moments = config.latent_channels.saturating_mul(2);
    x = convolution(&scope.child("conv_out"), &x, moments, 3, 1, [1, 1])?;
    if config.use_quant_conv {
        x = convolution(&root.child("quant_conv"), &x, moments, 1, 1, [0, 0])?;
    }
    let mean = x.slice(1, 0, config.latent_channels)?;
    let logvar = clamp(&x.slice(1, config.latent_channels, moments)?, -30.0, 20.0)?;
    let std = (&logvar * 0.5)?.unary(Unary::Exp)?;
    Ok(Posterior { mean, std })
}

/// The encoder as a Program of its own: `image` to `mean` and `std`, for `batch` pictures of `height` by `width`
/// pixels.
///
/// # Errors
/// A config that makes no model, or sizes beyond what a Program may name.
pub fn encoder_program(
    config: &Config,
    names: AttentionNames,
    [batch, height, width]: [usize; 3],
    dtype: DType,
) -> crate::Result<Program> {
    config.validate()?;
    FIELDS.size("the picture's height", height, MAX_WIDTH)?;
    FIELDS.size("the picture's width", width, MAX_WIDTH)?;
    Ok(Program::trace("vae_encoder", |scope| {
        let scope = &scope.with_dtype(dtype);
        let shape = [batch, config.in_channels, height, width];
        let picture = scope.input("image", TensorType::new(dtype, shape))?;
        let posterior = encoder(scope, config, names, &picture)?;
        scope.output("mean", &posterior.mean)?;
        scope.output("std", &posterior.std)
    })?)
}

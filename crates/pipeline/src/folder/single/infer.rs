//! Configs from the shapes of tensors.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::error::{Error, Result};
use crate::files::Checkpoint;
use std::path::Path;
use tintype_models::{flux, vae};

/// The published Flux.1's split of a head over the axes of a position, which no shape tells.
const AXES: [usize; 3] = [16, 56, 56];
/// What the published autoencoder's latents are multiplied by, after the shift is taken off.
const SCALING: f64 = 0.3611;
/// The published autoencoder's shift.
const SHIFT: f64 = 0.1159;
/// The published autoencoder's groups of every norm.
const GROUPS: usize = 32;

/// The transformer's config. `beside` is the config that lies in the model's folder.
pub(super) fn transformer(
    file: &Path,
    weights: &Checkpoint,
    beside: Option<flux::Config>,
) -> Result<flux::Config> {
    let extent = |name: &str, axis| extent(weights, name, axis);
    let num_layers = count(weights, "transformer_blocks.");
    let num_single_layers = count(weights, "single_transformer_blocks.");
    let first = if num_layers > 0 { "transformer_blocks.0" } else { "single_transformer_blocks.0" };
    let attention_head_dim = extent(&format!("{first}.attn.norm_q.weight"), 0)?;
    let width = extent("x_embedder.weight", 0)?;
    let axes_dims_rope = match beside {
        Some(config) if config.attention_head_dim == attention_head_dim => config.axes_dims_rope,
        _ if AXES.iter().sum::<usize>() == attention_head_dim => AXES.to_vec(),
        _ => {
            let reason = format!(
                "its heads have {attention_head_dim} elements, and how they are split over the axes of a position is \
                 in no file: put the model's transformer/config.json into the folder; what else the file holds \
                 is as it should be"
            );
            return Err(super::bad(file, reason));
        }
    };
    let config = flux::Config {
        patch_size: 1,
        in_channels: extent("x_embedder.weight", 1)?,
        out_channels: Some(extent("proj_out.weight", 0)?),
        num_layers,
        num_single_layers,
        attention_head_dim,
        num_attention_heads: width.checked_div(attention_head_dim).unwrap_or(0),
        joint_attention_dim: extent("context_embedder.weight", 1)?,
        pooled_projection_dim: extent("time_text_embed.text_embedder.linear_1.weight", 1)?,
        guidance_embeds: weights.get("time_text_embed.guidance_embedder.linear_1.weight").is_some(),
        axes_dims_rope,
    };
    config.validate().map_err(|source| Error::Model { path: file.to_path_buf(), source })?;
    Ok(config)
}

/// The VAE's config. `beside` is the config that lies in the model's folder.
pub(super) fn vae(file: &Path, weights: &Checkpoint, beside: Option<vae::Config>) -> Result<vae::Config> {
    let extent = |name: &str, axis| extent(weights, name, axis);
    let levels = count(weights, "encoder.down_blocks.");
    let channels = |level: usize| extent(&format!("encoder.down_blocks.{level}.resnets.0.conv1.weight"), 0);
    let block_out_channels = (0..levels).map(channels).collect::<Result<Vec<_>>>()?;
    let (norm_num_groups, scaling_factor, shift_factor) = match beside {
        Some(config) => (config.norm_num_groups, config.scaling_factor, config.shift_factor),
        None => (GROUPS, SCALING, Some(SHIFT)),
    };
    let config = vae::Config {
        in_channels: extent("encoder.conv_in.weight", 1)?,
        out_channels: extent("decoder.conv_out.weight", 0)?,
        down_block_types: vec!["DownEncoderBlock2D".into(); levels],
        up_block_types: vec!["UpDecoderBlock2D".into(); levels],
        block_out_channels,
        layers_per_block: count(weights, "encoder.down_blocks.0.resnets."),
        act_fn: "silu".into(),
        latent_channels: extent("decoder.conv_in.weight", 1)?,
        norm_num_groups,
        scaling_factor,
        shift_factor,
        use_quant_conv: weights.get("quant_conv.weight").is_some(),
        use_post_quant_conv: weights.get("post_quant_conv.weight").is_some(),
        mid_block_add_attention: weights.get("decoder.mid_block.attentions.0.group_norm.weight").is_some(),
    };
    config.validate().map_err(|source| Error::Model { path: file.to_path_buf(), source })?;
    Ok(config)
}

fn extent(weights: &Checkpoint, name: &str, axis: usize) -> Result<usize> {
    let tensor = weights.require(name)?;
    tensor.shape.get(axis).copied().ok_or_else(|| {
        super::bad(weights.place(), format!("tensor `{name}` has shape {:?}, too few axes", tensor.shape))
    })
}

/// One more than the highest number that follows `start` in a name; 0 where there is none. Gaps are found when weights
/// are bound.
fn count(weights: &Checkpoint, start: &str) -> usize {
    let index = |name: &str| name.strip_prefix(start)?.split('.').next()?.parse::<usize>().ok();
    weights.names().filter_map(index).max().map_or(0, |last| last.saturating_add(1))
}

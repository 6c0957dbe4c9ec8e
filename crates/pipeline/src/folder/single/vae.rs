//! The VAE's tensors from the names of `ae.safetensors` to those of diffusers' `AutoencoderKL`.
//!
//! The names are those of latent-diffusion's autoencoder; diffusers' `convert_ldm_vae_checkpoint` has the same map.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{bad, renamed};
use crate::error::{Result, brief};
use crate::files::{Checkpoint, Part, View};

/// What whole checkpoints write before the autoencoder's names.
const PREFIXES: [&str; 2] = ["first_stage_model.", "vae."];

/// Gives every tensor its name in diffusers; other components of a whole checkpoint are left out. A name that is known
/// in neither layout stays, so that it is reported where weights are bound.
pub(super) fn rename(checkpoint: Checkpoint) -> Result<Checkpoint> {
    let prefix = PREFIXES.into_iter().find(|prefix| checkpoint.names().any(|name| name.starts_with(prefix)));
    let within = |name: &str| match prefix {
        Some(prefix) => name.strip_prefix(prefix).map(str::to_owned),
        None => Some(name.to_owned()),
    };
    let names: Vec<String> = checkpoint.names().filter_map(within).collect();
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    if has("encoder.down_blocks.") || has("decoder.up_blocks.") {
        return checkpoint.rearranged(|name, _| Ok(within(name).map(renamed).unwrap_or_default()));
    }
    if !has("encoder.down.") && !has("decoder.up.") {
        let first: Vec<&str> = checkpoint.names().take(3).collect();
        let reason = format!(
            "it is no autoencoder: expected names such as `decoder.up.0.block.0.conv1.weight`, found {}",
            brief(&first.join(", "))
        );
        return Err(bad(checkpoint.place(), reason));
    }
    let level = |name: &String| name.strip_prefix("decoder.up.")?.split('.').next()?.parse::<usize>().ok();
    let last = names.iter().filter_map(level).max().unwrap_or(0);
    checkpoint.rearranged(|name, _| Ok(within(name).map(|name| view(&name, last)).unwrap_or_default()))
}

/// `last` is the decoder's innermost level, which diffusers counts from.
fn view(name: &str, last: usize) -> Vec<View> {
    match translated(name, last) {
        Some((name, part)) => vec![View { name, part }],
        None => renamed(name),
    }
}

fn translated(name: &str, last: usize) -> Option<(String, Part)> {
    let (half, rest) = name.split_once('.')?;
    if half != "encoder" && half != "decoder" {
        return None;
    }
    let parts: Vec<&str> = rest.split('.').collect();
    let mut part = Part::Whole;
    let new = match parts.as_slice() {
        ["norm_out", kind] => format!("conv_norm_out.{kind}"),
        ["mid", "block_1", layer @ ..] => format!("mid_block.resnets.0.{}", resnet(layer)),
        ["mid", "block_2", layer @ ..] => format!("mid_block.resnets.1.{}", resnet(layer)),
        ["mid", "attn_1", layer, kind] => {
            let layer = match *layer {
                "norm" => "group_norm",
                "q" => "to_q",
                "k" => "to_k",
                "v" => "to_v",
                "proj_out" => "to_out.0",
                _ => return None,
            };
            if layer != "group_norm" && *kind == "weight" {
                part = Part::Matrix;
            }
            format!("mid_block.attentions.0.{layer}.{kind}")
        }
        ["down", level, "block", block, layer @ ..] => {
            format!("down_blocks.{level}.resnets.{block}.{}", resnet(layer))
        }
        ["down", level, "downsample", layer @ ..] => {
            format!("down_blocks.{level}.downsamplers.0.{}", layer.join("."))
        }
        ["up", level, "block", block, layer @ ..] => {
            format!("up_blocks.{}.resnets.{block}.{}", from_innermost(level, last)?, resnet(layer))
        }
        ["up", level, "upsample", layer @ ..] => {
            format!("up_blocks.{}.upsamplers.0.{}", from_innermost(level, last)?, layer.join("."))
        }
        _ => return None,
    };
    Some((format!("{half}.{new}"), part))
}

fn resnet(layer: &[&str]) -> String {
    layer.join(".").replace("nin_shortcut", "conv_shortcut")
}

fn from_innermost(level: &str, last: usize) -> Option<usize> {
    last.checked_sub(level.parse().ok()?)
}

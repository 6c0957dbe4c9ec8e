//! The transformer's tensors from the names of `flux1-dev.safetensors` to those of diffusers.
//!
//! The names are those of Black Forest Labs' own code and of diffusers' `convert_flux_transformer_checkpoint_to_diffusers`.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{BESIDE_TRANSFORMER, bad, renamed};
use crate::error::{Result, brief};
use crate::files::{Checkpoint, Part, View};
use std::ops::Range;

/// What ComfyUI writes before every name.
const PREFIX: &str = "model.diffusion_model.";

/// Layers outside the blocks.
const OUTSIDE: [(&str, &str); 9] = [
    ("img_in", "x_embedder"),
    ("txt_in", "context_embedder"),
    ("time_in.in_layer", "time_text_embed.timestep_embedder.linear_1"),
    ("time_in.out_layer", "time_text_embed.timestep_embedder.linear_2"),
    ("vector_in.in_layer", "time_text_embed.text_embedder.linear_1"),
    ("vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
    ("guidance_in.in_layer", "time_text_embed.guidance_embedder.linear_1"),
    ("guidance_in.out_layer", "time_text_embed.guidance_embedder.linear_2"),
    ("final_layer.linear", "proj_out"),
];

/// The last modulation: shift before scale there, scale before shift in diffusers.
const LAST_MODULATION: (&str, &str) = ("final_layer.adaLN_modulation.1", "norm_out.linear");

/// Layers of a double block.
const DOUBLE: [(&str, &str); 8] = [
    ("img_mod.lin", "norm1.linear"),
    ("txt_mod.lin", "norm1_context.linear"),
    ("img_attn.proj", "attn.to_out.0"),
    ("txt_attn.proj", "attn.to_add_out"),
    ("img_mlp.0", "ff.net.0.proj"),
    ("img_mlp.2", "ff.net.2"),
    ("txt_mlp.0", "ff_context.net.0.proj"),
    ("txt_mlp.2", "ff_context.net.2"),
];

/// Its norms, whose weight is called `scale`.
const DOUBLE_NORMS: [(&str, &str); 4] = [
    ("img_attn.norm.query_norm", "attn.norm_q"),
    ("img_attn.norm.key_norm", "attn.norm_k"),
    ("txt_attn.norm.query_norm", "attn.norm_added_q"),
    ("txt_attn.norm.key_norm", "attn.norm_added_k"),
];

/// Its projections, three in one.
const DOUBLE_FUSED: [(&str, [&str; 3]); 2] = [
    ("img_attn.qkv", ["attn.to_q", "attn.to_k", "attn.to_v"]),
    ("txt_attn.qkv", ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"]),
];

/// Layers of a single block.
const SINGLE: [(&str, &str); 2] = [("modulation.lin", "norm.linear"), ("linear2", "proj_out")];

/// Its norms.
const SINGLE_NORMS: [(&str, &str); 2] =
    [("norm.query_norm", "attn.norm_q"), ("norm.key_norm", "attn.norm_k")];

/// Its projections, three as wide as the model, then the feed-forward network's.
const SINGLE_FUSED: (&str, [&str; 4]) = ("linear1", ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"]);

/// Gives every tensor its name in diffusers. A name that is known in neither layout stays, so that it is reported where
/// weights are bound.
pub(super) fn rename(checkpoint: Checkpoint) -> Result<Checkpoint> {
    let prefix = if checkpoint.names().any(|name| name.starts_with(PREFIX)) { PREFIX } else { "" };
    let has = |start: &str| checkpoint.names().any(|name| within(name, prefix).starts_with(start));
    let place = checkpoint.place().to_path_buf();
    if !has("double_blocks.") && !has("single_blocks.") {
        if has("transformer_blocks.") || has("single_transformer_blocks.") {
            return checkpoint.rearranged(|name, _| Ok(keep(name, prefix)));
        }
        let first: Vec<&str> = checkpoint.names().take(3).collect();
        let reason = format!(
            "it is no Flux transformer: expected names such as `double_blocks.0.img_attn.qkv.weight`, found {}",
            brief(&first.join(", "))
        );
        return Err(bad(&place, reason));
    }
    let width = checkpoint.require(&format!("{prefix}img_in.weight"))?.shape.first().copied().unwrap_or(0);
    checkpoint.rearranged(|name, shape| {
        let rows = shape.first().copied().unwrap_or(0);
        let short = within(name, prefix);
        if short == name && !prefix.is_empty() {
            return Ok(keep(name, prefix));
        }
        views(short, rows, width).map_err(|reason| bad(&place, format!("tensor `{}` {reason}", brief(name))))
    })
}

fn within<'n>(name: &'n str, prefix: &str) -> &'n str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// The name without its prefix; nothing for another component's.
fn keep(name: &str, prefix: &str) -> Vec<View> {
    if !prefix.is_empty() && BESIDE_TRANSFORMER.iter().any(|other| name.starts_with(other)) {
        return vec![];
    }
    renamed(within(name, prefix))
}

fn views(name: &str, rows: usize, width: usize) -> Result<Vec<View>, String> {
    let unknown = || Ok(renamed(name));
    let Some((layer, kind)) = name.rsplit_once('.') else { return unknown() };
    if let Some(new) = find(&OUTSIDE, layer) {
        return Ok(renamed(format!("{new}.{kind}")));
    }
    if layer == LAST_MODULATION.0 {
        return Ok(vec![View { name: format!("{}.{kind}", LAST_MODULATION.1), part: Part::HalvesSwapped }]);
    }
    let mut parts = layer.splitn(3, '.');
    let (Some(blocks), Some(index), Some(layer)) = (parts.next(), parts.next(), parts.next()) else {
        return unknown();
    };
    let (block, plain, norms): (_, &[_], &[_]) = match blocks {
        "double_blocks" => (format!("transformer_blocks.{index}"), &DOUBLE, &DOUBLE_NORMS),
        "single_blocks" => (format!("single_transformer_blocks.{index}"), &SINGLE, &SINGLE_NORMS),
        _ => return unknown(),
    };
    if let Some(new) = find(plain, layer) {
        return Ok(renamed(format!("{block}.{new}.{kind}")));
    }
    if let (Some(new), "scale") = (find(norms, layer), kind) {
        return Ok(renamed(format!("{block}.{new}.weight")));
    }
    let of = |new: &str, rows: Range<usize>| View {
        name: format!("{block}.{new}.{kind}"),
        part: Part::Rows(rows),
    };
    let fused = DOUBLE_FUSED.iter().find(|(old, _)| blocks == "double_blocks" && *old == layer);
    if let Some((_, names)) = fused {
        if width == 0 || rows.checked_div(3) != Some(width) || !rows.is_multiple_of(3) {
            return Err(format!("has {rows} rows; 3 times the model's width, {width}, are expected"));
        }
        return Ok(names.iter().zip(thirds(width)).map(|(new, rows)| of(new, rows)).collect());
    }
    if blocks == "single_blocks" && layer == SINGLE_FUSED.0 {
        let attention = width.saturating_mul(3);
        if rows <= attention {
            return Err(format!(
                "has {rows} rows; more than 3 times the model's width, {width}, are expected"
            ));
        }
        let ranges = thirds(width).into_iter().chain(std::iter::once(attention..rows));
        return Ok(SINGLE_FUSED.1.iter().zip(ranges).map(|(new, rows)| of(new, rows)).collect());
    }
    unknown()
}

/// The rows of query, key and value.
fn thirds(width: usize) -> [Range<usize>; 3] {
    let end = |n: usize| width.saturating_mul(n);
    [0..width, width..end(2), end(2)..end(3)]
}

fn find<'t>(table: &[(&str, &'t str)], layer: &str) -> Option<&'t str> {
    table.iter().find(|(old, _)| *old == layer).map(|(_, new)| *new)
}

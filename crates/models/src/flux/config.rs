//! What a Flux checkpoint's `config.json` says.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::modulation::{DOUBLE, LAST, SINGLE};
use crate::fields::{Fields, MAX_LAYERS, MAX_WIDTH};
use crate::{Error, Result};
use serde::Deserialize;

const FIELDS: Fields = Fields("transformer");

/// The config of `FluxTransformer2DModel`. Fields and defaults are diffusers' 0.36; fields not listed are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The model gives `patch_size^2 * out_channels` elements a token. 1 for every published model, since the
    /// pipeline packs patches into channels.
    pub patch_size: usize,
    /// Elements of a picture token: 4 times the latent's channels.
    pub in_channels: usize,
    /// Elements of a token that the model gives; `in_channels` where absent.
    pub out_channels: Option<usize>,
    /// Double blocks.
    pub num_layers: usize,
    /// Single blocks.
    pub num_single_layers: usize,
    /// Elements of one head.
    pub attention_head_dim: usize,
    /// Heads. The model's width is heads times elements.
    pub num_attention_heads: usize,
    /// Elements of a text token (T5's width).
    pub joint_attention_dim: usize,
    /// Elements of the pooled text embedding (CLIP's width).
    pub pooled_projection_dim: usize,
    /// Whether the model is told the guidance it was distilled for (Flux-dev) or not (Flux-schnell).
    pub guidance_embeds: bool,
    /// Elements of a head that are turned by each axis of a token's position. Even, and a head's width in all.
    pub axes_dims_rope: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            patch_size: 1,
            in_channels: 64,
            out_channels: None,
            num_layers: 19,
            num_single_layers: 38,
            attention_head_dim: 128,
            num_attention_heads: 24,
            joint_attention_dim: 4096,
            pooled_projection_dim: 768,
            guidance_embeds: false,
            axes_dims_rope: vec![16, 56, 56],
        }
    }
}

impl Config {
    /// Reads and validates a `config.json`.
    pub fn from_json(json: &str) -> Result<Self> {
        let config: Self = FIELDS.parse(json)?;
        config.validate()?;
        Ok(config)
    }

    /// The model's width: heads times elements of a head.
    pub fn width(&self) -> usize {
        self.num_attention_heads.saturating_mul(self.attention_head_dim)
    }

    /// Elements of all modulations side by side: the shifts, scales and gates of every block and of the last norm.
    pub fn modulation_width(&self) -> usize {
        let double = self.num_layers.saturating_mul(2).saturating_mul(DOUBLE);
        let single = self.num_single_layers.saturating_mul(SINGLE);
        double.saturating_add(single).saturating_add(LAST).saturating_mul(self.width())
    }

    /// Elements of a token that the model gives.
    pub fn output_width(&self) -> usize {
        // diffusers writes `out_channels or in_channels`: 0 stands for absent too.
        let channels = self.out_channels.filter(|&c| c > 0).unwrap_or(self.in_channels);
        self.patch_size.saturating_mul(self.patch_size).saturating_mul(channels)
    }

    /// Refuses a config that makes no model, with [`Error::Config`].
    pub fn validate(&self) -> Result<()> {
        FIELDS.count("patch_size", self.patch_size, 64)?;
        FIELDS.count("in_channels", self.in_channels, MAX_WIDTH)?;
        FIELDS.at_most("out_channels", self.out_channels.unwrap_or(0), MAX_WIDTH)?;
        FIELDS.at_most("num_layers", self.num_layers, MAX_LAYERS)?;
        FIELDS.at_most("num_single_layers", self.num_single_layers, MAX_LAYERS)?;
        if self.num_layers == 0 && self.num_single_layers == 0 {
            return Err(FIELDS.refuse(
                "num_layers",
                0,
                "with num_single_layers 0 nothing attends: give at least one",
            ));
        }
        FIELDS.count("attention_head_dim", self.attention_head_dim, MAX_WIDTH)?;
        FIELDS.count("num_attention_heads", self.num_attention_heads, MAX_WIDTH)?;
        FIELDS.count("joint_attention_dim", self.joint_attention_dim, MAX_WIDTH)?;
        FIELDS.count("pooled_projection_dim", self.pooled_projection_dim, MAX_WIDTH)?;
        if self.width() > MAX_WIDTH {
            let remedy = format!("times attention_head_dim it must be at most {MAX_WIDTH}");
            return Err(FIELDS.refuse("num_attention_heads", self.num_attention_heads, remedy));
        }
        self.validate_axes()
    }

    fn validate_axes(&self) -> Result<()> {
        let axes = &self.axes_dims_rope;
        let refuse = |remedy: String| -> Result<()> {
            Err::<(), Error>(FIELDS.refuse("axes_dims_rope", format!("{axes:?}"), remedy))
        };
        if axes.len() != 3 {
            return refuse("a token's position has 3 axes: give 3 numbers".into());
        }
        if axes.iter().any(|&d| d % 2 != 0) {
            return refuse("elements are turned in pairs: give even numbers".into());
        }
        let sum = axes.iter().fold(0usize, |sum, &d| sum.saturating_add(d));
        if sum != self.attention_head_dim {
            return refuse(format!("its sum must be attention_head_dim, {}", self.attention_head_dim));
        }
        Ok(())
    }
}

//! What an autoencoder's `config.json` says.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::Result;
use crate::fields::{Fields, MAX_LAYERS, MAX_WIDTH};
use serde::Deserialize;

pub(super) const FIELDS: Fields = Fields("vae");

/// More levels than any published autoencoder has. Each doubles the picture's size against the latent's.
const MAX_LEVELS: usize = 12;

/// The config of `AutoencoderKL`. Fields and defaults are diffusers' 0.36; fields not listed are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Channels of a picture that is encoded.
    pub in_channels: usize,
    /// Channels of a picture that is decoded.
    pub out_channels: usize,
    /// The kind of each level of the encoder: `DownEncoderBlock2D`.
    pub down_block_types: Vec<String>,
    /// The kind of each level of the decoder: `UpDecoderBlock2D`.
    pub up_block_types: Vec<String>,
    /// Channels of each level, from the picture's side.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of each level of the encoder; the decoder's have one more.
    pub layers_per_block: usize,
    /// The activation: `silu`.
    pub act_fn: String,
    /// Channels of a latent.
    pub latent_channels: usize,
    /// Groups of every group norm; they divide the channels of each level.
    pub norm_num_groups: usize,
    /// What a sample is multiplied by to make a latent of unit variance.
    pub scaling_factor: f64,
    /// What is taken from a sample first; nothing where absent.
    pub shift_factor: Option<f64>,
    /// Whether a 1 by 1 convolution follows the encoder.
    pub use_quant_conv: bool,
    /// Whether a 1 by 1 convolution precedes the decoder.
    pub use_post_quant_conv: bool,
    /// Whether the innermost level attends.
    pub mid_block_add_attention: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            down_block_types: vec!["DownEncoderBlock2D".into()],
            up_block_types: vec!["UpDecoderBlock2D".into()],
            block_out_channels: vec![64],
            layers_per_block: 1,
            act_fn: "silu".into(),
            latent_channels: 4,
            norm_num_groups: 32,
            scaling_factor: 0.18215,
            shift_factor: None,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
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

    /// Pixels of a picture for each pixel of a latent, each way: 2 to the number of levels less one.
    pub fn spatial_factor(&self) -> usize {
        1 << self.block_out_channels.len().saturating_sub(1).min(MAX_LEVELS)
    }

    /// The shift, 0 where absent.
    pub fn shift(&self) -> f64 {
        self.shift_factor.unwrap_or(0.0)
    }

    /// Refuses a config that makes no model, with [`crate::Error::Config`].
    pub fn validate(&self) -> Result<()> {
        FIELDS.count("in_channels", self.in_channels, MAX_WIDTH)?;
        FIELDS.count("out_channels", self.out_channels, MAX_WIDTH)?;
        FIELDS.count("latent_channels", self.latent_channels, MAX_WIDTH)?;
        FIELDS.count("layers_per_block", self.layers_per_block, MAX_LAYERS)?;
        FIELDS.count("norm_num_groups", self.norm_num_groups, MAX_WIDTH)?;
        let levels = self.block_out_channels.len();
        if !(1..=MAX_LEVELS).contains(&levels) {
            let remedy = format!("it must list 1 to {MAX_LEVELS} levels");
            return Err(FIELDS.refuse(
                "block_out_channels",
                format!("{:?}", self.block_out_channels),
                remedy,
            ));
        }
        for &channels in &self.block_out_channels {
            FIELDS.count("block_out_channels", channels, MAX_WIDTH)?;
            if !channels.is_multiple_of(self.norm_num_groups) {
                let remedy = format!("it must divide the {channels} channels of a level");
                return Err(FIELDS.refuse("norm_num_groups", self.norm_num_groups, remedy));
            }
        }
        kinds("down_block_types", &self.down_block_types, "DownEncoderBlock2D", levels)?;
        kinds("up_block_types", &self.up_block_types, "UpDecoderBlock2D", levels)?;
        if !matches!(self.act_fn.as_str(), "silu" | "swish") {
            return Err(FIELDS.refuse("act_fn", format!("{:?}", self.act_fn), "supported is silu"));
        }
        if !self.scaling_factor.is_finite() || self.scaling_factor == 0.0 {
            let remedy = "latents are divided by it: it must be finite and not 0";
            return Err(FIELDS.refuse("scaling_factor", self.scaling_factor, remedy));
        }
        if !self.shift().is_finite() {
            return Err(FIELDS.refuse("shift_factor", self.shift(), "it must be finite"));
        }
        Ok(())
    }
}

fn kinds(field: &'static str, given: &[String], supported: &str, levels: usize) -> Result<()> {
    if let Some(other) = given.iter().find(|kind| *kind != supported) {
        return Err(FIELDS.refuse(field, format!("{other:?}"), format!("supported is {supported}")));
    }
    if given.len() != levels {
        let remedy = format!("block_out_channels lists {levels} levels; both must list as many");
        return Err(FIELDS.refuse(field, format!("a list of {}", given.len()), remedy));
    }
    Ok(())
}

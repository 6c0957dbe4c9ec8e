//! What a CLIP text encoder's `config.json` says.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::Result;
use crate::fields::{Fields, MAX_LAYERS, MAX_POSITIONS, MAX_ROWS, MAX_WIDTH};
use serde::Deserialize;
use tintype_program::GeluForm;

pub(super) const FIELDS: Fields = Fields("text_encoder (CLIP)");

/// The config of `CLIPTextModel`. Fields and defaults are transformers' 4.57; fields not listed are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// The model's width.
    pub hidden_size: usize,
    /// The feed-forward network's width.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads; they divide the width.
    pub num_attention_heads: usize,
    /// Rows of the position table: the longest text.
    pub max_position_embeddings: usize,
    /// The feed-forward network's activation: `quick_gelu` or `gelu`.
    pub hidden_act: String,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// The token at which the pooled output is taken. 2 stands for the largest token of each text, since configs
    /// before transformers 4.31 all said 2, whatever the tokenizer.
    pub eos_token_id: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: "quick_gelu".into(),
            layer_norm_eps: 1e-5,
            eos_token_id: 49_407,
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

    /// Refuses a config that makes no model, with [`crate::Error::Config`].
    pub fn validate(&self) -> Result<()> {
        FIELDS.count("vocab_size", self.vocab_size, MAX_ROWS)?;
        FIELDS.count("hidden_size", self.hidden_size, MAX_WIDTH)?;
        FIELDS.count("intermediate_size", self.intermediate_size, MAX_WIDTH)?;
        FIELDS.at_most("num_hidden_layers", self.num_hidden_layers, MAX_LAYERS)?;
        FIELDS.count("num_attention_heads", self.num_attention_heads, MAX_WIDTH)?;
        FIELDS.count("max_position_embeddings", self.max_position_embeddings, MAX_POSITIONS)?;
        FIELDS.eps("layer_norm_eps", self.layer_norm_eps)?;
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let remedy = format!("it must divide hidden_size, {}", self.hidden_size);
            return Err(FIELDS.refuse("num_attention_heads", self.num_attention_heads, remedy));
        }
        self.activation().map(|_| ())
    }

    pub(super) fn activation(&self) -> Result<GeluForm> {
        match self.hidden_act.as_str() {
            "quick_gelu" => Ok(GeluForm::Quick),
            "gelu" => Ok(GeluForm::Erf),
            other => {
                Err(FIELDS.refuse("hidden_act", format!("{other:?}"), "supported are quick_gelu and gelu"))
            }
        }
    }
}

//! What a T5 encoder's `config.json` says.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::Result;
use crate::fields::{Fields, MAX_LAYERS, MAX_ROWS, MAX_WIDTH};
use serde::Deserialize;
use tintype_program::{GeluForm, Unary, Value};

pub(super) const FIELDS: Fields = Fields("text_encoder (T5)");

/// The config of `T5EncoderModel`. Fields and defaults are transformers' 4.57; fields not listed are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// The model's width.
    pub d_model: usize,
    /// Elements of one head. Heads times elements need not be the model's width.
    pub d_kv: usize,
    /// The feed-forward network's width.
    pub d_ff: usize,
    /// Layers.
    pub num_layers: usize,
    /// Heads.
    pub num_heads: usize,
    /// Rows of the table of position biases.
    pub relative_attention_num_buckets: usize,
    /// The distance from which all positions share a bias.
    pub relative_attention_max_distance: usize,
    /// Added to the mean square in norms.
    pub layer_norm_epsilon: f64,
    /// The feed-forward network: an activation, or `gated-` and an activation.
    pub feed_forward_proj: String,
    /// The activation, where the config spells it out; it counts before `feed_forward_proj`.
    pub dense_act_fn: Option<String>,
    /// Whether the network is gated, where the config spells it out; it counts before `feed_forward_proj`.
    pub is_gated_act: Option<bool>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vocab_size: 32_128,
            d_model: 512,
            d_kv: 64,
            d_ff: 2048,
            num_layers: 6,
            num_heads: 8,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            layer_norm_epsilon: 1e-6,
            feed_forward_proj: "relu".into(),
            dense_act_fn: None,
            is_gated_act: None,
        }
    }
}

/// The activations that published T5 encoders have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Relu,
    Silu,
    Gelu(GeluForm),
}

impl Activation {
    pub(super) fn apply(self, x: &Value) -> tintype_program::Result<Value> {
        match self {
            Activation::Relu => x.unary(Unary::Relu),
            Activation::Silu => x.silu(),
            Activation::Gelu(form) => x.gelu(form),
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

    /// Elements of all heads together.
    pub(super) fn inner_width(&self) -> usize {
        self.num_heads.saturating_mul(self.d_kv)
    }

    /// Refuses a config that makes no model, with [`crate::Error::Config`].
    pub fn validate(&self) -> Result<()> {
        FIELDS.count("vocab_size", self.vocab_size, MAX_ROWS)?;
        FIELDS.count("d_model", self.d_model, MAX_WIDTH)?;
        FIELDS.count("d_kv", self.d_kv, MAX_WIDTH)?;
        FIELDS.count("d_ff", self.d_ff, MAX_WIDTH)?;
        FIELDS.count("num_layers", self.num_layers, MAX_LAYERS)?;
        FIELDS.count("num_heads", self.num_heads, MAX_WIDTH)?;
        FIELDS.eps("layer_norm_epsilon", self.layer_norm_epsilon)?;
        if self.inner_width() > MAX_WIDTH {
            let remedy = format!("times d_kv it must be at most {MAX_WIDTH}");
            return Err(FIELDS.refuse("num_heads", self.num_heads, remedy));
        }
        // Half the buckets are for each direction, and half of those for exact distances: at least one of each.
        let buckets = self.relative_attention_num_buckets;
        if !(4..=MAX_WIDTH).contains(&buckets) {
            let remedy = format!("it must be from 4 to {MAX_WIDTH}");
            return Err(FIELDS.refuse("relative_attention_num_buckets", buckets, remedy));
        }
        let distance = self.relative_attention_max_distance;
        if distance <= buckets / 4 || distance > MAX_ROWS {
            let remedy = format!("it must be above a quarter of the buckets, {}", buckets / 4);
            return Err(FIELDS.refuse("relative_attention_max_distance", distance, remedy));
        }
        self.feed_forward().map(|_| ())
    }

    /// The activation, and whether the network is gated.
    pub(super) fn feed_forward(&self) -> Result<(Activation, bool)> {
        const SUPPORTED: &str =
            "supported are relu, silu, gelu, gelu_new and quick_gelu, alone or after `gated-`";
        let stated = self.feed_forward_proj.as_str();
        let (gated, name) = stated.strip_prefix("gated-").map_or((false, stated), |name| (true, name));
        // In `gated-gelu`, and only there, transformers has gelu mean its approximation by a hyperbolic tangent.
        let implied = if stated == "gated-gelu" { "gelu_new" } else { name };
        let spelled = self.dense_act_fn.as_deref();
        let activation = match spelled.unwrap_or(implied) {
            "relu" => Activation::Relu,
            "silu" | "swish" => Activation::Silu,
            "gelu" => Activation::Gelu(GeluForm::Erf),
            "gelu_new" | "gelu_pytorch_tanh" => Activation::Gelu(GeluForm::Tanh),
            "quick_gelu" => Activation::Gelu(GeluForm::Quick),
            other if spelled.is_some() => {
                return Err(FIELDS.refuse("dense_act_fn", format!("{other:?}"), SUPPORTED));
            }
            _ => return Err(FIELDS.refuse("feed_forward_proj", format!("{stated:?}"), SUPPORTED)),
        };
        Ok((activation, self.is_gated_act.unwrap_or(gated)))
    }
}

//! Attention over the joint sequence, with normed and rotated queries and keys (`FluxAttnProcessor` of diffusers).

use super::Config;
use super::modulation::EPS;
use crate::layers::{linear, merge_heads, split_heads, swap_heads};
use tintype_program::{Pairing, Result, Scope, Value};

/// Query, key and value, `[b, s, heads, d]` each.
pub(super) struct Projected {
    pub(super) query: Value,
    pub(super) key: Value,
    pub(super) value: Value,
}

/// The names of the layers that project one of the two sequences.
pub(super) struct Names {
    query: &'static str,
    key: &'static str,
    value: &'static str,
    norm_query: &'static str,
    norm_key: &'static str,
}

/// The picture's, and in single blocks everybody's.
pub(super) const OWN: Names =
    Names { query: "to_q", key: "to_k", value: "to_v", norm_query: "norm_q", norm_key: "norm_k" };

/// The text's in double blocks.
pub(super) const ADDED: Names = Names {
    query: "add_q_proj",
    key: "add_k_proj",
    value: "add_v_proj",
    norm_query: "norm_added_q",
    norm_key: "norm_added_k",
};

/// Projects `x: [b, s, width]`; queries and keys are normed a head.
pub(super) fn project(scope: &Scope, config: &Config, names: &Names, x: &Value) -> Result<Projected> {
    let heads =
        |name: &str| split_heads(&linear(&scope.child(name), x, config.width())?, config.num_attention_heads);
    let norm = |name: &str, x: Value| {
        x.rms_norm(Some(&scope.child(name).param("weight", &[config.attention_head_dim])?), EPS)
    };
    Ok(Projected {
        query: norm(names.norm_query, heads(names.query)?)?,
        key: norm(names.norm_key, heads(names.key)?)?,
        value: heads(names.value)?,
    })
}

/// `[b, s, width]`. `cos` and `sin` are those of every token of the joint sequence.
pub(super) fn attend(config: &Config, joint: &Projected, cos: &Value, sin: &Value) -> Result<Value> {
    let turned = |x: &Value| swap_heads(x)?.rotary_embedding(cos, sin, Pairing::Interleaved);
    let scale = (config.attention_head_dim as f64).sqrt().recip();
    let value = swap_heads(&joint.value)?;
    merge_heads(&turned(&joint.query)?.attention(&turned(&joint.key)?, &value, None, scale)?)
}

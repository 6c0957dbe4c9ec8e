//! The innermost level: a residual block, attention over all pixels, another residual block (`UNetMidBlock2D`).

use super::Config;
use super::resnet::{EPS, resnet};
use crate::layers::{extents, group_norm, linear};
use tintype_program::{Result, Scope, Value};

/// What a checkpoint calls the layers of the attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttentionNames {
    /// `to_q`, `to_k`, `to_v`, `to_out.0`.
    #[default]
    Current,
    /// `query`, `key`, `value`, `proj_attn`, as diffusers before 0.15 saved them.
    Deprecated,
}

impl AttentionNames {
    fn layers(self) -> [&'static str; 4] {
        match self {
            AttentionNames::Current => ["to_q", "to_k", "to_v", "to_out.0"],
            AttentionNames::Deprecated => ["query", "key", "value", "proj_attn"],
        }
    }
}

/// `[b, c, h, w]` to the same.
pub(super) fn mid_block(scope: &Scope, config: &Config, names: AttentionNames, x: &Value) -> Result<Value> {
    let channels = x.shape().get(1).copied().unwrap_or(0);
    let mut x = resnet(&scope.child("resnets.0"), config, x, channels)?;
    if config.mid_block_add_attention {
        x = attention(&scope.child("attentions.0"), config, names, &x)?;
    }
    resnet(&scope.child("resnets.1"), config, &x, channels)
}

/// One head, as wide as there are channels, over `h * w` tokens.
fn attention(scope: &Scope, config: &Config, names: AttentionNames, x: &Value) -> Result<Value> {
    let [b, c, h, w] = extents(x, "vae attention")?;
    let tokens = h.saturating_mul(w);
    let normed = group_norm(&scope.child("group_norm"), x, config.norm_num_groups, EPS)?;
    let rows = normed.reshape(&[b, c, tokens])?.transpose(&[0, 2, 1])?;
    let [query, key, value, out] = names.layers();
    let project = |name: &str| linear(&scope.child(name), &rows, c)?.reshape(&[b, 1, tokens, c]);
    let scale = (c as f64).sqrt().recip();
    let attended = project(query)?.attention(&project(key)?, &project(value)?, None, scale)?;
    let update = linear(&scope.child(out), &attended.reshape(&[b, tokens, c])?, c)?;
    &update.transpose(&[0, 2, 1])?.reshape(&[b, c, h, w])? + x
}

//! The residual block that every level is made of (`ResnetBlock2D` without a time embedding).

use super::Config;
use crate::layers::{convolution, group_norm};
use tintype_program::{Result, Scope, Value};

/// What every norm of this model adds to a variance.
pub(super) const EPS: f64 = 1e-6;

/// `[b, c, h, w]` to `[b, outputs, h, w]`. A block of its own: equal residual blocks become one when traced.
pub(super) fn resnet(scope: &Scope, config: &Config, x: &Value, outputs: usize) -> Result<Value> {
    let block = scope.block("vae_resnet", &[x.ty()], |scope, arguments| {
        let [x] = arguments else { return Ok(vec![]) };
        let hidden = activated(&scope.child("norm1"), config, x)?;
        let hidden = convolution(&scope.child("conv1"), &hidden, outputs, 3, 1, [1, 1])?;
        let hidden = activated(&scope.child("norm2"), config, &hidden)?;
        let hidden = convolution(&scope.child("conv2"), &hidden, outputs, 3, 1, [1, 1])?;
        // The shortcut has weights where the number of channels changes.
        let shortcut = if x.shape().get(1) == Some(&outputs) {
            x.clone()
        } else {
            convolution(&scope.child("conv_shortcut"), x, outputs, 1, 1, [0, 0])?
        };
        Ok(vec![(&shortcut + &hidden)?])
    })?;
    Ok(block.call(scope, &[x])?.pop().unwrap_or_else(|| x.clone()))
}

/// Group norm, then SiLU.
pub(super) fn activated(scope: &Scope, config: &Config, x: &Value) -> Result<Value> {
    group_norm(scope, x, config.norm_num_groups, EPS)?.silu()
}

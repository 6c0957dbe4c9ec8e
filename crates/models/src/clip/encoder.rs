//! The encoder itself.

use super::Config;
use super::config::FIELDS;
use crate::layers::{extents, layer_norm, linear, merge_heads, split_heads, swap_heads};
use tintype_program::{DType, GeluForm, Program, Result, Scope, TensorType, Value};

/// What the encoder is given.
pub struct Inputs<'v> {
    /// `i32[b, s]`.
    pub input_ids: &'v Value,
    /// [`super::pooled_index`], `i32[b]`.
    pub pooled_index: &'v Value,
    /// [`super::causal_mask`], `f32[1, 1, s, s]`.
    pub causal_mask: &'v Value,
}

/// What the encoder gives, in the dtype of its parameters.
pub struct Outputs {
    /// Every token after the final norm, `[b, s, hidden_size]`.
    pub last_hidden_state: Value,
    /// The token at the end of each text, `[b, hidden_size]`.
    pub pooled: Value,
}

/// Traces the encoder. The layer is one block, called once a layer.
///
/// The scope is where `embeddings`, `encoder` and `final_layer_norm` are: for most checkpoints
/// `scope.child("text_model")`.
///
/// # Errors
/// Inputs whose shapes or dtypes do not fit.
pub fn encoder(scope: &Scope, config: &Config, inputs: &Inputs<'_>) -> Result<Outputs> {
    let [batch, tokens] = extents(inputs.input_ids, "clip")?;
    let width = config.hidden_size;
    let embeddings = scope.child("embeddings");
    let table = embeddings.child("token_embedding").param("weight", &[config.vocab_size, width])?;
    let positions =
        embeddings.child("position_embedding").param("weight", &[config.max_position_embeddings, width])?;
    let mut x = (&table.gather(0, inputs.input_ids)? + &positions.slice(0, 0, tokens)?)?;

    if config.num_hidden_layers > 0 {
        let mask = inputs.causal_mask.cast(scope.dtype())?;
        let block = scope.block("clip_layer", &[x.ty(), mask.ty()], |scope, arguments| {
            let [x, mask] = arguments else { return Ok(vec![]) };
            Ok(vec![layer(scope, config, x, mask)?])
        })?;
        for i in 0..config.num_hidden_layers {
            let scope = scope.child("encoder.layers").child(i);
            if let Some(result) = block.call(&scope, &[&x, &mask])?.pop() {
                x = result;
            }
        }
    }
    let last_hidden_state = layer_norm(&scope.child("final_layer_norm"), &x, config.layer_norm_eps)?;
    let rows = last_hidden_state.reshape(&[batch.saturating_mul(tokens), width])?;
    let pooled = rows.gather(0, inputs.pooled_index)?;
    Ok(Outputs { last_hidden_state, pooled })
}

/// `CLIPEncoderLayer`: norms come before what they norm for.
fn layer(scope: &Scope, config: &Config, x: &Value, mask: &Value) -> Result<Value> {
    let (width, heads) = (config.hidden_size, config.num_attention_heads);
    let attn = scope.child("self_attn");
    let normed = layer_norm(&scope.child("layer_norm1"), x, config.layer_norm_eps)?;
    let project = |name: &str| swap_heads(&split_heads(&linear(&attn.child(name), &normed, width)?, heads)?);
    let scale = (width.checked_div(heads).unwrap_or(0) as f64).sqrt().recip();
    let (query, key, value) = (project("q_proj")?, project("k_proj")?, project("v_proj")?);
    let attended = merge_heads(&query.attention(&key, &value, Some(mask), scale)?)?;
    let x = (x + &linear(&attn.child("out_proj"), &attended, width)?)?;

    let normed = layer_norm(&scope.child("layer_norm2"), &x, config.layer_norm_eps)?;
    let mlp = scope.child("mlp");
    // A config that was validated has an activation.
    let form = config.activation().unwrap_or(GeluForm::Quick);
    let hidden = linear(&mlp.child("fc1"), &normed, config.intermediate_size)?.gelu(form)?;
    &x + &linear(&mlp.child("fc2"), &hidden, width)?
}

/// The encoder as a Program of its own, for `batch` texts of `length` tokens. Inputs are named as the fields of
/// [`Inputs`], outputs as those of [`Outputs`]. `prefix` stands before every parameter's name: `text_model` for most
/// checkpoints, nothing for those saved from the inner model.
///
/// # Errors
/// A config that makes no model; more tokens than it has positions.
pub fn program(
    config: &Config,
    prefix: Option<&str>,
    batch: usize,
    length: usize,
    dtype: DType,
) -> crate::Result<Program> {
    config.validate()?;
    FIELDS.size("the number of tokens", length, config.max_position_embeddings)?;
    Ok(Program::trace("clip", |scope| {
        let scope = &scope.with_dtype(dtype);
        let inputs = Inputs {
            input_ids: &scope.input("input_ids", TensorType::new(DType::I32, [batch, length]))?,
            pooled_index: &scope.input("pooled_index", TensorType::new(DType::I32, [batch]))?,
            causal_mask: &scope.input("causal_mask", TensorType::new(DType::F32, [1, 1, length, length]))?,
        };
        let named = prefix.map_or_else(|| scope.clone(), |prefix| scope.child(prefix));
        let outputs = encoder(&named, config, &inputs)?;
        scope.output("last_hidden_state", &outputs.last_hidden_state)?;
        scope.output("pooled", &outputs.pooled)
    })?)
}

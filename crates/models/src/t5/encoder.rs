//! The encoder itself.

use super::Config;
use super::config::{Activation, FIELDS};
use crate::fields::MAX_ROWS;
use crate::layers::{linear_without_bias, merge_heads, split_heads, swap_heads, width};
use tintype_program::{DType, Program, Result, Scope, TensorType, Value};

/// What a checkpoint calls its token table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmbeddingName {
    /// `shared.weight`, as transformers saves it.
    #[default]
    Shared,
    /// `encoder.embed_tokens.weight`, as some other tools do.
    EmbedTokens,
}

/// What the encoder is given.
pub struct Inputs<'v> {
    /// `i32[b, s]`.
    pub input_ids: &'v Value,
    /// [`super::relative_buckets`], `i32[s, s]`.
    pub relative_buckets: &'v Value,
}

/// Traces the encoder: every token after the final norm, `[b, s, d_model]`. The layer is one block, called once a
/// layer. Nothing is masked: diffusers gives the encoder no mask, so padding takes part.
///
/// With f16 parameters the sum of the layers is kept in f32 and each `wo.weight` is f32, since T5's activations do
/// not fit f16; transformers' `from_pretrained` does the same. The result is f16.
///
/// # Errors
/// Inputs whose shapes or dtypes do not fit.
pub fn encoder(
    scope: &Scope,
    config: &Config,
    embedding: EmbeddingName,
    inputs: &Inputs<'_>,
) -> Result<Value> {
    let table = match embedding {
        EmbeddingName::Shared => scope.child("shared"),
        EmbeddingName::EmbedTokens => scope.child("encoder.embed_tokens"),
    };
    let table = table.param("weight", &[config.vocab_size, config.d_model])?;
    let mut x = table.gather(0, inputs.input_ids)?.cast(wide(scope.dtype()))?;

    let layers = scope.child("encoder.block");
    // Only the first layer has the table; every layer adds the biases that it gives.
    let biases = layers.child("0.layer.0.SelfAttention.relative_attention_bias");
    let biases = biases.param("weight", &[config.relative_attention_num_buckets, config.num_heads])?;
    let bias = biases.gather(0, inputs.relative_buckets)?.transpose(&[2, 0, 1])?;
    let bias = bias.reshape(&[&[1], bias.shape()].concat())?;

    let block = scope.block("t5_layer", &[x.ty(), bias.ty()], |scope, arguments| {
        let [x, bias] = arguments else { return Ok(vec![]) };
        let scope = scope.child("layer");
        let x = attention(&scope.child(0), config, x, bias)?;
        Ok(vec![feed_forward(&scope.child(1), config, &x)?])
    })?;
    for i in 0..config.num_layers {
        if let Some(result) = block.call(&layers.child(i), &[&x, &bias])?.pop() {
            x = result;
        }
    }
    norm(&scope.child("encoder.final_layer_norm"), config, &x)
}

/// The dtype of the sum of the layers.
fn wide(dtype: DType) -> DType {
    if dtype == DType::F16 { DType::F32 } else { dtype }
}

/// Root-mean-square norm, from the dtype of the sum to that of the parameters.
fn norm(scope: &Scope, config: &Config, x: &Value) -> Result<Value> {
    let weight = scope.param("weight", &[width(x)])?.cast(x.dtype())?;
    x.rms_norm(Some(&weight), config.layer_norm_epsilon)?.cast(scope.dtype())
}

/// `T5LayerSelfAttention`. Scores are not scaled: T5's initialization makes up for it.
fn attention(scope: &Scope, config: &Config, x: &Value, bias: &Value) -> Result<Value> {
    let normed = norm(&scope.child("layer_norm"), config, x)?;
    let attn = scope.child("SelfAttention");
    let project = |name: &str| {
        let projected = linear_without_bias(&attn.child(name), &normed, config.inner_width())?;
        swap_heads(&split_heads(&projected, config.num_heads)?)
    };
    let (query, key, value) = (project("q")?, project("k")?, project("v")?);
    let attended = merge_heads(&query.attention(&key, &value, Some(bias), 1.0)?)?;
    let update = linear_without_bias(&attn.child("o"), &attended, config.d_model)?;
    x + &update.cast(x.dtype())?
}

/// `T5LayerFF`.
fn feed_forward(scope: &Scope, config: &Config, x: &Value) -> Result<Value> {
    let normed = norm(&scope.child("layer_norm"), config, x)?;
    let dense = scope.child("DenseReluDense");
    let project = |name: &str| linear_without_bias(&dense.child(name), &normed, config.d_ff);
    // A config that was validated has an activation.
    let (activation, gated) = config.feed_forward().unwrap_or((Activation::Relu, false));
    let hidden = if gated {
        (&activation.apply(&project("wi_0")?)? * &project("wi_1")?)?
    } else {
        activation.apply(&project("wi")?)?
    };
    let out = dense.child("wo").with_dtype(x.dtype());
    x + &linear_without_bias(&out, &hidden.cast(x.dtype())?, config.d_model)?
}

/// The encoder as a Program of its own, for `batch` texts of `length` tokens. Inputs are named as the fields of
/// [`Inputs`], the output is `last_hidden_state`.
///
/// # Errors
/// A config that makes no model, or sizes beyond what a Program may name.
pub fn program(
    config: &Config,
    embedding: EmbeddingName,
    batch: usize,
    length: usize,
    dtype: DType,
) -> crate::Result<Program> {
    config.validate()?;
    FIELDS.size("the number of tokens", length, MAX_ROWS)?;
    Ok(Program::trace("t5", |scope| {
        let scope = &scope.with_dtype(dtype);
        let inputs = Inputs {
            input_ids: &scope.input("input_ids", TensorType::new(DType::I32, [batch, length]))?,
            relative_buckets: &scope.input("relative_buckets", TensorType::new(DType::I32, [length; 2]))?,
        };
        scope.output("last_hidden_state", &encoder(scope, config, embedding, &inputs)?)
    })?)
}

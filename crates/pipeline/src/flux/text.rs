//! From a prompt to what the denoiser is told: T5's tokens and CLIP's pooled vector.

use super::model::FluxModel;
use super::traces::Traced;
use crate::generate::{Component, Event, Given, Run, Watcher};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};
use std::sync::Arc;
use tintype_accel::Buffer;
use tintype_models::{clip, t5};
use tintype_program::{DType, Program};

/// A prompt on the device.
pub(crate) struct Prompt {
    /// `[1, tokens, width]`.
    pub(crate) text: Buffer,
    /// `[1, width]`.
    pub(crate) pooled: Buffer,
}

/// Which of a run's prompts.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    /// What the picture should show.
    Positive,
    /// What it should not.
    Negative,
}

impl Role {
    /// What stands before the names of tensors that a watcher sees.
    fn prefix(self) -> &'static str {
        match self {
            Role::Positive => "",
            Role::Negative => "negative.",
        }
    }
}

/// The two text encoders. A key is the number of tokens.
pub(crate) struct TextEncoders {
    clip: Component<usize>,
    t5: Component<usize>,
}

impl TextEncoders {
    pub(crate) fn new(model: &FluxModel) -> Self {
        Self {
            clip: Component::new("text_encoder", model.clip_weights.clone(), clip_ignores),
            t5: Component::new("text_encoder_2", model.t5_weights.clone(), t5_ignores),
        }
    }

    /// The same encoders for another pipeline, sharing weights.
    pub(crate) fn share(&self) -> Self {
        Self { clip: self.clip.share(), t5: self.t5.share() }
    }

    pub(crate) fn components(&self) -> [&Component<usize>; 2] {
        [&self.clip, &self.t5]
    }

    /// Encodes one prompt. It stays on the device until the next one of its role is encoded.
    pub(crate) fn encode(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        prompt: &str,
        length: usize,
        role: Role,
    ) -> Result<Prompt> {
        let _span = tracing::info_span!("encode", tokens = length).entered();
        let pooled = self.run_clip(model, run, prompt, role)?;
        let text = self.run_t5(model, run, prompt, length, role)?;
        Ok(Prompt { text, pooled })
    }

    fn run_clip(&mut self, model: &FluxModel, run: &mut Run<'_>, prompt: &str, role: Role) -> Result<Buffer> {
        let (config, dtype, place, name) = (&model.clip, run.arithmetic.dtype, run.place, role.prefix());
        let length = clip_length(model);
        let ids =
            tokens(&model.clip_tokenizer, prompt, length, config.vocab_size, "text_encoder", run.watcher)?;
        show_ids(run.watcher, &format!("{name}clip.ids"), &ids);
        let stage = self.clip.stage(&length, run, || clip_program(model, dtype))?;
        let mask = clip::causal_mask(length, dtype);
        let index = clip::pooled_index(config, &ids, length);
        let inputs = [
            ("input_ids", Given::Ids(&ids)),
            ("pooled_index", Given::Ids(&index)),
            ("causal_mask", Given::Values(&mask)),
        ];
        let outputs = stage.call(place, role as usize, &inputs)?;
        let [hidden, pooled] = outputs.as_slice() else {
            return Err(Error::Internal { reason: "CLIP gives two outputs".into() });
        };
        run.show(|| format!("{name}clip.last_hidden_state"), hidden)?;
        run.show(|| format!("{name}clip.pooled"), pooled)?;
        Ok(pooled.clone())
    }

    fn run_t5(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        prompt: &str,
        length: usize,
        role: Role,
    ) -> Result<Buffer> {
        let (config, dtype, place, name) = (&model.t5, run.arithmetic.dtype, run.place, role.prefix());
        let ids =
            tokens(&model.t5_tokenizer, prompt, length, config.vocab_size, "text_encoder_2", run.watcher)?;
        show_ids(run.watcher, &format!("{name}t5.ids"), &ids);
        let stage = self.t5.stage(&length, run, || t5_program(model, length, dtype))?;
        let buckets = t5::relative_buckets(config, length);
        let inputs = [("input_ids", Given::Ids(&ids)), ("relative_buckets", Given::Ids(&buckets))];
        let outputs = stage.call(place, role as usize, &inputs)?;
        let Some(text) = outputs.into_iter().next() else {
            return Err(Error::Internal { reason: "T5 gives one output".into() });
        };
        run.show(|| format!("{name}t5.last_hidden_state"), &text)?;
        Ok(text)
    }
}

/// Buffers that transformers saves and does not need, and the projection that only CLIP's full model uses.
pub(crate) fn clip_ignores(name: &str) -> bool {
    name.ends_with("position_ids") || name == "text_projection.weight"
}

/// A second name of the token table.
pub(crate) fn t5_ignores(name: &str) -> bool {
    name == "encoder.embed_tokens.weight"
}

/// Tokens of a prompt for CLIP. diffusers cuts prompts where the tokenizer says; published tokenizers and models agree
/// on 77.
fn clip_length(model: &FluxModel) -> usize {
    let positions = model.clip.max_position_embeddings;
    model.clip_tokenizer.model_max_length().unwrap_or(positions).min(positions)
}

/// CLIP for one prompt.
pub(crate) fn clip_program(model: &FluxModel, dtype: DType) -> Result<Arc<Program>> {
    let trace = || Ok(clip::program(&model.clip, model.clip_prefix(), 1, clip_length(model), dtype)?);
    model.traces.find(Traced::Clip(dtype), trace)
}

/// T5 for one prompt of `length` tokens.
pub(crate) fn t5_program(model: &FluxModel, length: usize, dtype: DType) -> Result<Arc<Program>> {
    let trace = || Ok(t5::program(&model.t5, model.t5_embedding(), 1, length, dtype)?);
    model.traces.find(Traced::T5(length, dtype), trace)
}

/// The prompt's ids, padded to `length`; what does not fit is told to the watcher.
fn tokens(
    tokenizer: &Tokenizer,
    prompt: &str,
    length: usize,
    vocabulary: usize,
    encoder: &'static str,
    watcher: &mut dyn Watcher,
) -> Result<Vec<i32>> {
    let encoded = tokenizer.encode(prompt, length)?;
    if let Some(removed) = encoded.truncated {
        watcher.event(Event::Truncated { encoder, limit: length, removed });
    }
    let id = |id: &u32| i32::try_from(*id).ok().filter(|_| (*id as usize) < vocabulary);
    let ids: Option<Vec<i32>> = encoded.ids.iter().map(id).collect();
    ids.ok_or_else(|| Error::Prompt {
        reason: format!(
            "its tokenizer gives ids beyond the {vocabulary} rows of {encoder}'s table; the folder mixes models"
        ),
    })
}

fn show_ids(watcher: &mut dyn Watcher, name: &str, ids: &[i32]) {
    if watcher.wants_tensors() {
        let values: Vec<f32> = ids.iter().map(|&id| id as f32).collect();
        watcher.tensor(name, &[1, ids.len()], &values);
    }
}

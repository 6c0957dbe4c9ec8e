//! From a prompt to what the denoiser is told: T5's tokens and CLIP's pooled vector.

use super::model::FluxModel;
use crate::generate::{Component, Event, Run, Watcher};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};
use tintype_accel::Buffer;
use tintype_models::{clip, t5};
use tintype_program::{DType, TensorType};

/// A prompt on the device.
pub(crate) struct Prompt {
    /// `[1, tokens, width]`.
    pub(crate) text: Buffer,
    /// `[1, width]`.
    pub(crate) pooled: Buffer,
}

/// The two text encoders. A key is the number of tokens.
pub(crate) struct TextEncoders {
    clip: Component<usize>,
    t5: Component<usize>,
}

impl TextEncoders {
    pub(crate) fn new(model: &FluxModel) -> Self {
        // Buffers that transformers saves and does not need, and the projection that only CLIP's full model uses.
        let clip = |name: &str| name.ends_with("position_ids") || name == "text_projection.weight";
        let t5 = |name: &str| name == "encoder.embed_tokens.weight";
        Self {
            clip: Component::new("text_encoder", model.clip_weights.clone(), clip),
            t5: Component::new("text_encoder_2", model.t5_weights.clone(), t5),
        }
    }

    /// The same encoders for another pipeline, sharing weights.
    pub(crate) fn share(&self) -> Self {
        Self { clip: self.clip.share(), t5: self.t5.share() }
    }

    pub(crate) fn components(&self) -> [&Component<usize>; 2] {
        [&self.clip, &self.t5]
    }

    /// Encodes one prompt. `name` stands before the names of tensors that a watcher sees.
    pub(crate) fn encode(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        prompt: &str,
        length: usize,
        name: &str,
    ) -> Result<Prompt> {
        let _span = tracing::info_span!("encode", tokens = length).entered();
        let pooled = self.run_clip(model, run, prompt, name)?;
        let text = self.run_t5(model, run, prompt, length, name)?;
        Ok(Prompt { text, pooled })
    }

    fn run_clip(&mut self, model: &FluxModel, run: &mut Run<'_>, prompt: &str, name: &str) -> Result<Buffer> {
        let (config, dtype, place) = (&model.clip, run.dtype, run.place);
        // diffusers cuts prompts where the tokenizer says; published tokenizers and models agree on 77.
        let length = model.clip_tokenizer.model_max_length().unwrap_or(config.max_position_embeddings);
        let length = length.min(config.max_position_embeddings);
        let ids =
            tokens(&model.clip_tokenizer, prompt, length, config.vocab_size, "text_encoder", run.watcher)?;
        show_ids(run.watcher, &format!("{name}clip.ids"), &ids);
        let stage = self
            .clip
            .stage(&length, run, || Ok(clip::program(config, model.clip_prefix(), 1, length, dtype)?))?;
        let mask = clip::causal_mask(length, dtype);
        let mask = place.put(TensorType::new(DType::F32, [1, 1, length, length]), &mask)?;
        let index = place.put_ids(&[1], &clip::pooled_index(config, &ids, length))?;
        let ids = place.put_ids(&[1, length], &ids)?;
        let inputs = [("input_ids", &ids), ("pooled_index", &index), ("causal_mask", &mask)];
        let outputs = stage.call(place, &inputs)?;
        let [hidden, pooled] = outputs.as_slice() else {
            return Err(Error::Internal { reason: "CLIP gives two outputs".into() });
        };
        run.show(&format!("{name}clip.last_hidden_state"), hidden)?;
        run.show(&format!("{name}clip.pooled"), pooled)?;
        Ok(pooled.clone())
    }

    fn run_t5(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        prompt: &str,
        length: usize,
        name: &str,
    ) -> Result<Buffer> {
        let (config, dtype, place) = (&model.t5, run.dtype, run.place);
        let ids =
            tokens(&model.t5_tokenizer, prompt, length, config.vocab_size, "text_encoder_2", run.watcher)?;
        show_ids(run.watcher, &format!("{name}t5.ids"), &ids);
        let stage = self
            .t5
            .stage(&length, run, || Ok(t5::program(config, model.t5_embedding(), 1, length, dtype)?))?;
        let buckets = place.put_ids(&[length, length], &t5::relative_buckets(config, length))?;
        let ids = place.put_ids(&[1, length], &ids)?;
        let outputs = stage.call(place, &[("input_ids", &ids), ("relative_buckets", &buckets)])?;
        let Some(text) = outputs.into_iter().next() else {
            return Err(Error::Internal { reason: "T5 gives one output".into() });
        };
        run.show(&format!("{name}t5.last_hidden_state"), &text)?;
        Ok(text)
    }
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

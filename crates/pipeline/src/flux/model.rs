//! What a Flux folder holds, read and checked before a device is touched.

use super::sizes::Extents;
use super::traces::Traces;
use crate::files::Checkpoint;
use crate::folder::{Defaults, Location, ModelFolder, read_text};
use crate::generate::dtype_of;
use crate::scheduler::Scheduler;
use crate::tokenizer::{Tokenizer, TokenizerKind};
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tintype_models::{clip, flux, t5, vae};
use tintype_program::DType;

/// A Flux model on disk: configs, tokenizers, and weights mapped but not read.
pub(crate) struct FluxModel {
    pub(crate) scheduler: Scheduler,
    pub(crate) clip: clip::Config,
    pub(crate) t5: t5::Config,
    pub(crate) transformer: flux::Config,
    pub(crate) vae: vae::Config,
    pub(crate) clip_tokenizer: Tokenizer,
    pub(crate) t5_tokenizer: Tokenizer,
    pub(crate) clip_weights: Arc<Checkpoint>,
    pub(crate) t5_weights: Arc<Checkpoint>,
    pub(crate) transformer_weights: Arc<Checkpoint>,
    pub(crate) vae_weights: Arc<Checkpoint>,
    pub(crate) fingerprint: String,
    pub(crate) traces: Arc<Traces>,
    /// What the model's folder says where a request says nothing.
    pub(crate) defaults: Defaults,
}

const TRANSFORMERS: &[&str] = &["model"];

impl FluxModel {
    pub(crate) fn open(folder: &ModelFolder) -> Result<Self> {
        let scheduler = Scheduler::open(folder.component_of("scheduler", &Scheduler::NAMES)?)?;
        let clip = folder.component_of("text_encoder", &["CLIPTextModel"])?;
        let t5 = folder.component_of("text_encoder_2", &["T5EncoderModel"])?;
        let (transformer, transformer_weights) = folder.transformer()?;
        let (vae, vae_weights) = folder.vae()?;
        let clip_tokenizer = folder.component_of("tokenizer", &["CLIPTokenizer", "CLIPTokenizerFast"])?;
        let t5_tokenizer = folder.component_of("tokenizer_2", &["T5Tokenizer", "T5TokenizerFast"])?;
        let mut hasher = Sha256::new();
        let mut told_apart = |checkpoint: Checkpoint| {
            fingerprint(&mut hasher, &checkpoint);
            Arc::new(checkpoint)
        };
        let model = Self {
            scheduler,
            clip: clip::Config::from_json(&config(&clip)?).map_err(|e| Error::model(clip.path(), e))?,
            t5: t5::Config::from_json(&config(&t5)?).map_err(|e| Error::model(t5.path(), e))?,
            transformer,
            vae,
            clip_tokenizer: Tokenizer::open(&clip_tokenizer, TokenizerKind::Clip)?,
            t5_tokenizer: Tokenizer::open(&t5_tokenizer, TokenizerKind::T5)?,
            clip_weights: told_apart(Checkpoint::open(&clip, TRANSFORMERS)?),
            t5_weights: told_apart(Checkpoint::open(&t5, TRANSFORMERS)?),
            transformer_weights: told_apart(transformer_weights),
            vae_weights: told_apart(vae_weights),
            fingerprint: String::new(),
            traces: Arc::default(),
            defaults: folder.defaults().clone(),
        };
        model.agree(folder)?;
        model.check_size(folder)?;
        let digest = hasher.finalize();
        Ok(Self { fingerprint: digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect(), ..model })
    }

    /// What is wrong with the components that [`FluxModel::open`] opens, each for itself.
    pub(crate) fn faults(folder: &ModelFolder) -> Vec<Error> {
        let clip = || {
            let at = folder.component_of("text_encoder", &["CLIPTextModel"])?;
            clip::Config::from_json(&config(&at)?).map_err(|e| Error::model(at.path(), e)).map(drop)
        };
        let t5 = || {
            let at = folder.component_of("text_encoder_2", &["T5EncoderModel"])?;
            t5::Config::from_json(&config(&at)?).map_err(|e| Error::model(at.path(), e)).map(drop)
        };
        let each = [clip(), t5(), folder.transformer().map(drop), folder.vae().map(drop)];
        each.into_iter().filter_map(Result::err).collect()
    }

    /// Refuses components whose widths do not fit each other.
    fn agree(&self, folder: &ModelFolder) -> Result<()> {
        let latents = self.vae.latent_channels.saturating_mul(4);
        let pairs = [
            (
                "transformer",
                "in_channels",
                self.transformer.in_channels,
                latents,
                "4 latent_channels of the vae",
            ),
            (
                "transformer",
                "out_channels",
                self.transformer.output_width(),
                latents,
                "4 latent_channels of the vae",
            ),
            (
                "transformer",
                "joint_attention_dim",
                self.transformer.joint_attention_dim,
                self.t5.d_model,
                "d_model of text_encoder_2",
            ),
            (
                "transformer",
                "pooled_projection_dim",
                self.transformer.pooled_projection_dim,
                self.clip.hidden_size,
                "hidden_size of text_encoder",
            ),
            ("vae", "in_channels", self.vae.in_channels, 3, "the channels of a picture"),
            ("vae", "out_channels", self.vae.out_channels, 3, "the channels of a picture"),
        ];
        for (component, key, found, wanted, of) in pairs {
            if found != wanted {
                return Err(Error::ConfigValue {
                    path: folder.shapes_of(component),
                    key: key.into(),
                    value: found.to_string(),
                    remedy: format!(
                        "it must be {wanted}, {of}; the folder mixes components of different models"
                    ),
                });
            }
        }
        Ok(())
    }

    /// Refuses a default size that this model cannot make.
    fn check_size(&self, folder: &ModelFolder) -> Result<()> {
        let scale = self.vae.spatial_factor();
        let Defaults { width, height, .. } = self.defaults;
        let unit = scale.saturating_mul(2);
        match Extents::new(width.unwrap_or(unit), height.unwrap_or(unit), scale) {
            Err(Error::Request { option, value, remedy }) => {
                Err(Error::ConfigValue { path: folder.defaults_file(), key: option.into(), value, remedy })
            }
            checked => checked.map(|_| ()),
        }
    }

    /// The dtype that the denoiser's weights are stored in; f32 where that is no dtype of arithmetic.
    pub(crate) fn stored_dtype(&self) -> DType {
        let stored = self.transformer_weights.stored_dtype().and_then(dtype_of);
        stored.filter(|dtype| dtype.is_float()).unwrap_or(DType::F32)
    }

    /// What stands before the names of CLIP's parameters in this checkpoint.
    pub(crate) fn clip_prefix(&self) -> Option<&'static str> {
        self.clip_weights.names().any(|name| name.starts_with("text_model.")).then_some("text_model")
    }

    /// What this checkpoint calls T5's token table.
    pub(crate) fn t5_embedding(&self) -> t5::EmbeddingName {
        match self.t5_weights.get("shared.weight") {
            Some(_) => t5::EmbeddingName::Shared,
            None => t5::EmbeddingName::EmbedTokens,
        }
    }

    /// What this checkpoint calls the layers of the VAE's attention.
    pub(crate) fn vae_names(&self) -> vae::AttentionNames {
        match self.vae_weights.names().any(|name| name.contains(".attentions.") && name.contains(".query.")) {
            true => vae::AttentionNames::Deprecated,
            false => vae::AttentionNames::Current,
        }
    }
}

fn config(folder: &Location) -> Result<String> {
    read_text(&folder.join("config.json"))
}

/// Names, dtypes and shapes of all tensors, and some of each one's bytes: enough to tell models and fine-tunes apart
/// without reading gigabytes.
fn fingerprint(hasher: &mut Sha256, checkpoint: &Checkpoint) {
    let _scattered = checkpoint.scattered();
    for name in checkpoint.names() {
        if let Some(tensor) = checkpoint.get(name) {
            hasher.update(format!("{name} {:?} {:?}\n", tensor.dtype, tensor.shape));
            hasher.update(tensor.bytes.get(..tensor.bytes.len().min(64)).unwrap_or_default());
        }
    }
}

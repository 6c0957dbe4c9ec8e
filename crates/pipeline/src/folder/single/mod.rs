//! Single weights files: `flux1-dev.safetensors` and `ae.safetensors` as Black Forest Labs publish them, also as ComfyUI
//! and diffusers save them. Their tensors become those of the diffusers layout by name; no bytes are copied.
//!
//! Such a file holds one component and no config. What the shapes do not tell is taken from the folder's own config of
//! that component, where it has one, else it is that of the published Flux.1.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod infer;
mod transformer;
mod vae;

use super::{Location, ModelFolder, read_text};
use crate::error::{Error, Result, brief};
use crate::files::{Checkpoint, Part, View};
use crate::generate::dtype_of;
use std::path::Path;
use tintype_models::{flux, vae as autoencoder};

/// The files that stand in for a folder's own weights.
#[derive(Clone, Debug, Default)]
pub(super) struct SingleFiles {
    transformer: Option<Location>,
    vae: Option<Location>,
}

/// Keys of other components that whole checkpoints hold beside the transformer.
const BESIDE_TRANSFORMER: [&str; 4] = ["vae.", "first_stage_model.", "text_encoders.", "cond_stage_model."];

impl ModelFolder {
    /// Takes the transformer from one safetensors file instead of the folder's own: in the layout of
    /// `flux1-dev.safetensors`, with or without the prefix `model.diffusion_model.`, or in that of diffusers.
    #[must_use]
    pub fn with_transformer(mut self, file: impl Into<Location>) -> Self {
        self.singles.transformer = Some(file.into());
        self
    }

    /// Takes the VAE from one safetensors file instead of the folder's own: in the layout of `ae.safetensors`, with or
    /// without the prefix `vae.` or `first_stage_model.`, or in that of diffusers.
    #[must_use]
    pub fn with_vae(mut self, file: impl Into<Location>) -> Self {
        self.singles.vae = Some(file.into());
        self
    }

    /// The transformer's config and weights, under the names of diffusers.
    ///
    /// # Errors
    ///
    /// As [`ModelFolder::component_of`] and [`Checkpoint::open`]; for a single file [`Error::BadWeights`], if it is in
    /// no layout that is read.
    pub fn transformer(&self) -> Result<(flux::Config, Checkpoint)> {
        let Some(file) = &self.singles.transformer else {
            let folder = self.component_of("transformer", &["FluxTransformer2DModel"])?;
            let config = flux::Config::from_json(&read_text(&folder.join("config.json"))?);
            let config = config.map_err(|e| Error::model(folder.path(), e))?;
            return Ok((config, Checkpoint::open(&folder, &["diffusion_pytorch_model"])?));
        };
        let beside = self.own_config("transformer", flux::Config::from_json)?;
        let weights = transformer::rename(open(file)?)?;
        Ok((infer::transformer(file.path(), &weights, beside)?, weights))
    }

    /// The VAE's config and weights, under the names of diffusers.
    ///
    /// # Errors
    ///
    /// As [`ModelFolder::transformer`].
    pub fn vae(&self) -> Result<(autoencoder::Config, Checkpoint)> {
        let Some(file) = &self.singles.vae else {
            let folder = self.component_of("vae", &["AutoencoderKL"])?;
            let config = autoencoder::Config::from_json(&read_text(&folder.join("config.json"))?);
            let config = config.map_err(|e| Error::model(folder.path(), e))?;
            return Ok((config, Checkpoint::open(&folder, &["diffusion_pytorch_model"])?));
        };
        let beside = self.own_config("vae", autoencoder::Config::from_json)?;
        let weights = vae::rename(open(file)?)?;
        Ok((infer::vae(file.path(), &weights, beside)?, weights))
    }

    /// Where a component's shapes are told, for messages: its single file, else its config.
    pub(crate) fn shapes_of(&self, component: &str) -> std::path::PathBuf {
        let single = match component {
            "transformer" => self.singles.transformer.as_ref(),
            "vae" => self.singles.vae.as_ref(),
            _ => None,
        };
        single.cloned().unwrap_or_else(|| self.location().join(component).join("config.json")).to_path_buf()
    }

    /// The config that the folder itself has of a component.
    fn own_config<T>(
        &self,
        component: &str,
        parse: impl Fn(&str) -> tintype_models::Result<T>,
    ) -> Result<Option<T>> {
        let folder = self.location().join(component);
        let file = folder.join("config.json");
        if !file.is_file() {
            return Ok(None);
        }
        parse(&read_text(&file)?).map(Some).map_err(|error| Error::model(folder.path(), error))
    }
}

/// Opens a file of weights that can be computed with.
fn open(file: &Location) -> Result<Checkpoint> {
    let checkpoint = Checkpoint::from_file(file)?;
    for name in checkpoint.names() {
        let stored = checkpoint.get(name).map(|tensor| tensor.dtype);
        let readable = stored.and_then(dtype_of).is_some_and(|dtype| dtype.is_float());
        if let (Some(stored), false) = (stored, readable) {
            let reason =
                format!("tensor `{}` is stored as {stored:?}; f32, f16 and bf16 are read", brief(name));
            return Err(bad(file.path(), reason));
        }
    }
    Ok(checkpoint)
}

/// A tensor that keeps its bytes and gets another name.
fn renamed(name: impl Into<String>) -> Vec<View> {
    vec![View { name: name.into(), part: Part::Whole }]
}

fn bad(path: &Path, reason: String) -> Error {
    Error::BadWeights { path: path.to_path_buf(), reason }
}

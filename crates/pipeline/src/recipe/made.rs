//! The record of a picture: all that made it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::a1111;
use crate::error::brief;
use crate::generate::Settings;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// All that made a picture, as its file's `tintype` text says it: one JSON object, the settings' keys among the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// What was asked for, defaults filled in.
    #[serde(flatten)]
    pub settings: Settings,
    /// The run's seeds, where it had several: its pictures are numbered through, as many of each seed as the settings
    /// count. No picture's own record has them: its seed is in the settings, as if it had been made in a run of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// Which of the run's pictures this is, from 0.
    #[serde(default)]
    pub picture: usize,
    /// The name of the model's folder.
    #[serde(default)]
    pub model: String,
    /// [`crate::Pipeline::fingerprint`] of the model.
    #[serde(default)]
    pub model_fingerprint: String,
    /// The diffusers class of the model's scheduler.
    #[serde(default)]
    pub scheduler: String,
    /// The backend's name.
    #[serde(default)]
    pub backend: String,
    /// The device's name.
    #[serde(default)]
    pub device: String,
    /// Whether a software double stood in for the device.
    #[serde(default)]
    pub emulated: bool,
    /// The launch mode.
    #[serde(default)]
    pub launch: String,
    /// What attention became in the denoiser: kernels or nodes by name, where the backend says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<String>,
    /// The version of this library.
    #[serde(default)]
    pub version: String,
}

impl Made {
    /// The record of the run from its picture `picture` on, from 0.
    pub fn from_picture(&self, picture: usize) -> Self {
        Self { picture, ..self.clone() }
    }

    /// The record of the run's picture `picture` alone, from 0. Of a run of several seeds that of the run of its own that
    /// would make it.
    pub fn picture(&self, picture: usize) -> Self {
        let count = self.settings.count.max(1);
        let Some(&seed) = picture.checked_div(count).and_then(|number| self.seeds.get(number)) else {
            return self.from_picture(picture);
        };
        let picture = picture.checked_rem(count).unwrap_or_default();
        let settings = Settings { seed, ..self.settings.clone() };
        Self { settings, seeds: Vec::new(), picture, ..self.clone() }
    }

    /// How many pictures the run has.
    pub fn pictures(&self) -> usize {
        self.settings.count.saturating_mul(self.seeds.len().max(1))
    }

    /// The texts of the picture's file: `Software`, `parameters` and `tintype`.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the record is no JSON.
    pub fn texts(&self) -> Result<Vec<(String, String)>> {
        Ok(vec![
            ("Software".into(), "tintype".into()),
            ("parameters".into(), a1111::write(self)),
            ("tintype".into(), self.to_json()?),
        ])
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Internal { reason: error.to_string() })
    }

    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            format!("its `tintype` text is not a record of this tool ({})", brief(&error.to_string()))
        })
    }
}

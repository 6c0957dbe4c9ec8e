//! `tintype.json`: what a model's maker thinks best where a request says nothing. diffusers does not read it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{Location, read_json};
use crate::error::{Error, Result};
use serde::Deserialize;
use tintype_program::DType;

/// The file's name in a model's folder.
pub(super) const FILE: &str = "tintype.json";
/// More steps than any schedule has.
const MOST_STEPS: usize = 1000;
/// Wider and higher than any picture that is made, in pixels.
const LARGEST: usize = 16_384;
/// Tokens that T5 is given at most.
const LONGEST: usize = 512;
/// Guidance beyond this makes no picture with any model.
const STRONGEST: f64 = 1000.0;

/// A model's own defaults. What is not set has that of the pipeline's class.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    /// Width in pixels.
    pub width: Option<usize>,
    /// Height in pixels.
    pub height: Option<usize>,
    /// Denoising steps.
    pub steps: Option<usize>,
    /// The guidance that a guidance-distilled model is told.
    pub guidance: Option<f64>,
    /// The factor of true classifier-free guidance; takes effect with a negative prompt, which may be empty.
    pub true_cfg: Option<f64>,
    /// The negative prompt.
    pub negative: Option<String>,
    /// Tokens of the T5 prompt.
    pub max_sequence_length: Option<usize>,
    /// The dtype of weights and arithmetic: `f32`, `bf16` or `f16`.
    pub dtype: Option<DType>,
}

impl Defaults {
    /// Reads a `tintype.json`; nothing is set where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] for an unknown field or a wrong type, [`Error::ConfigValue`] for an absurd value: both name file
    /// and field.
    pub fn read(file: &Location) -> Result<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        // A list would do for a struct.
        read_json::<serde_json::Map<String, serde_json::Value>>(file)?;
        let defaults: Self = read_json(file)?;
        match defaults.absurd() {
            None => Ok(defaults),
            Some((key, value, remedy)) => {
                Err(Error::ConfigValue { path: file.to_path_buf(), key: key.into(), value, remedy })
            }
        }
    }

    /// The first field that asks for something no model does.
    fn absurd(&self) -> Option<(&'static str, String, String)> {
        let counts = [
            ("width", self.width, LARGEST),
            ("height", self.height, LARGEST),
            ("steps", self.steps, MOST_STEPS),
            ("max_sequence_length", self.max_sequence_length, LONGEST),
        ];
        for (key, value, most) in counts {
            if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
                return Some((key, value.to_string(), format!("give a number from 1 to {most}")));
            }
        }
        for (key, value) in [("guidance", self.guidance), ("true_cfg", self.true_cfg)] {
            if let Some(value) = value.filter(|value| !(0.0..=STRONGEST).contains(value)) {
                return Some((key, value.to_string(), format!("give a number from 0 to {STRONGEST}")));
            }
        }
        let dtype = self.dtype.filter(|dtype| !dtype.is_float())?;
        Some(("dtype", dtype.name().into(), "give f32, bf16 or f16".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn read(text: &str) -> Result<Defaults> {
        let scratch = Scratch::new();
        Defaults::read(&(&scratch.file("tintype.json", text)).into())
    }

    #[test]
    fn every_field_is_read() {
        let read = read(
            r#"{"width":128,"height":96,"steps":20,"guidance":3.5,"true_cfg":3.0,"negative":"",
                "max_sequence_length":32,"dtype":"f32"}"#,
        );
        let wanted = Defaults {
            width: Some(128),
            height: Some(96),
            steps: Some(20),
            guidance: Some(3.5),
            true_cfg: Some(3.0),
            negative: Some(String::new()),
            max_sequence_length: Some(32),
            dtype: Some(DType::F32),
        };
        assert_eq!(read.unwrap(), wanted);
        assert_eq!(
            Defaults::read(&std::path::Path::new("/no/tintype.json").into()).unwrap(),
            Defaults::default()
        );
    }

    #[test]
    fn what_is_wrong_names_file_and_field() {
        let cases = [
            (r#"{"stps":3}"#, "`stps`"),
            (r#"{"width":"wide"}"#, "`width`"),
            (r#"{"width":-1}"#, "`width`"),
            (r#"{"height":0}"#, "`height`"),
            (r#"{"width":20000}"#, "`width`"),
            (r#"{"steps":1000000000}"#, "`steps`"),
            (r#"{"guidance":-2}"#, "`guidance`"),
            (r#"{"true_cfg":1e9}"#, "`true_cfg`"),
            (r#"{"max_sequence_length":513}"#, "`max_sequence_length`"),
            (r#"{"dtype":"i32"}"#, "`dtype`"),
            (r#"{"dtype":"f8"}"#, "`f8`"),
            ("[]", "tintype.json"),
            ("", "tintype.json"),
        ];
        for (text, field) in cases {
            let told = read(text).map(|_| String::new()).unwrap_or_else(|error| error.to_string());
            assert!(told.contains(field) && told.contains("tintype.json"), "{text}: {told}");
        }
    }
}

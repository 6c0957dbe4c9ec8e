//! From a picture back to what was asked for.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::a1111::{self, Parameters};
use super::made::Made;
use crate::Quantization;
use crate::error::brief;
use crate::files::Picture;
use crate::generate::{Request, VaeTile};
use crate::pipeline::Pipeline;
use crate::random::NoiseDtype;
use crate::scheduler::Steps;
use std::str::FromStr;
use tintype_program::DType;

/// What a picture says of how it was made, as far as it can be asked for again.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// The request. Of a run of several pictures it makes the one that was read ([`Request::only`]). A picture that was
    /// started from is not in it: see [`Recipe::strength`].
    pub request: Request,
    /// The dtype of the arithmetic.
    pub dtype: Option<DType>,
    /// What the denoiser's blocks were quantized to.
    pub quantize: Option<Quantization>,
    /// The share of the schedule that was run on another picture; that picture must be given again.
    pub strength: Option<f64>,
    /// [`Picture::digest`] of the picture that was started from.
    pub image: Option<String>,
    /// The model's name and fingerprint, as far as they are said.
    pub model: Option<(String, String)>,
    /// The version of this library that made it.
    pub version: Option<String>,
    /// What the picture says and the request does not: for people to read, a line each.
    pub not_taken: Vec<String>,
}

impl Recipe {
    /// Reads the texts of a picture: `tintype` where it is there, else `parameters` as other tools write it, as far as it
    /// goes. None if the picture has neither.
    ///
    /// # Errors
    ///
    /// What is wrong with a `tintype` text that cannot be read.
    pub fn of(picture: &Picture) -> Result<Option<Self>, String> {
        let text = |wanted: &str| {
            picture.text.iter().find(|(keyword, _)| keyword == wanted).map(|(_, text)| text.as_str())
        };
        if let Some(text) = text("tintype") {
            return Ok(Some(Self::from(Made::from_json(text)?)));
        }
        Ok(text("parameters").map(|text| Self::from(a1111::read(text))))
    }

    /// In what the pipeline differs from the one that made the picture, so that it may come out otherwise: for people to
    /// read, a line each.
    pub fn differences(&self, pipeline: &Pipeline) -> Vec<String> {
        let mut told = Vec::new();
        if let Some((name, fingerprint)) = &self.model
            && fingerprint != pipeline.fingerprint()
        {
            let here = pipeline.root().file_name().unwrap_or_default().to_string_lossy();
            told.push(format!(
                "the picture was made by another model: {} ({}); this is {here} ({})",
                brief(name),
                brief(fingerprint),
                pipeline.fingerprint()
            ));
        }
        let here = env!("CARGO_PKG_VERSION");
        if let Some(version) = self.version.as_deref().filter(|version| *version != here) {
            told.push(format!("the picture was made by version {}; this is {here}", brief(version)));
        }
        told
    }
}

impl From<Made> for Recipe {
    fn from(made: Made) -> Self {
        let made = made.picture(made.picture);
        let settings = made.settings;
        let mut not_taken = Vec::new();
        let noise_dtype = NoiseDtype::from_name(&settings.noise_dtype);
        let dtype = [DType::F32, DType::Bf16, DType::F16].into_iter().find(|d| d.name() == settings.dtype);
        let quantize = settings.quantize.as_deref().and_then(|name| match name.parse() {
            Ok(quantization) => Some(quantization),
            Err(_) => {
                not_taken.push(format!("the quantization, `{}`, is not known", brief(name)));
                None
            }
        });
        if noise_dtype.is_none() {
            not_taken
                .push(format!("the dtype of the noise, `{}`, is not known", brief(&settings.noise_dtype)));
        }
        if dtype.is_none() {
            not_taken.push(format!("the dtype, `{}`, is not known", brief(&settings.dtype)));
        }
        if settings.latents {
            not_taken.push("it was started from given latents, which it does not hold".into());
        }
        let request = Request {
            prompt: settings.prompt,
            negative: settings.negative,
            // 1 is off, whatever the model would take where nothing is said.
            true_cfg: settings.true_cfg.or(Some(1.0)),
            guidance: settings.guidance,
            steps: Some(settings.sigmas.map_or(Steps::Count(settings.steps), Steps::Sigmas)),
            width: Some(settings.width),
            height: Some(settings.height),
            seed: settings.seed,
            count: Some(settings.count),
            only: (settings.count > 1).then_some(made.picture),
            max_sequence_length: Some(settings.max_sequence_length),
            noise_dtype,
            vae_tile: settings.vae_tile.map_or(VaeTile::Auto, VaeTile::Pixels),
            ..Request::default()
        };
        let (strength, image) = (settings.strength, settings.image);
        let model = (!made.model_fingerprint.is_empty()).then_some((made.model, made.model_fingerprint));
        let version = (!made.version.is_empty()).then_some(made.version);
        Self { request, dtype, quantize, strength, image, model, version, not_taken }
    }
}

impl From<Parameters> for Recipe {
    fn from(parameters: Parameters) -> Self {
        let mut recipe = Recipe::default();
        recipe.request.prompt = parameters.prompt;
        recipe.request.negative = parameters.negative;
        for (name, value) in &parameters.pairs {
            if recipe.take(name, value).is_none() {
                recipe.not_taken.push(brief(&format!("{name}: {value}")));
            }
        }
        recipe
    }
}

impl Recipe {
    /// Takes one pair of a text of other tools; none if it is not known or makes no sense.
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        let number = || f64::from_str(value).ok().filter(|number| number.is_finite());
        let request = &mut self.request;
        match name {
            "Steps" => request.steps = Some(Steps::Count(value.parse().ok()?)),
            "Seed" => request.seed = value.parse().ok()?,
            "CFG scale" => request.true_cfg = Some(number()?),
            "Distilled CFG Scale" => request.guidance = Some(number()?),
            "Size" => {
                let (width, height) = value.split_once('x')?;
                let (width, height) = (width.parse().ok()?, height.parse().ok()?);
                (request.width, request.height) = (Some(width), Some(height));
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(keyword: &str, text: &str) -> Picture {
        Picture { width: 1, height: 1, rgb: vec![0; 3], text: vec![(keyword.into(), text.into())] }
    }

    #[test]
    fn other_tools_texts_are_taken_as_far_as_they_go() {
        let text = "a heart\nNegative prompt: x\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 9, Size: 512x768, \
            Distilled CFG Scale: 3.5, Clip skip: 2, Seed resize from: -1x-1";
        let recipe = Recipe::of(&with("parameters", text)).unwrap().unwrap();
        let request = &recipe.request;
        assert_eq!((request.prompt.as_str(), request.seed), ("a heart", 9));
        assert_eq!(request.steps, Some(Steps::Count(20)));
        assert_eq!((request.width, request.height), (Some(512), Some(768)));
        assert_eq!((request.true_cfg, request.guidance), (Some(7.0), Some(3.5)));
        assert_eq!(recipe.not_taken, ["Sampler: Euler a", "Clip skip: 2", "Seed resize from: -1x-1"]);
        let odd = Recipe::of(&with("parameters", "x\nSteps: many, Seed: -1, Size: 5")).unwrap().unwrap();
        assert_eq!(odd.not_taken, ["Steps: many", "Seed: -1", "Size: 5"]);
    }

    #[test]
    fn a_picture_without_texts_has_no_recipe_and_a_damaged_text_is_told() {
        assert!(Recipe::of(&with("title", "x")).unwrap().is_none());
        for text in ["", "{", "[]", "{\"prompt\": 7}", "{\"seed\": -1}"] {
            assert!(Recipe::of(&with("tintype", text)).unwrap_err().contains("tintype"), "{text}");
        }
    }

    #[test]
    fn old_records_without_newer_keys_are_read() {
        let text = r#"{"prompt":"a","negative":null,"true_cfg":null,"guidance":3.5,"steps":2,"sigmas":null,"width":48,
            "height":32,"seed":7,"count":3,"max_sequence_length":24,"strength":null,"dtype":"f32","noise_dtype":"f64",
            "picture":2,"model":"m","model_fingerprint":"f","version":"0.0.1","a_later_key":1}"#;
        let recipe = Recipe::of(&with("tintype", text)).unwrap().unwrap();
        assert_eq!((recipe.request.count, recipe.request.only), (Some(3), Some(2)));
        assert_eq!(recipe.dtype, Some(DType::F32));
        assert_eq!(recipe.not_taken.len(), 1, "{:?}", recipe.not_taken);
    }
}

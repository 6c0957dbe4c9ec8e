//! What a caller asks for.

use super::tile::VaeTile;
use crate::files::Picture;
use crate::random::NoiseDtype;
use crate::scheduler::Steps;

/// A picture, or several, to be made. What is not set has the default of the model's `tintype.json`, else that of the
/// diffusers pipeline class.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the picture should show.
    pub prompt: String,
    /// What it should not show; takes effect where `true_cfg` is above 1.
    pub negative: Option<String>,
    /// The factor of true classifier-free guidance. Above 1, with a negative prompt, the denoiser runs twice a step.
    pub true_cfg: Option<f64>,
    /// The guidance that a guidance-distilled model is told: 3.5, or 7 from a picture.
    pub guidance: Option<f64>,
    /// How many steps, or the noise levels: 28 steps.
    pub steps: Option<Steps>,
    /// Width in pixels.
    pub width: Option<usize>,
    /// Height in pixels.
    pub height: Option<usize>,
    /// The generator's seed: 0.
    pub seed: u64,
    /// Several seeds in place of `seed`, each with a generator of its own: `count` pictures of the first, then of the
    /// second, and so on. They share batches, and come out as they do in runs of their own.
    pub seeds: Vec<u64>,
    /// How many pictures of a seed, all drawn from one generator: 1.
    pub count: Option<usize>,
    /// Makes only this one of the `count` pictures, from 0; it comes out as it does among the others. Not with several
    /// seeds.
    pub only: Option<usize>,
    /// How many pictures are made at once: 1. Splits the work; changes no picture. Every batch has exactly this size, so
    /// that all run one compiled Program: the last is filled up, and what fills it is thrown away.
    pub batch_size: Option<usize>,
    /// Tokens of the T5 prompt: 512.
    pub max_sequence_length: Option<usize>,
    /// The dtype that noise is drawn in: that of the arithmetic. Draws of one seed in two dtypes are unrelated.
    pub noise_dtype: Option<NoiseDtype>,
    /// The picture to start from, and how much of the schedule is run on it, above 0 to 1: 0.6.
    pub image: Option<(Picture, Option<f64>)>,
    /// Latents to start from instead of drawing: packed, `[pictures, tokens, channels]`.
    pub latents: Option<Vec<f32>>,
    /// Shows a preview after every so many steps ([`crate::Event::Preview`]); changes no picture. Each waits for the
    /// device and runs the decoder on at most 256 pixels a side.
    pub preview: Option<usize>,
    /// Whether latents are decoded whole or in tiles.
    pub vae_tile: VaeTile,
}

/// Every setting of a run, defaults filled in: what a file must say so that the picture can be made again.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Settings {
    /// The prompt.
    pub prompt: String,
    /// The negative prompt, where it took effect.
    pub negative: Option<String>,
    /// The true-CFG factor, where it took effect.
    pub true_cfg: Option<f64>,
    /// The guidance, where the model is told one.
    pub guidance: Option<f64>,
    /// Steps of the full schedule.
    pub steps: usize,
    /// The noise levels, where they were given.
    pub sigmas: Option<Vec<f64>>,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The generator's seed.
    pub seed: u64,
    /// How many pictures.
    pub count: usize,
    /// Tokens of the T5 prompt.
    pub max_sequence_length: usize,
    /// The share of the schedule that was run on a picture.
    pub strength: Option<f64>,
    /// [`Picture::digest`] of the picture that was started from.
    pub image: Option<String>,
    /// Whether it was started from given latents, which no file says again.
    #[serde(default)]
    pub latents: bool,
    /// The side of the tiles that it was decoded in, in pixels; none where it was decoded whole.
    #[serde(default)]
    pub vae_tile: Option<usize>,
    /// The dtype of the arithmetic.
    pub dtype: String,
    /// What the denoiser's blocks were quantized to, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantize: Option<String>,
    /// The dtype of the draws.
    pub noise_dtype: String,
}

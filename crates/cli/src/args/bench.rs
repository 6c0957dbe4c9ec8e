//! Options of `tintype bench`.

use super::{DeviceArgs, DtypeArg};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tintype::LaunchMode;

/// Options of `tintype bench`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype bench transformer --dtype bf16 --threads 2 --json
  tintype bench transformer --steps 28
  tintype bench vae --width 512 --height 512
  tintype bench pipeline --model FLUX.1-schnell --steps 4
  tintype bench fma --threads 1")]
pub(crate) struct BenchArgs {
    /// What is measured.
    #[arg(value_enum, default_value = "transformer")]
    pub(crate) what: BenchWhat,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// A model by name, with random weights: flux-4-8, flux-dev; flux; t5-large-8, t5-xxl; clip-l; tiny of each
    /// [default: the first of its kind].
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub(crate) preset: Option<String>,
    /// A model's or a component's folder in the diffusers layout, weights read from it.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// The dtype of weights and arithmetic [default: that of the stored weights, else f32].
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeArg>,
    /// How work reaches the device: eager, compiled, lazy or graph [default: the device's own].
    #[arg(long, value_name = "MODE")]
    pub(crate) launch: Option<LaunchMode>,
    /// Width in pixels [default: the preset's; 256 for a pipeline].
    #[arg(long, value_name = "W")]
    pub(crate) width: Option<usize>,
    /// Height in pixels [default: the preset's; 256 for a pipeline].
    #[arg(long, value_name = "H")]
    pub(crate) height: Option<usize>,
    /// Tokens of text [default: the preset's; 128 for a pipeline].
    #[arg(long, value_name = "N")]
    pub(crate) text_tokens: Option<usize>,
    /// Denoising steps: of a pipeline [default: 4], or of the transformer as a pipeline runs them, with what is computed once
    /// before them, in place of one run of the whole module.
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Of random weights and inputs.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Runs that are not counted, after a cold and a warm one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) warmup: usize,
    /// Runs that are counted.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) repeats: usize,
    /// Runs once for each line of standard input and answers with its seconds, so that a script can take turns.
    #[arg(long, conflicts_with = "repeats")]
    pub(crate) rounds_on_stdin: bool,
    /// A folder for the inputs and outputs, as safetensors.
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum BenchWhat {
    /// The Flux denoiser, one step.
    Transformer,
    /// The decoder of the autoencoder.
    Vae,
    /// The T5 encoder.
    T5,
    /// The CLIP text encoder.
    Clip,
    /// A prompt to a picture; needs --model.
    Pipeline,
    /// The processor's peak, with f32 or bf16 multiply-adds.
    Fma,
}

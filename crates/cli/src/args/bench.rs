//! Options of `tintype bench`.

use super::{DeviceArgs, DtypeArg, EngineArgs, GaudiArgs, QuantizeArg};
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
  tintype bench pipeline --model FLUX.1-schnell --steps 4 --count 16 --batch-size 5
  tintype bench pipeline --preset flux-dev --dtype bf16 --steps 28
  tintype bench folder --preset flux-dev --dtype bf16 --save /dev/shm/flux
  tintype bench cold --model /dev/shm/flux --width 1024 --height 1024 --text-tokens 512
  tintype bench upload --model /dev/shm/flux
  tintype bench sizes --preset flux-dev --dtype bf16
  tintype bench transformer --preset flux-dev --dtype bf16 --engine inductor --packages packages
  tintype bench transformer --preset flux-dev --dtype bf16 --engine torch
  tintype bench fma --threads 1")]
pub(crate) struct BenchArgs {
    /// What is measured.
    #[arg(value_enum, default_value = "transformer")]
    pub(crate) what: BenchWhat,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) gaudi: GaudiArgs,
    /// A model by name, with random weights: flux-4-8, flux-dev; flux; t5-large-8, t5-xxl; clip-l; flux-dev for a pipeline; tiny of each
    /// [default: the first of its kind].
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub(crate) preset: Option<String>,
    /// A model's or a component's folder in the diffusers layout, weights read from it.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// The dtype of weights and arithmetic [default: that of the stored weights, else f32].
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeArg>,
    /// Multiplies in 8-bit floating point in the denoiser's blocks: fp8-row, with a scale for each output of a layer, or fp8-tensor,
    /// with one for each weight; off does not.
    #[arg(long, value_name = "HOW")]
    pub(crate) quantize: Option<QuantizeArg>,
    /// How work reaches the device: eager, compiled, lazy or graph [default: the device's own].
    #[arg(long, value_name = "MODE")]
    pub(crate) launch: Option<LaunchMode>,
    /// Width in pixels [default: the preset's; 256 for a pipeline's folder].
    #[arg(long, value_name = "W")]
    pub(crate) width: Option<usize>,
    /// Height in pixels [default: the preset's; 256 for a pipeline's folder].
    #[arg(long, value_name = "H")]
    pub(crate) height: Option<usize>,
    /// Tokens of text [default: the preset's; 128 for a pipeline's folder].
    #[arg(long, value_name = "N")]
    pub(crate) text_tokens: Option<usize>,
    /// The sizes of `sizes`, in pixels.
    #[arg(long, value_name = "WxH", value_delimiter = ',', value_parser = size)]
    pub(crate) sizes: Vec<[usize; 2]>,
    /// `upload` copies a file's mapped pages in place of reading the file.
    #[arg(long)]
    pub(crate) mapped: bool,
    /// Where `pipeline` and `cold` write their pictures, one over the other: a run ends when the last PNG is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Denoising steps: of a pipeline [default: 4], or of the transformer as a pipeline runs them, with what is computed once
    /// before them, in place of one run of the whole module.
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Pictures of a pipeline's run [default: one batch].
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// Pictures that a pipeline makes at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) batch_size: usize,
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

/// `1024x768`.
fn size(text: &str) -> Result<[usize; 2], String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some([width.parse().ok()?, height.parse().ok()?]));
    sides.ok_or_else(|| format!("`{text}` is no size; write width and height in pixels as 1024x768"))
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
    /// A prompt to a picture.
    Pipeline,
    /// From the start of this process to the first denoising step and the first picture; then what the vendor's own
    /// parts take, in a process of their own.
    Cold,
    /// All weights of a model on their way to the device.
    Upload,
    /// The denoiser at several sizes with one set of weights, and the device's memory.
    Sizes,
    /// What the vendor's own parts take: a context, a handle of each library, copies from page-locked memory.
    Bare,
    /// Writes a model of a preset with random weights to the folder of --save.
    Folder,
    /// The processor's peak, with f32 or bf16 multiply-adds.
    Fma,
}

//! What the command line takes. Names are fixed: scripts rely on them.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use tintype::{DType, LaunchMode, NoiseDtype};

/// Runs diffusion models on any accelerator.
#[derive(Parser)]
#[command(name = "tintype", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes pictures from a prompt.
    Generate(Box<GenerateArgs>),
    /// Lists backends and their devices, and why one is missing.
    Devices(DevicesArgs),
    /// Runs the conformance suite on a backend and prints the verdict.
    Conformance(ConformanceArgs),
    /// Measures a model, or the processor's peak, and prints what can be compared.
    Bench(Box<BenchArgs>),
}

/// Options of `tintype generate`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype generate \"a red heart\" --model FLUX.1-schnell --steps 4 -o heart.png
  tintype generate \"a red heart\" --model black-forest-labs/FLUX.1-schnell --steps 4
  tintype generate \"a red heart\" --model FLUX.1-dev --transformer flux1-dev.safetensors
  tintype generate \"a red heart, oil on canvas\" --model FLUX.1-dev --image heart.png --strength 0.7")]
pub(crate) struct GenerateArgs {
    /// What the picture should show.
    pub(crate) prompt: String,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// The dtype of weights and arithmetic [default: that of the stored weights].
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeArg>,
    /// The dtype that noise is drawn in; part of a picture's identity [default: that of the arithmetic].
    #[arg(long, value_enum)]
    pub(crate) noise_dtype: Option<DtypeArg>,
    /// How work reaches the device: eager, compiled, lazy or graph [default: the device's own].
    #[arg(long, value_name = "MODE")]
    pub(crate) launch: Option<LaunchMode>,
    /// Denoising steps [default: 28].
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Noise levels instead of a number of steps, falling, without the closing 0.
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "steps")]
    pub(crate) sigmas: Option<Vec<f64>>,
    /// The guidance a distilled model is told [default: 3.5; 7 with --image].
    #[arg(long, value_name = "X")]
    pub(crate) guidance: Option<f64>,
    /// What the picture should not show; takes effect with --true-cfg above 1.
    #[arg(long, value_name = "TEXT")]
    pub(crate) negative: Option<String>,
    /// The factor of true classifier-free guidance [default: 1, off].
    #[arg(long, value_name = "X")]
    pub(crate) true_cfg: Option<f64>,
    /// Width in pixels [default: 128 latent pixels].
    #[arg(long, value_name = "W")]
    pub(crate) width: Option<usize>,
    /// Height in pixels [default: 128 latent pixels].
    #[arg(long, value_name = "H")]
    pub(crate) height: Option<usize>,
    /// The generator's seed.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How many pictures, all drawn from one generator.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) count: usize,
    /// How many pictures are made at once; splits the work, changes no picture.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) batch_size: usize,
    /// Tokens of the T5 prompt [default: 512].
    #[arg(long, value_name = "N")]
    pub(crate) max_sequence_length: Option<usize>,
    /// A PNG to start from.
    #[arg(long, value_name = "IN.png")]
    pub(crate) image: Option<PathBuf>,
    /// How much of the schedule is run on --image, from 0 to 1 [default: 0.6].
    #[arg(long, value_name = "X", requires = "image")]
    pub(crate) strength: Option<f64>,
    /// Where the picture goes; with --count, OUT-0.png and so on.
    #[arg(short, long, value_name = "OUT.png", default_value = "out.png")]
    pub(crate) output: PathBuf,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which model.
#[derive(Args)]
pub(crate) struct ModelArgs {
    /// A model: a folder in the diffusers layout, or a repository of the Hugging Face Hub as ORG/NAME[@REVISION], which
    /// is downloaded where the cache lacks it [default: the small one that is built in].
    #[arg(long, value_name = "DIR|REPO")]
    pub(crate) model: Option<String>,
    /// The transformer from one file, such as flux1-dev.safetensors; all else is the model's.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(crate) transformer: Option<PathBuf>,
    /// The VAE from one file, such as ae.safetensors; all else is the model's.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(crate) vae: Option<PathBuf>,
}

/// Which device.
#[derive(Args)]
pub(crate) struct DeviceArgs {
    /// The backend; `auto` takes the best that has a device. A named one runs or fails.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(crate) backend: String,
    /// The device: an ordinal, an id, or BACKEND:ORDINAL.
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<String>,
    /// Threads for work on the CPU [default: all cores].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// Options of `tintype devices`.
#[derive(Args)]
pub(crate) struct DevicesArgs {
    /// Prints one JSON array on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `tintype conformance`.
#[derive(Args)]
pub(crate) struct ConformanceArgs {
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `tintype bench`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype bench transformer --dtype bf16 --threads 2 --json
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
    /// Denoising steps of a pipeline.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) steps: usize,
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

/// A dtype of arithmetic or of draws.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DtypeArg {
    F32,
    Bf16,
    F16,
}

impl From<DtypeArg> for DType {
    fn from(arg: DtypeArg) -> Self {
        match arg {
            DtypeArg::F32 => DType::F32,
            DtypeArg::Bf16 => DType::Bf16,
            DtypeArg::F16 => DType::F16,
        }
    }
}

impl From<DtypeArg> for NoiseDtype {
    fn from(arg: DtypeArg) -> Self {
        match arg {
            DtypeArg::F32 => NoiseDtype::F32,
            DtypeArg::Bf16 => NoiseDtype::BF16,
            DtypeArg::F16 => NoiseDtype::F16,
        }
    }
}

//! What the command line takes. Names are fixed: scripts rely on them.

#[cfg(feature = "inductor")]
mod aot;
mod bench;
mod decode;
mod dtype;
mod gaudi;
mod shell;
mod values;

#[cfg(feature = "inductor")]
pub(crate) use aot::{AotApplyArgs, AotCaptureArgs, AotCommand, AotCompileArgs};
pub(crate) use bench::{BenchArgs, BenchWhat};
pub(crate) use decode::DecodeArgs;
pub(crate) use dtype::{DtypeArg, QuantizeArg};
pub(crate) use gaudi::{GaudiArgs, RecipeArgs};
pub(crate) use shell::{CompletionsArgs, ManArgs};
pub(crate) use values::Seeds;

use crate::inspect::InspectArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tintype::{LaunchMode, OpenOptions, VaeTile};

/// Runs diffusion models on any accelerator.
#[derive(Parser)]
#[command(name = "tintype", version, propagate_version = true)]
#[command(after_help = "Examples:
  tintype generate \"a red heart\" --model FLUX.1-schnell --steps 4 -o heart.png
  tintype generate --from heart.png --model FLUX.1-schnell --seed 8 -o another.png
  tintype devices

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled.")]
pub(crate) struct Cli {
    /// Tells what is done and how long it takes, on standard error; -vv and -vvv tell more. RUST_LOG says it finer.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes pictures from a prompt.
    Generate(Box<GenerateArgs>),
    /// Finishes a picture from the latents that a failed run has left.
    Decode(Box<DecodeArgs>),
    /// Lists backends and their devices, and why one is missing.
    Devices(DevicesArgs),
    /// Says what a model is, what it takes, and whether it fits; loads no weights.
    Inspect(Box<InspectArgs>),
    /// Runs the conformance suite on a backend and prints the verdict.
    Conformance(ConformanceArgs),
    /// Measures a model, or the processor's peak, and prints what can be compared.
    Bench(Box<BenchArgs>),
    /// Compiles the Programs of a call ahead of time, with PyTorch's compiler.
    #[cfg(feature = "inductor")]
    #[command(subcommand)]
    Aot(AotCommand),
    /// Prints completions for a shell.
    Completions(CompletionsArgs),
    /// Prints the manual page of tintype or of one of its commands.
    Man(ManArgs),
}

/// Options of `tintype generate`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype generate \"a red heart\" --model FLUX.1-schnell --steps 4 -o heart.png
  tintype generate \"a red heart\" --model FLUX.1-dev --transformer flux1-dev.safetensors
  tintype generate \"a red heart, oil on canvas\" --model FLUX.1-dev --image heart.png --strength 0.7
  tintype generate \"a red heart\" --model FLUX.1-schnell --seeds 1..16 --grid -o hearts.jpg
  tintype generate \"a red heart\" --model FLUX.1-schnell --seeds 1..16 --batch-size 5
  tintype generate --prompts prompts.txt --model FLUX.1-schnell --preview 2
  tintype generate --from heart.png --model FLUX.1-schnell --guidance 5 -o stronger.png")]
pub(crate) struct GenerateArgs {
    /// What the picture should show.
    #[arg(required_unless_present_any = ["prompts", "from"], conflicts_with = "prompts")]
    pub(crate) prompt: Option<String>,
    /// A file with a prompt a line, `-` for standard input; blank lines and those that start with # are passed over.
    /// Pictures are named OUT-0.png and so on, by the prompt's number.
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts: Option<PathBuf>,
    /// A picture whose settings are used again: one that tintype made, or another tool as far as its text goes.
    /// Options given beside it take precedence.
    #[arg(long, value_name = "PICTURE")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) gaudi: GaudiArgs,
    /// The dtype of weights and arithmetic [default: that of the stored weights].
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeArg>,
    /// Multiplies in 8-bit floating point in the denoiser's blocks: fp8-row, with a scale for each output of a layer, or fp8-tensor,
    /// with one for each weight; off does not.
    #[arg(long, value_name = "HOW")]
    pub(crate) quantize: Option<QuantizeArg>,
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
    /// The generator's seed [default: 0].
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// Several seeds, each with a generator of its own: 1..16 (both are meant), 1,5,9, or both. Pictures are named
    /// OUT-seed1.png and so on. Each is a run, or with --batch-size above 1 all are one.
    #[arg(long, value_name = "LIST")]
    pub(crate) seeds: Option<Seeds>,
    /// How many pictures, all drawn from one generator [default: 1].
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// How many pictures of a prompt are made at once; splits the work, changes no picture. Every batch has this size: the
    /// last is filled up, and what fills it is thrown away [default: 1].
    #[arg(long, value_name = "N")]
    pub(crate) batch_size: Option<usize>,
    /// Tokens of the T5 prompt [default: 512].
    #[arg(long, value_name = "N")]
    pub(crate) max_sequence_length: Option<usize>,
    /// Decodes in overlapping tiles of so many pixels a side, which needs less memory and gives slightly other pixels;
    /// auto does it only where the device's free memory is too little, off never [default: auto].
    #[arg(long, value_name = "PIXELS|auto|off")]
    pub(crate) vae_tile: Option<VaeTile>,
    /// A PNG, JPEG or WebP to start from.
    #[arg(long, value_name = "IN.png")]
    pub(crate) image: Option<PathBuf>,
    /// How much of the schedule is run on --image, from 0 to 1 [default: 0.6].
    #[arg(long, value_name = "X", requires = "image")]
    pub(crate) strength: Option<f64>,
    /// Where the picture goes: a .png, .jpg, .jpeg or .webp. With --count, OUT-0.png and so on.
    #[arg(short, long, value_name = "OUT.png", default_value = "out.png", value_parser = values::picture_path)]
    pub(crate) output: PathBuf,
    /// The quality of a JPEG, from 1 to 100 [default: 95].
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) quality: Option<u8>,
    /// Puts all pictures on one sheet too, OUT-grid.png.
    #[arg(long)]
    pub(crate) grid: bool,
    /// Writes a small preview every N steps, OUT.preview.png; it goes when its picture is there.
    #[arg(long, value_name = "N")]
    pub(crate) preview: Option<NonZeroUsize>,
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

impl ModelArgs {
    /// The options as they would be typed.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        let file = |file: &Option<PathBuf>| file.as_ref().map(|path| path.to_string_lossy().into_owned());
        let options = [
            ("--model", self.model.clone()),
            ("--transformer", file(&self.transformer)),
            ("--vae", file(&self.vae)),
        ];
        options.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten()
    }
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
    /// Let a GPU round the factors of f32 products to tf32: faster, 10 bits of fraction instead of 23.
    #[arg(long)]
    pub(crate) tf32: bool,
    /// Fail where a graph cannot be captured, instead of launching without one and saying so.
    #[arg(long)]
    pub(crate) strict: bool,
}

impl DeviceArgs {
    /// How the device is opened.
    pub(crate) fn open_options(&self) -> OpenOptions {
        let mut options = OpenOptions::default();
        (options.threads, options.tf32, options.strict) = (self.threads, self.tf32, self.strict);
        options
    }
}

/// Which of the device's engines.
#[derive(Args)]
pub(crate) struct EngineArgs {
    /// The engine: the device's own; inductor, which takes a package of --packages for every Program or fails; auto, which
    /// takes those that fit and says which; or torch, which is PyTorch's library, run eagerly, in builds that have it.
    #[arg(long, value_enum, default_value = "native")]
    pub(crate) engine: Engine,
    /// The folder of packages that `tintype aot compile` has made.
    #[arg(long, value_name = "DIR")]
    pub(crate) packages: Option<PathBuf>,
}

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Native,
    Inductor,
    Auto,
    Torch,
}

/// Options of `tintype devices`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype devices
  tintype devices --json")]
pub(crate) struct DevicesArgs {
    /// Prints one JSON array on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `tintype conformance`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype conformance --backend cpu
  tintype conformance --backend cpu --json > verdict.json
  tintype conformance --backend cuda --launch graph --only attention
  tintype conformance --backend gaudi --attention composed
  tintype conformance --backend cpu --engine torch")]
pub(crate) struct ConformanceArgs {
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) recipes: RecipeArgs,
    /// Launch modes, with commas between: eager, compiled, lazy, graph [default: all that the device has].
    #[arg(long, value_name = "MODES", value_delimiter = ',')]
    pub(crate) launch: Vec<LaunchMode>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

//! What `tintype aot` takes.

use super::{DtypeArg, ModelArgs, QuantizeArg};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The three steps.
#[derive(Subcommand)]
pub(crate) enum AotCommand {
    /// Writes the Programs that a call uses to a folder; runs nothing.
    Capture(Box<AotCaptureArgs>),
    /// Makes a package of every captured Program, with a Python that has torch. Takes up what was broken off.
    Compile(AotCompileArgs),
    /// Says which packages of a folder run on this machine, and why others do not.
    Apply(AotApplyArgs),
}

/// Options of `tintype aot capture`: those of the call that decide its Programs.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype aot capture -o captured
  tintype aot capture --model FLUX.1-dev --width 768 --height 768 -o captured")]
pub(crate) struct AotCaptureArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The denoiser of one of `tintype bench`'s presets in place of a model's Programs: the whole module; with --steps, what a
    /// pipeline runs before and in the steps.
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub(crate) preset: Option<String>,
    /// The dtype of weights and arithmetic [default: that of the stored weights].
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeArg>,
    /// Multiplies in 8-bit floating point in the denoiser's blocks: fp8-row, with a scale for each output of a layer, or fp8-tensor,
    /// with one for each weight; off does not.
    #[arg(long, value_name = "HOW")]
    pub(crate) quantize: Option<QuantizeArg>,
    /// Denoising steps [default: 28].
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Width in pixels [default: 128 latent pixels].
    #[arg(long, value_name = "W")]
    pub(crate) width: Option<usize>,
    /// Height in pixels [default: 128 latent pixels].
    #[arg(long, value_name = "H")]
    pub(crate) height: Option<usize>,
    /// Tokens of the T5 prompt [default: 512].
    #[arg(long, value_name = "N")]
    pub(crate) max_sequence_length: Option<usize>,
    /// The factor of true classifier-free guidance [default: 1, off].
    #[arg(long, value_name = "X")]
    pub(crate) true_cfg: Option<f64>,
    /// Where the Programs go.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

/// Options of `tintype aot compile`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype aot compile captured -o packages
  tintype aot compile captured -o packages --blocks --device cuda
  tintype aot compile captured -o packages --option max_autotune=true")]
pub(crate) struct AotCompileArgs {
    /// What `tintype aot capture` has written.
    #[arg(value_name = "CAPTURED")]
    pub(crate) captured: PathBuf,
    /// Where the packages go.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Makes packages of the repeated blocks and of what stands between them, in place of whole Programs: compiled sooner.
    #[arg(long)]
    pub(crate) blocks: bool,
    /// One package for all sizes from the first to the last, of each Program that was captured at two of them. A size is the
    /// extent of an input that differs, such as a picture's tokens.
    #[arg(long, value_name = "LEAST:MOST")]
    pub(crate) dynamic: Option<String>,
    /// Makes one product of queries, keys and values, whose weights then lie side by side on the device; nothing is copied. Generation
    /// takes such packages without being told.
    #[arg(long)]
    pub(crate) fuse_qkv: bool,
    /// Packages that are made at a time [default: one for every 4 cores, 8 at most].
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// torch's device.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: String,
    /// One of Inductor's options, by its own name; the value is JSON. Several may be given.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) option: Vec<String>,
}

/// Options of `tintype aot apply`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype aot apply packages")]
pub(crate) struct AotApplyArgs {
    /// The folder of packages.
    #[arg(value_name = "PACKAGES")]
    pub(crate) packages: PathBuf,
    /// The backend of the device that they are held against: cpu or cuda.
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub(crate) backend: String,
    /// Prints one JSON array on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

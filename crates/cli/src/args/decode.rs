//! Options of `tintype decode`.

use super::{DeviceArgs, DtypeArg, GaudiArgs, ModelArgs, values};
use clap::Args;
use std::path::PathBuf;
use tintype::{LaunchMode, VaeTile};

/// Options of `tintype decode`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype decode heart.latents.safetensors --model FLUX.1-dev -o heart.png
  tintype decode heart.latents.safetensors --model FLUX.1-dev --dtype f32 -o heart.png")]
pub(crate) struct DecodeArgs {
    /// The latents, as a failed run has left them.
    #[arg(value_name = "LATENTS")]
    pub(crate) latents: PathBuf,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    #[command(flatten)]
    pub(crate) gaudi: GaudiArgs,
    /// The dtype of weights and arithmetic [default: that of the run].
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeArg>,
    /// How work reaches the device: eager, compiled, lazy or graph [default: the device's own].
    #[arg(long, value_name = "MODE")]
    pub(crate) launch: Option<LaunchMode>,
    /// Decodes in overlapping tiles of so many pixels a side; auto does it only where the device's free memory is too
    /// little, off never [default: the tiles of the run, else auto].
    #[arg(long, value_name = "PIXELS|auto|off")]
    pub(crate) vae_tile: Option<VaeTile>,
    /// Where the picture goes: a .png, .jpg, .jpeg or .webp. Of several pictures, OUT-N.png by their number in the run.
    #[arg(short, long, value_name = "OUT.png", default_value = "out.png", value_parser = values::picture_path)]
    pub(crate) output: PathBuf,
    /// The quality of a JPEG, from 1 to 100 [default: 95].
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) quality: Option<u8>,
}

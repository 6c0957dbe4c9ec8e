//! What `tintype inspect` takes.

use crate::args::{DtypeArg, ModelArgs, QuantizeArg};
use clap::Args;
use tintype::{LaunchMode, Picture, Request, Steps, VaeTile};

/// Options of `tintype inspect`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype inspect --model FLUX.1-dev
  tintype inspect --model FLUX.1-dev --width 768 --height 768 --launch eager
  tintype inspect --model FLUX.1-schnell --program transformer
  tintype inspect --model FLUX.1-schnell --check")]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(super) model: ModelArgs,
    /// One backend [default: every device of every backend].
    #[arg(long, value_name = "NAME")]
    pub(super) backend: Option<String>,
    /// One device: an ordinal, an id, or BACKEND:ORDINAL.
    #[arg(long, value_name = "ID")]
    pub(super) device: Option<String>,
    /// Threads for work on the CPU [default: all cores].
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// The dtype of weights and arithmetic [default: that of the stored weights].
    #[arg(long, value_enum)]
    pub(super) dtype: Option<DtypeArg>,
    /// Multiplies in 8-bit floating point in the denoiser's blocks: fp8-row, with a scale for each output of a layer, or fp8-tensor,
    /// with one for each weight; off does not.
    #[arg(long, value_name = "HOW")]
    pub(super) quantize: Option<QuantizeArg>,
    /// How work reaches the device: eager, compiled, lazy or graph [default: the device's own].
    #[arg(long, value_name = "MODE")]
    pub(super) launch: Option<LaunchMode>,
    /// Denoising steps [default: 28].
    #[arg(long, value_name = "N")]
    pub(super) steps: Option<usize>,
    /// Width in pixels [default: 128 latent pixels].
    #[arg(long, value_name = "W")]
    pub(super) width: Option<usize>,
    /// Height in pixels [default: 128 latent pixels].
    #[arg(long, value_name = "H")]
    pub(super) height: Option<usize>,
    /// Tokens of the T5 prompt [default: 512].
    #[arg(long, value_name = "N")]
    pub(super) max_sequence_length: Option<usize>,
    /// Pictures made at once, of as many.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) batch_size: usize,
    /// As for a run with this factor and a negative prompt: above 1 the denoiser runs twice a step.
    #[arg(long, value_name = "X")]
    pub(super) true_cfg: Option<f64>,
    /// As for a run that starts from a picture, with this share of the schedule.
    #[arg(long, value_name = "X")]
    pub(super) strength: Option<f64>,
    /// As for a run that decodes in tiles of so many pixels a side, or by itself (auto), or never (off).
    #[arg(long, value_name = "PIXELS|auto|off", default_value_t)]
    pub(super) vae_tile: VaeTile,
    /// Prints the Programs block by block: of all components, or of one (text_encoder, text_encoder_2, transformer, vae,
    /// vae.encoder, vae.decoder).
    #[arg(long, value_name = "COMPONENT", num_args = 0..=1, default_missing_value = "", conflicts_with = "check")]
    pub(super) program: Option<String>,
    /// Reads all weights once and lists all that is wrong with them: NaN and infinity, shapes, missing and unused
    /// tensors. Exits with 1 if anything is.
    #[arg(long)]
    pub(super) check: bool,
    /// Prints one JSON object on standard output.
    #[arg(long)]
    pub(super) json: bool,
}

/// A picture to start from: whatever its size, it is brought to that of the result.
fn pixel() -> Picture {
    Picture { width: 1, height: 1, rgb: vec![0; 3], text: Vec::new() }
}

impl InspectArgs {
    /// The run that is asked about.
    pub(super) fn request(&self) -> Request {
        Request {
            steps: self.steps.map(Steps::Count),
            width: self.width,
            height: self.height,
            max_sequence_length: self.max_sequence_length,
            count: Some(self.batch_size),
            batch_size: Some(self.batch_size),
            true_cfg: self.true_cfg,
            negative: self.true_cfg.map(|_| String::new()),
            vae_tile: self.vae_tile,
            image: self.strength.map(|strength| (pixel(), Some(strength))),
            ..Request::default()
        }
    }
}

//! The autoencoder between pictures and latents: `AutoencoderKL` of diffusers 0.36 (Rombach et al. 2022).
//!
//! Latents leave and enter unscaled; [`Config::scaling_factor`] and [`Config::shift_factor`] are the pipeline's to
//! apply: `latents = (sample - shift) * scaling`, and `sample = latents / scaling + shift` before decoding.

mod config;
mod decoder;
mod encoder;
mod mid;
mod resnet;

pub use config::Config;
pub use decoder::{decoder, decoder_program};
pub use encoder::{Posterior, encoder, encoder_program};
pub use mid::AttentionNames;

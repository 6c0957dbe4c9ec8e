//! The text encoder of CLIP: `CLIPTextModel` of transformers 4.57 (Radford et al. 2021).

mod config;
mod encoder;
mod tables;

pub use config::Config;
pub use encoder::{Inputs, Outputs, encoder, program};
pub use tables::{causal_mask, pooled_index};

//! Flux.1: text to image and image to image, as `FluxPipeline` and `FluxImg2ImgPipeline` of diffusers 0.36.

mod alone;
mod denoise;
mod denoiser;
mod draw;
mod finish;
mod model;
mod need;
mod preview;
mod run;
mod sizes;
mod stages;
mod step;
mod text;
mod tiles;
mod traces;
mod vae;

pub use alone::{DenoisingLoop, DenoisingTask};
pub(crate) use model::FluxModel;
pub(crate) use need::Need;
pub(crate) use run::Flux;
pub use stages::Phase;
pub(crate) use stages::{Part, Stage};
pub(crate) use tiles::{Grid, LEAST, SIDES};

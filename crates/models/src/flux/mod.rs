//! The Flux.1 denoiser: `FluxTransformer2DModel` of diffusers 0.36 (Black Forest Labs 2024).
//!
//! A stack of double blocks, where picture and text have weights of their own and attend together, then one of
//! single blocks over both in one sequence. Text comes first wherever the two are joined.

mod attention;
mod blocks;
mod conditioning;
mod config;
mod modulation;
mod rope;
mod timestep;
mod transformer;

pub use conditioning::{ConditioningSizes, conditioning_program};
pub use config::Config;
pub use rope::{RopeTables, rope_tables, rope_tables_for};
pub use timestep::{FEATURES, scaled_time, timestep_features};
pub use transformer::{DenoiserInputs, Inputs, Sizes, denoiser, program, transformer};

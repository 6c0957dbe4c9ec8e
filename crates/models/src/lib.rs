//! Diffusion models as functions that trace Programs.
//!
//! Each model has a `Config`, read from the `config.json` that is published with its weights, and a function over
//! [`tintype_program::Value`]s that names parameters as those weights do. Tables that a model needs (rotary angles,
//! timestep features, position buckets, masks) are made on the host, by functions next to the model, and are inputs.
//!
//! ```
//! use tintype_models::flux;
//! use tintype_program::DType;
//!
//! let config = flux::Config::from_json(r#"{"guidance_embeds": true}"#)?; // the rest is FLUX.1's own
//! let sizes = flux::Sizes { batch: 1, text_tokens: 512, image_tokens: 4096 };
//! let program = flux::program(&config, sizes, DType::Bf16)?;
//! assert_eq!(program.entry().params.len(), 1160);
//! assert_eq!(program.runs_of_blocks(), [19, 38, 1]); // two repeated blocks, 57 calls, one entry
//! # Ok::<(), tintype_models::Error>(())
//! ```
//!
//! Functions that trace into a [`tintype_program::Scope`] of the caller's (such as [`flux::transformer`]) return the
//! tracing's own error and expect a config that passed `validate`; functions that make a whole Program validate first.

#![forbid(unsafe_code)]

pub mod clip;
mod error;
mod fields;
pub mod flux;
mod layers;
pub mod pack;
pub mod t5;
pub mod vae;

pub use error::{Error, Result};

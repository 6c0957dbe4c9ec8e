//! The encoder of T5: `T5EncoderModel` of transformers 4.57 (Raffel et al. 2020).

mod buckets;
mod config;
mod encoder;

pub use buckets::relative_buckets;
pub use config::Config;
pub use encoder::{EmbeddingName, Inputs, encoder, program};

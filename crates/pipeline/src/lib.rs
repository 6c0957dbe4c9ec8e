//! Model folders, tokenizers, schedulers, random numbers and the generation loop.
//!
//! ```
//! use tintype_pipeline::random::{Generator, NoiseDtype};
//!
//! // The numbers that `torch.randn(4, generator=torch.Generator().manual_seed(0))` gives.
//! let mut generator = Generator::new(0);
//! let noise = generator.randn(NoiseDtype::F32, 4);
//! assert!((noise[0] - 1.540_996).abs() < 4e-6);
//! ```

mod arithmetic;
pub mod error;
pub mod files;
mod flux;
pub mod folder;
mod generate;
#[cfg(feature = "hub")]
pub mod hub;
pub mod inspect;
mod pipeline;
pub mod random;
pub mod recipe;
pub mod scheduler;
mod shortage;
pub mod tokenizer;

pub use arithmetic::{Arithmetic, Quantization};
pub use error::{Error, Result};
pub use flux::{DenoisingLoop, DenoisingTask};
pub use generate::{CancelToken, Event, Request, Settings, Throughput, Tiles, VaeTile, Watcher};
pub use pipeline::{Generated, Pipeline, PipelineOptions};
pub use shortage::{Moment, Shortage};

#[cfg(test)]
mod testing;

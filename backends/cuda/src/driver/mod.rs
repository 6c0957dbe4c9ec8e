//! CUDA's driver: what it does in its own way.

mod api;
mod device;
mod primary;

pub(crate) use api::{Loaded, Own, api, dotted};
pub(crate) use device::{Facts, Mode, facts};
pub(crate) use primary::{advice, context};

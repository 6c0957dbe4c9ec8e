//! CUDA's driver: what it does in its own way.

mod api;
mod device;
mod nested;
mod primary;

pub(crate) use api::{Loaded, Nesting, NodeParams, Own, api, dotted};
pub(crate) use device::{Facts, Mode, facts};
pub(crate) use nested::Nest;
pub(crate) use primary::{advice, context};

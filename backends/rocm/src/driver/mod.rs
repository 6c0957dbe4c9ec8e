//! HIP: what it does in its own way.

mod api;
mod device;
mod home;

pub(crate) use api::{Loaded, api, dotted};
pub(crate) use device::{Facts, facts};
pub(crate) use home::{advice, context};

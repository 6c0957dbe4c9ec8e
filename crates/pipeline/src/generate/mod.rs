//! The parts of a run that no model owns: what is asked for, what is heard, what runs where.

mod ahead;
mod component;
mod pixels;
mod request;
mod resize;
mod shared;
mod stage;
mod tensors;
mod throughput;
mod tile;
mod watch;

pub(crate) use ahead::Ahead;
pub(crate) use component::{Component, Place, Run};
pub(crate) use pixels::{from_picture, to_pixels};
pub use request::{Request, Settings};
pub(crate) use stage::{Given, Stage};
pub(crate) use tensors::dtype_of;
pub(crate) use throughput::Pace;
pub use throughput::Throughput;
pub use tile::{Tiles, VaeTile};
pub use watch::{CancelToken, Event, Watcher};
